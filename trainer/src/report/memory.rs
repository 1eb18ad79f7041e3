//! Memory that this program uses, where the system says so. Frameworks do not tell how much of a
//! GPU's memory they hold.

/// Bytes in memory now; `None` where the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>();
    Some(kibibytes.ok()? * 1024)
}

/// Bytes in memory now; `None` where the system does not say.
#[cfg(not(target_os = "linux"))]
pub(super) fn resident_bytes() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_program_uses_some_memory() {
        assert!(super::resident_bytes().expect("Linux says it") > 100_000);
    }
}
