//! `cargo xtask fuzz`: the trainer's own fuzzer, for as long as asked.

use anyhow::Result;

use crate::{process, workspace};

const TEST: &str = "nearly_valid_files_for_a_while";

/// Reads cases of `seed` for some minutes, of one format or of all.
pub fn run(minutes: u64, seed: u64, format: Option<&str>) -> Result<()> {
    let mut command = workspace::cargo();
    // The whole workspace, so that nothing is compiled anew for another set of features.
    command.args(["test", "--release", "--workspace", "--test", "fuzz"]);
    command.args(["--", "--exact", TEST, "--ignored", "--nocapture"]);
    command.env("FUZZ_SECONDS", (60 * minutes).to_string());
    command.env("FUZZ_SEED", seed.to_string());
    if let Some(format) = format {
        command.env("FUZZ_FORMAT", format);
    }
    process::run(
        &mut command,
        "The cases that failed are listed above, with their files.",
    )
}
