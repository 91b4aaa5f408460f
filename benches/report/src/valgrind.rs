//! Counting instructions, allocations and memory with valgrind.
//!
//! A benchmark runs itself as a child that does its work a given number of times, twice with
//! different numbers. The difference is the cost of the work, without that of the setup.

use std::ffi::OsString;
use std::process::Command;
use std::{env, io};

/// Memcheck as a counter.
const MEMCHECK: [&str; 3] = [
    "--tool=memcheck",
    "--leak-check=no",
    "--undef-value-errors=no",
];

/// An installed valgrind.
#[derive(Clone, Copy, Debug)]
pub struct Valgrind(());

impl Valgrind {
    /// Returns valgrind, or `None` if it cannot be run.
    #[must_use]
    pub fn find() -> Option<Self> {
        let version = Command::new("valgrind").arg("--version").output().ok()?;
        version.status.success().then_some(Self(()))
    }

    /// Returns the instructions of one repetition, counted by callgrind.
    ///
    /// Runs this program with `arguments` and a number of repetitions: `few`, and then `many`. It
    /// must exit with success.
    ///
    /// # Errors
    ///
    /// When it cannot be run or counted.
    pub fn instructions(self, arguments: &[&str], few: u64, many: u64) -> io::Result<f64> {
        let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
        per_repetition(few, many, |repetitions| {
            count(&options, arguments, repetitions, "Collected :")
        })
    }

    /// Returns the allocations of one repetition, counted by memcheck, which counts a reallocation as
    /// one. Otherwise as [`instructions`](Self::instructions).
    ///
    /// # Errors
    ///
    /// When it cannot be run or counted.
    pub fn allocations(self, arguments: &[&str], few: u64, many: u64) -> io::Result<f64> {
        per_repetition(few, many, |repetitions| {
            count(&MEMCHECK, arguments, repetitions, "total heap usage:")
        })
    }

    /// Returns the bytes that are allocated when the program exits, of one repetition, counted by
    /// memcheck. Otherwise as [`instructions`](Self::instructions).
    ///
    /// # Errors
    ///
    /// When it cannot be run or counted.
    pub fn bytes_at_exit(self, arguments: &[&str], few: u64, many: u64) -> io::Result<f64> {
        per_repetition(few, many, |repetitions| {
            count(&MEMCHECK, arguments, repetitions, "in use at exit:")
        })
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of a short run are far below 2^52"
)]
fn per_repetition(few: u64, many: u64, count: impl Fn(u64) -> io::Result<u64>) -> io::Result<f64> {
    let (less, more) = (count(few)?, count(many)?);
    Ok((more as f64 - less as f64) / (many as f64 - few as f64))
}

/// Runs this program under valgrind and returns the number after `label`.
fn count(options: &[&str], arguments: &[&str], repetitions: u64, label: &str) -> io::Result<u64> {
    let program = env::current_exe()?;
    let output = Command::new("valgrind")
        .args(options)
        .arg(&program)
        .args(arguments)
        .arg(OsString::from(repetitions.to_string()))
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(io::Error::other(format!("{arguments:?} failed: {log}")));
    }
    number_behind(label, &log)
        .ok_or_else(|| io::Error::other(format!("valgrind says nothing of `{label}`: {log}")))
}

/// Returns the first number after the last `label`, with or without thousands separators.
fn number_behind(label: &str, log: &str) -> Option<u64> {
    let (_, rest) = log.rsplit_once(label)?;
    let number = rest.split_whitespace().next()?;
    number.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_the_log_of_valgrind() {
        let log = "==7== Collected : 123456\n\
                   ==7==     in use at exit: 5,678 bytes in 9 blocks\n\
                   ==7==   total heap usage: 1,234 allocs, 1,233 frees, 5 bytes allocated\n";
        assert_eq!(number_behind("Collected :", log), Some(123_456));
        assert_eq!(number_behind("total heap usage:", log), Some(1234));
        assert_eq!(number_behind("in use at exit:", log), Some(5678));
        assert_eq!(number_behind("absent", log), None);
    }
}
