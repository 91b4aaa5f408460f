//! A process that is stopped and goes on, as by Ctrl-Z, a frozen container or a closed lid.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sse_eventsource_testing::{STREAM, Server};

use super::{sse, text};

#[test]
fn what_came_while_the_process_was_stopped_is_read_and_no_timeout_reported() {
    let server = Server::start(|_, mut connection| async move {
        connection.answer(STREAM).await;
        for number in 0.. {
            if !connection.send(format!("data: {number}\n\n")).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut child = sse()
        .args(["--idle-timeout", "1", "--no-reconnect", "--count", "30"])
        .arg(server.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "message 0");
    let id = Pid::from_child(&child);
    for _ in 0..2 {
        kill_process(id, Signal::STOP).expect("stopped");
        // Longer than the timeout, and the time that the process does not run cannot be seen by it
        // otherwise.
        sleep(Duration::from_millis(1300));
        kill_process(id, Signal::CONT).expect("continued");
        sleep(Duration::from_millis(50));
    }
    let rest: Vec<_> = lines.map(|line| line.expect("read")).collect();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(output.stderr), "");
    assert!(output.status.success());
    let expected: Vec<_> = (1..30).map(|number| format!("message {number}")).collect();
    assert_eq!(rest, expected);
}
