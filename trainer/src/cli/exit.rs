//! Exit codes beside 0 and 1.

/// Exit code of a command line that makes no sense; clap's own.
pub(super) const WRONG_USAGE: u8 = 2;
/// Exit code after an interruption that lost nothing.
pub(super) const INTERRUPTED: u8 = 130;
/// Exit code after whoever read the results has gone: that of a program which SIGPIPE ends.
pub(super) const NO_READER: u8 = 141;
