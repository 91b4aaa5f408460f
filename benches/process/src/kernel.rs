//! What the kernel knows about a process: its core, CPU time, memory and files.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// Pins the load generator to one core if there are two, and returns the core for the servers.
///
/// # Errors
///
/// When the kernel does not allow it.
pub fn share_cores() -> io::Result<Option<usize>> {
    let allowed = sched_getaffinity(Pid::this())?;
    let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core) == Ok(true));
    let Some((ours, servers)) = cores.next().zip(cores.next()) else {
        return Ok(None);
    };
    pin_to(ours)?;
    Ok(Some(servers))
}

/// Pins the calling thread, and those that it starts later, to one core.
pub(crate) fn pin_to(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core)?;
    Ok(sched_setaffinity(Pid::this(), &only)?)
}

/// Returns the CPU time that all threads of a process have used, in user and system mode. It is the
/// scheduler's sum in nanoseconds, not the coarse one of the process table.
///
/// # Errors
///
/// When the process has ended.
pub fn cpu_time(process: u32) -> io::Result<Duration> {
    let clock = ClockId::pid_cpu_clock_id(pid(process))?;
    Ok(clock_gettime(clock)?.into())
}

/// Returns the anonymous memory of a process in bytes: stacks, heap, and the used part of shared
/// memory.
///
/// # Errors
///
/// When the process has ended.
pub fn anonymous_memory(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(proc(process).join("status"))?;
    let entry = |name: &str| {
        let mut lines = status.lines();
        let kib = lines.find_map(|line| line.strip_prefix(name))?;
        kib.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let kib = entry("RssAnon:").zip(entry("RssShmem:"));
    kib.map(|(own, shared)| (own + shared) * 1024)
        .ok_or_else(|| io::Error::other("no RssAnon in the process's status"))
}

/// Returns the number of files, connections included, that a process has open.
///
/// # Errors
///
/// When the process has ended.
pub fn open_files(process: u32) -> io::Result<usize> {
    Ok(fs::read_dir(proc(process).join("fd"))?.count())
}

/// Returns a running child of a process.
///
/// # Errors
///
/// When the process has ended.
pub fn child_of(process: u32) -> io::Result<Option<u32>> {
    let children = proc(process).join("task").join(process.to_string());
    let children = fs::read_to_string(children.join("children"))?;
    Ok(children.split_whitespace().find_map(|it| it.parse().ok()))
}

fn proc(process: u32) -> Box<Path> {
    Path::new("/proc").join(process.to_string()).into()
}

pub(crate) fn pid(process: u32) -> Pid {
    Pid::from_raw(process.cast_signed())
}
