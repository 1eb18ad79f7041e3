//! Memory that this program uses, where the system says so. Frameworks do not tell how much of a
//! GPU's memory they hold.

/// Has large blocks go back to the system when they are freed. GNU's allocator otherwise learns from
/// the first tensors to keep blocks of up to 32 MB among its small ones, where they leave holes.
pub fn return_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE: libc::c_int = 1 << 20;
        // SAFETY: changes nothing but a threshold of later allocations.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
    }
}

/// Keeps blocks of any size for the next of theirs, since the steps of a training ask for the same ones
/// again and again: the system clears every page that it hands out.
pub fn keep_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: changes nothing but how later allocations are made.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}

/// Bytes in memory now; `None` where the system does not say.
pub fn resident_bytes() -> Option<u64> {
    bytes_of("VmRSS:")
}

/// The most bytes that were ever in memory; `None` where the system does not say.
pub fn peak_resident_bytes() -> Option<u64> {
    bytes_of("VmHWM:")
}

#[cfg(target_os = "linux")]
fn bytes_of(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>();
    Some(kibibytes.ok()? * 1024)
}

#[cfg(not(target_os = "linux"))]
fn bytes_of(_key: &str) -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_uses_some_memory_and_its_peak_outlasts_the_use() {
        let before = resident_bytes().expect("Linux says it");
        assert!(before > 100_000);
        let size = 64 << 20;
        drop(std::hint::black_box(vec![1u8; size]));
        let peak = peak_resident_bytes().expect("Linux says it");
        assert!(peak >= size as u64, "{peak}");
    }
}
