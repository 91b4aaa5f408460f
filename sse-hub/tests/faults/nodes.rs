//! Nodes that are processes of their own: this test binary, started again with another task. Each
//! serves subscribers over HTTP, and publishes.

use std::env;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use sse_hub::Hub;
use sse_tokio_tcp::{Request, with_sse};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::cases::{Engine, Keeps};
use crate::load::{self, Node, Place, TOPICS};

/// The variable that makes a process a node: the engine's port, and the node's number.
const NODE: &str = "SSE_HUB_TEST_NODE";

/// What a node prints before its address.
const LISTENS: &str = "listens at ";

/// A node that is a process; killed when it is dropped.
pub(crate) struct Process {
    test: &'static str,
    child: Child,
    pub(crate) address: Arc<Mutex<Option<SocketAddr>>>,
}

impl Process {
    /// Starts a node by running only the test with this name, with the variable that makes it a node.
    pub(crate) async fn start(test: &'static str, engine: u16, number: usize) -> Self {
        let address = Arc::default();
        let child = spawn(test, engine, number, &address).await;
        Self {
            test,
            child,
            address,
        }
    }

    pub(crate) fn node(&self) -> Node {
        Node::Process(Arc::clone(&self.address))
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Starts it again; as another publisher, for it does not know how far it had come.
    pub(crate) async fn restart(&mut self, engine: u16, number: usize) {
        self.child = spawn(self.test, engine, number, &self.address).await;
    }
}

async fn spawn(
    test: &str,
    engine: u16,
    number: usize,
    address: &Mutex<Option<SocketAddr>>,
) -> Child {
    // The name of a test begins after that of its crate.
    let (_, test) = test.split_once("::").expect("a path");
    let mut child = Command::new(env::current_exe().expect("its own path"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(NODE, format!("{engine} {number}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    let found = loop {
        line.clear();
        let read = output.read_line(&mut line).await.expect("a line");
        assert!(read > 0, "the node ends before it listens");
        if let Some((_, address)) = line.trim().split_once(LISTENS) {
            break address.parse().expect("an address");
        }
    };
    *address.lock().expect("not poisoned") = Some(found);
    child
}

/// Is a node, if this process was started as one, until its parent ends.
pub(crate) async fn run<E: Engine>() {
    let Ok(variable) = env::var(NODE) else {
        return;
    };
    let (engine, number) = variable.split_once(' ').expect("a port and a number");
    let engine = engine.parse().expect("a port");
    let number = number.parse().expect("a number");
    let engine = E::connect(engine, Keeps::PLENTY).await;
    let (hub, driver) = Hub::builder().engine(engine).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{LISTENS}{}", listener.local_addr().expect("its address"));

    let served = hub.clone();
    let serve = with_sse(move |request: Request, sse| {
        let topics = request.uri().path()[1..].split('/').map(load::topic);
        served.subscribe(topics).serve(sse)
    });
    let place = Place::of(hub);
    let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let mut input = tokio::io::stdin();
    tokio::select! {
        _ = sse_tokio_tcp::serve(listener, serve) => {}
        () = driver => {}
        _ = load::publish(&place, &TOPICS, number, || false, &counts[0], &counts[1]) => {}
        // Its end is the parent's.
        _ = input.read_u8() => {}
    }
}
