//! Runs a test in a process of its own, to measure the memory of that process.

use std::process::Command;

/// The environment variable that is set in the process that runs the one test.
const MARK: &str = "SSE_TESTS_ALONE";

/// Whether this is the process that runs `test` alone. If it is not, starts such a process, in which
/// the test must pass.
pub(crate) fn in_own_process(test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    // The name of a test does not include the crate.
    let (_, name) = test.split_once("::").expect("a path within the crate");
    let output = Command::new(std::env::current_exe().expect("the path of this program"))
        .args(["--exact", name, "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("the process starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    print!("{stdout}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed in its own process");
    assert!(stdout.contains("1 passed"), "no test is named {name}");
    false
}

/// The memory of this process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: usize,
    /// The highest value of `resident` so far.
    pub(crate) peak: usize,
}

impl Memory {
    /// Returns `None` where the system does not report it.
    pub(crate) fn now() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        Some(Self {
            resident: field("VmRSS:")?,
            peak: field("VmHWM:")?,
        })
    }
}
