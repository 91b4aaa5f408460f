//! What the kernel knows about a process.

use std::{fs, io};

/// Returns the anonymous memory of a process that is resident, in bytes: its heap and stacks.
pub(crate) fn resident(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let mut lines = status.lines();
    let kib = lines.find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = kib.and_then(|kib| kib.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let kib = kib.ok_or_else(|| io::Error::other("no RssAnon in the process's status"))?;
    Ok(kib * 1024)
}

/// Returns the number of descriptors that a process has open.
pub(crate) fn descriptors(process: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count())
}
