//! Steps side by side.
//!
//! Some steps compute, others mostly wait: for timers, for the network, for another compiler. Each step
//! is a process of its own, so that its output can be kept together, and so that it can be ended with
//! everything that it has started.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sse_processes::Process;

use crate::result::Result;

/// How many steps run at the same time.
const LANES: usize = 2;

/// How often the running steps are looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// A step that is not running yet.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) command: Command,
}

/// A running step. Dropping it ends it.
struct Running {
    name: String,
    process: Process,
    log: PathBuf,
    begun: Instant,
}

/// Runs `steps` in their order, [`LANES`] of them at a time, and writes the output of each to `out` when
/// it ends. In `folder`, each has its output in a file while it runs.
///
/// # Errors
///
/// When a step fails. The others are ended at once, and those that have not begun do not begin.
pub(crate) fn run(
    steps: impl IntoIterator<Item = Step>,
    folder: &Path,
    out: &mut impl Write,
) -> Result {
    fs::create_dir_all(folder)?;
    let mut waiting: VecDeque<_> = steps.into_iter().collect();
    let mut running = Vec::new();
    loop {
        while running.len() < LANES
            && let Some(step) = waiting.pop_front()
        {
            writeln!(out, "-- {} begins", step.name)?;
            running.push(Running::start(step, folder)?);
        }
        if running.is_empty() {
            return Ok(());
        }
        let Some(ended) = first_ended(&mut running)? else {
            sleep(INTERVAL);
            continue;
        };
        let (step, succeeded) = ended;
        io::copy(&mut File::open(&step.log)?, out)?;
        if !succeeded {
            for other in &running {
                let log = other.log.display();
                writeln!(out, "-- {} is ended; its output is in {log}", other.name)?;
            }
            let seconds = step.begun.elapsed().as_secs();
            return Err(format!("\n{} failed after {seconds} s", step.name).into());
        }
    }
}

/// Takes a step that has ended out of `running`, and says whether it succeeded.
fn first_ended(running: &mut Vec<Running>) -> Result<Option<(Running, bool)>> {
    for index in 0..running.len() {
        if let Some(status) = running[index].process.ended()? {
            return Ok(Some((running.remove(index), status.success())));
        }
    }
    Ok(None)
}

impl Running {
    fn start(step: Step, folder: &Path) -> Result<Self> {
        let Step { name, mut command } = step;
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let process =
            Process::start(&mut command).map_err(|error| format!("cannot run {name}: {error}"))?;
        Ok(Self {
            name,
            process,
            log,
            begun: Instant::now(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn step(name: &str, script: &str) -> Step {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Step {
            name: name.to_owned(),
            command,
        }
    }

    /// Runs steps, each with a folder for what they write, and returns what is shown.
    fn shown(steps: &[(&str, &str)]) -> (Result, String, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let steps = steps.iter().map(|(name, script)| {
            let mut step = step(name, script);
            step.command.current_dir(folder.path());
            step
        });
        let mut out = Vec::new();
        let result = run(steps.collect::<Vec<_>>(), folder.path(), &mut out);
        (result, String::from_utf8(out).unwrap(), folder)
    }

    #[test]
    fn the_output_of_each_step_is_kept_together() {
        // Each waits for the other between its lines.
        let wait = |file: &str| format!("until test -e {file}; do sleep 0.01; done");
        let one = format!("echo one; touch 1; {}; echo end >&2; touch 3", wait("2"));
        let two = format!("echo two; touch 2; {}; echo end; {}", wait("1"), wait("3"));
        let (result, out, _) = shown(&[("a", &one), ("b", &two)]);
        result.unwrap();
        assert_eq!(out, "-- a begins\n-- b begins\none\nend\ntwo\nend\n");
    }

    #[test]
    fn a_step_begins_when_another_has_ended() {
        let (result, out, _) = shown(&[
            ("a", "echo a; touch ended"),
            ("b", "until test -e third; do sleep 0.01; done; echo b"),
            ("c", "test -e ended && echo c && touch third"),
        ]);
        result.unwrap();
        let order = "-- a begins\n-- b begins\na\n-- c begins\n";
        assert!(out.starts_with(order), "{out}");
        assert!(out.contains("c\n") && out.contains("b\n"), "{out}");
    }

    #[test]
    fn a_step_that_fails_ends_the_others_and_what_they_have_started() {
        let folder = tempfile::tempdir().unwrap();
        // Both processes of the other step have this pipe, whose end is theirs.
        let (mut reader, writer) = io::pipe().unwrap();
        let mut long = step("long", "sleep 1000 <&0 & touch begun; wait");
        long.command.current_dir(folder.path()).stdin(writer);
        let script = "until test -e begun; do sleep 0.01; done; echo wrong; exit 3";
        let mut fails = step("fails", script);
        fails.command.current_dir(folder.path());
        let never = step("never", "echo never");
        let mut out = Vec::new();
        let error = run([long, fails, never], folder.path(), &mut out).unwrap_err();
        assert!(error.to_string().contains("fails failed"), "{error}");
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("wrong\n-- long is ended"), "{out}");
        assert!(!out.contains("never"), "{out}");
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }
}
