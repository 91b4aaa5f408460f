//! Runs a client in a process of its own, and reads what its user sees.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::installed;

/// The time after which a client is killed that does not end.
const DEADLINE: Duration = Duration::from_secs(120);

/// Returns what runs a driver in Node.js.
pub(crate) fn node() -> Command {
    let mut node = Command::new(installed::node());
    // The drivers are not in the folder of the packages, but a link to them is.
    node.args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(installed::packages().join("source/run.mjs"));
    node
}

/// Returns what runs a driver in Python.
pub(crate) fn python() -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut python = Command::new(installed::python());
    // No bytecode among the sources.
    python.arg("-B").arg(folder.join("run.py"));
    python
}

/// Lets the driver read at these places, `[{"url": ..., "silence": ...}]`, and calls `saw` with each line
/// of what its user sees.
pub(crate) async fn run(mut command: Command, driver: &str, places: &[Value], saw: &mut Saw<'_>) {
    let mut process = command
        .arg(driver)
        .arg(Value::from(places).to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the client starts");
    let mut output = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let read = async {
        while let Some(line) = output.next_line().await.expect("UTF-8") {
            report(&serde_json::from_str(&line).expect("JSON"), saw);
        }
        process.wait().await.expect("an end")
    };
    let status = timeout(DEADLINE, read).await;
    let status = status.unwrap_or_else(|_| panic!("{driver} does not end"));
    assert!(status.success(), "{driver}: {status}");
}

/// Gets what the user of a client sees: a URL, and a line.
pub(crate) type Saw<'a> = dyn FnMut(&str, String) + 'a;

/// Calls `saw` with what a driver reports.
pub(crate) fn report(seen: &Value, saw: &mut Saw<'_>) {
    saw(seen["url"].as_str().expect("a URL"), shown(seen));
}

/// Returns what was seen in one line: `message text #id`, or the note.
fn shown(seen: &Value) -> String {
    let word = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let Some(event) = seen["event"].as_array() else {
        return word(&seen["note"]).expect("a note");
    };
    let shown = |value: &Value| word(value).unwrap_or_else(|| value.to_string());
    let id = word(&event[2]).map_or_else(String::new, |id| format!(" #{id}"));
    format!("{} {}{id}", shown(&event[0]), shown(&event[1]))
}
