//! A test in a process of its own, for what belongs to the process: its memory.

use std::process::Command;

/// Set in the process that runs the one test.
const MARK: &str = "SSE_TESTS_ALONE";

/// Whether this is the process that runs `test` alone. If it is not, one is started, in which the
/// test must pass.
pub(crate) fn in_a_process_of_its_own(test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    // Test names do not have the crate's.
    let (_, name) = test.split_once("::").expect("a path within the crate");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("it starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    print!("{stdout}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed on its own");
    assert!(stdout.contains("1 passed"), "there is no {name}");
    false
}

/// Memory of this process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: usize,
    /// The most that `resident` has been.
    pub(crate) peak: usize,
}

impl Memory {
    /// `None` where the system does not tell.
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
