//! The binary `trainer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Who builds a release names its commit.
    trainer::cli::main(option_env!("PIX2PIX_COMMIT"))
}
