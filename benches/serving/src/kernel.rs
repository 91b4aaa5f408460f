//! What the kernel keeps books on: who runs where, and what a process has used.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// The cores of the load generator and of the servers, if there are two.
pub(crate) fn two_cores() -> io::Result<Option<[usize; 2]>> {
    let allowed = sched_getaffinity(Pid::this())?;
    let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core) == Ok(true));
    Ok(cores.next().zip(cores.next()).map(<[usize; 2]>::from))
}

/// Keeps the calling thread, and those that it makes from now on, on one core.
pub(crate) fn pin_to(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core)?;
    Ok(sched_setaffinity(Pid::this(), &only)?)
}

/// The CPU time that all threads of a process have used, in user and system mode. It is the
/// scheduler's own sum, to the nanosecond, and not the coarse one of the process table.
pub(crate) fn cpu_time(process: u32) -> io::Result<Duration> {
    let clock = ClockId::pid_cpu_clock_id(pid(process))?;
    Ok(clock_gettime(clock)?.into())
}

/// The memory of a process that is its own and not a file's, in bytes: stacks and heap.
pub(crate) fn anonymous_memory(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(proc(process).join("status"))?;
    let entry = |line: &str| {
        let kib = line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")?;
        kib.parse::<u64>().ok()
    };
    let kib = status.lines().find_map(entry);
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| io::Error::other("no RssAnon in the process's status"))
}

/// How many files, and so connections, a process has open.
pub(crate) fn open_files(process: u32) -> io::Result<usize> {
    Ok(fs::read_dir(proc(process).join("fd"))?.count())
}

fn proc(process: u32) -> Box<Path> {
    Path::new("/proc").join(process.to_string()).into()
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(process.cast_signed())
}
