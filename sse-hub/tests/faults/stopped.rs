//! A node that is stopped and goes on, as by Ctrl-Z, a frozen container or a debugger: what the engine
//! has answered meanwhile counts, although the node has waited for too long.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sse_engines::Server;
use sse_hub::Hub;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::cases::{ANSWER_WITHIN, Engine, Keeps};

/// The variable that makes a process a node: the engine's port, and the number of worker threads.
const NODE: &str = "SSE_HUB_TEST_STOPPED_NODE";

/// What precedes the result of a publish.
const RESULT: &str = "publish: ";

/// Is a node, if this process was started as one. It publishes an event for each line of its input.
pub(crate) fn run<E: Engine>() {
    let Ok(variable) = env::var(NODE) else {
        return;
    };
    let (port, threads) = variable.split_once(' ').expect("a port and a number");
    let mut builder = match threads.parse().expect("a number") {
        0 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let engine = E::connect(port.parse().expect("a port"), Keeps::PLENTY).await;
        let (hub, driver) = Hub::builder().engine(engine).build();
        tokio::spawn(driver);
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(event) = lines.next_line().await.expect("a line") {
            let published = hub.publish("news", event).await;
            println!("{RESULT}{published:?}");
        }
    });
    // The thread that reads from the standard input cannot be awaited.
    std::process::exit(0);
}

struct Node {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Node {
    fn start(test: &str, port: u16, threads: usize) -> Self {
        // The name of a test begins after that of its crate.
        let (_, test) = test.split_once("::").expect("a path");
        let mut child = Command::new(env::current_exe().expect("its own path"))
            .args([test, "--exact", "--nocapture"])
            .env(NODE, format!("{port} {threads}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let output = child.stdout.take().expect("its output");
        Self {
            input: child.stdin.take().expect("its input"),
            output: BufReader::new(output).lines(),
            child,
        }
    }

    async fn begin_to_publish(&mut self) {
        self.input.write_all(b"event\n").await.expect("written");
    }

    async fn assert_published(&mut self) {
        loop {
            let line = self.output.next_line().await.expect("text");
            let line = line.expect("the result of the publish");
            if let Some((_, result)) = line.split_once(RESULT) {
                assert!(result.starts_with("Ok("), "{result}");
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it runs");
        let id = Pid::from_raw(i32::try_from(id).expect("an id"));
        kill_process(id.expect("an id"), signal).expect("signalled");
    }
}

/// `test` is the name of a test that calls [`run`].
pub(crate) async fn what_is_answered_while_a_node_is_stopped_counts<E: Engine>(test: &str) {
    let server = Server::start(E::command).await;
    let mut nodes = Vec::new();
    for threads in [0, 2] {
        let mut node = Node::start(test, server.port(), threads);
        node.begin_to_publish().await;
        node.assert_published().await;
        nodes.push(node);
    }
    server.freeze();
    for node in &mut nodes {
        node.begin_to_publish().await;
    }
    // Each has sent its request, and waits.
    sleep(Duration::from_millis(200)).await;
    for node in &nodes {
        node.signal(Signal::STOP);
    }
    server.thaw();
    sleep(ANSWER_WITHIN + Duration::from_millis(200)).await;
    for node in &nodes {
        node.signal(Signal::CONT);
    }
    for node in &mut nodes {
        node.assert_published().await;
    }
}
