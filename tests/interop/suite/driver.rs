//! Runs a client in a process of its own, and reads what its user sees.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::client::Runtime;
use crate::installed;

/// The time after which a client is killed that does not end.
const DEADLINE: Duration = Duration::from_secs(120);

/// Lets the driver read at these places, `[{"url": ..., "silence": ...}]`, and returns what its user
/// sees, as lines by URL.
pub(crate) async fn run(
    runtime: Runtime,
    driver: &str,
    places: &Value,
) -> BTreeMap<String, Vec<String>> {
    let mut command = match runtime {
        Runtime::Node => {
            let mut node = Command::new(installed::node());
            // The drivers are not in the folder of the packages, but a link to them is.
            node.args(["--preserve-symlinks", "--preserve-symlinks-main"])
                .arg(installed::packages().join("source/run.mjs"));
            node
        }
        Runtime::Python => {
            let mut python = Command::new(installed::python());
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
            // No bytecode in the sources.
            python.arg("-B").arg(folder.join("run.py"));
            python
        }
    };
    let mut process = command
        .arg(driver)
        .arg(places.to_string())
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
    let mut seen = BTreeMap::<_, Vec<_>>::new();
    for line in output.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let url = line["url"].as_str().expect("a URL").to_owned();
        seen.entry(url).or_default().push(shown(&line));
    }
    seen
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
