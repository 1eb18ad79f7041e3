//! What `trainer --version` says.

use crate::system::device::GraphicsApi;

/// Version, commit and what it can compute on, in the form of clap's `long_version`.
pub(super) fn long_version(commit: Option<&str>) -> &'static str {
    let commit = commit.map_or(String::new(), |commit| format!(" (commit {commit})"));
    let back_ends = back_ends().join(", ");
    let version = env!("CARGO_PKG_VERSION");
    // Said once, as long as the program runs.
    format!("{version}{commit}\nback ends: {back_ends}").leak()
}

/// Under the words of `--device`.
fn back_ends() -> Vec<&'static str> {
    let mut back_ends = vec!["cpu"];
    if cfg!(feature = "gpu") {
        back_ends.extend(GraphicsApi::HERE.iter().map(|api| api.word()));
    }
    for (is_built, name) in [
        (cfg!(feature = "cuda"), "cuda"),
        (cfg!(feature = "ndarray"), "ndarray"),
    ] {
        back_ends.extend(is_built.then_some(name));
    }
    back_ends
}
