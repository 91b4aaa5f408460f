//! The models of what threads share, by loom.
//!
//! loom tries the interleavings one after the other, and is done when there are no more with as many
//! preemptions as are allowed. So a longer run is one with more of them, as far as its time goes.

use std::time::{Duration, Instant};

use crate::process::{cargo, output, run};
use crate::result::Result;

/// How long `cargo xtask model` runs by default, in minutes.
const DEFAULT_MINUTES: u64 = 60;

/// How many models run at the same time.
const THREADS: u32 = 2;

/// How many preemptions the step `model` of the tests allows.
const PREEMPTIONS_IN_TESTS: u32 = 2;

/// `cargo xtask model`: runs the models with three preemptions, then with four, and so on.
pub(crate) fn command(arguments: &[String]) -> Result {
    let minutes = match arguments {
        [] => DEFAULT_MINUTES,
        [name, value] if name == "--minutes" => {
            (value.parse()).map_err(|_| format!("--minutes takes a number, not {value}"))?
        }
        _ => return Err("`model` takes only --minutes N".into()),
    };
    let test = || {
        let mut test = cargo();
        test.args(["test", "--release", "--package", "sse-model"]);
        test
    };
    let list = output(test().args(["--", "--list"]))?;
    let models = list.lines().filter(|line| line.ends_with(": test"));
    let models = u32::try_from(models.count())?.max(1);

    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut preemptions = PREEMPTIONS_IN_TESTS;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // What models leave that are done early is for the next round.
        let limit = left * THREADS.min(models) / models;
        if limit < Duration::from_secs(1) {
            return Ok(());
        }
        preemptions += 1;
        run(test()
            .env("LOOM_MAX_PREEMPTIONS", preemptions.to_string())
            .env("LOOM_MAX_DURATION", limit.as_secs().to_string())
            // How often loom looks at the clock, in interleavings.
            .env("LOOM_CHECKPOINT_INTERVAL", "100")
            .args(["--", "--show-output"])
            .arg(format!("--test-threads={THREADS}")))?;
    }
}

/// Runs the models with as many preemptions as nearly all faults need.
pub(crate) fn check() -> Result {
    run(cargo().args(["test", "--package", "sse-model"]))
}
