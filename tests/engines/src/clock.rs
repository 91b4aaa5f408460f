//! The clock that a server sees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::command::MakeCommand;

/// A clock that one or several servers see instead of the machine's. It can be put back and forward while
/// they run; timers go on as usual.
///
/// Functions of the C library are replaced for that. So it works for Redis and Valkey, and not for NATS,
/// which asks the kernel.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
}

impl Clock {
    /// Makes a clock that is right. The C compiler that Rust links with builds what is needed.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one is another")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Self { folder };
        clock.shift(0);
        let source = clock.folder.path().join("clock.c");
        fs::write(&source, include_str!("clock.c")).expect("written");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(clock.library())
            .arg(source)
            .status();
        assert!(built.expect("cc").success(), "it compiles");
        clock
    }

    /// Lets the clock be behind the machine's by so much, at once.
    pub fn put_back(&self, behind: Duration) {
        self.shift(-nanoseconds(behind));
    }

    /// Lets the clock be ahead of the machine's by so much, at once.
    pub fn put_forward(&self, ahead: Duration) {
        self.shift(nanoseconds(ahead));
    }

    fn shift(&self, nanoseconds: i64) {
        // In place, as servers have mapped it.
        let mut file = fs::OpenOptions::new();
        let file = file.write(true).create(true).truncate(false);
        let file = file.open(self.file()).expect("a file");
        let bytes = nanoseconds.to_ne_bytes();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).expect("written");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("shift")
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }

    /// Returns the command of a server that sees this clock, for as long as this is not dropped.
    pub fn shown_to(&self, command: impl MakeCommand) -> impl MakeCommand {
        let (library, file) = (self.library(), self.file());
        move |port: u16, folder: &Path| -> Command {
            let mut command = command(port, folder);
            command.env("LD_PRELOAD", &library).env("SSE_CLOCK", &file);
            command
        }
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).expect("less than centuries")
}
