//! Runs a client in a process of its own, and reads what its user sees.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::installed;

/// The time after which a client is killed that does not end.
const DEADLINE: Duration = Duration::from_secs(120);

/// What the user of a client sees, by URL.
pub(crate) type Lines = BTreeMap<String, Vec<String>>;

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

/// Lets the driver read at these places, `[{"url": ..., "silence": ...}]`, and returns what its user
/// sees.
pub(crate) async fn run(mut command: Command, driver: &str, places: &[Value]) -> Lines {
    let mut process = command
        .arg(driver)
        .arg(Value::from(places).to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the client starts");
    let mut output = String::new();
    let mut stdout = process.stdout.take().expect("a pipe");
    let read = timeout(DEADLINE, stdout.read_to_string(&mut output)).await;
    read.unwrap_or_else(|_| panic!("{driver} does not end; it saw:\n{output}"))
        .expect("UTF-8");
    let status = process.wait().await.expect("an end");
    assert!(status.success(), "{driver}: {status}; it saw:\n{output}");
    lines(
        output
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON")),
    )
}

/// Returns what was seen, as lines by URL.
pub(crate) fn lines(seen: impl IntoIterator<Item = Value>) -> Lines {
    let mut lines = Lines::new();
    for seen in seen {
        let url = seen["url"].as_str().expect("a URL").to_owned();
        lines.entry(url).or_default().push(shown(&seen));
    }
    lines
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
