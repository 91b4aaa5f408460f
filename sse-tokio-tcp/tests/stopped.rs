//! A server that is stopped and goes on, as by Ctrl-Z, a frozen container or a debugger: no timeout
//! is believed before the socket was looked at.

#![cfg(unix)]

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sse_tokio_tcp::{Limits, Request, SendError, Server, Sse, with_sse};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// The environment variable with the number of worker threads, set in the process of a server.
const THREADS: &str = "SSE_TEST_STOPPED_THREADS";

/// What the server waits at most for a head, and for a client that takes nothing.
const TIMEOUT: Duration = Duration::from_millis(1000);

/// How long it is stopped.
const STOPPED: Duration = Duration::from_millis(1300);

/// The limit on every wait. No assertion depends on it.
const LIMIT: Option<Duration> = Some(Duration::from_secs(30));

/// More than the buffers of both ends hold.
const LENGTH: usize = 32 * 1024 * 1024;

/// How many events are sent, each of this many bytes.
const EVENTS: usize = 512;

/// What the process of a server runs; nothing unless it is one.
#[test]
fn server() {
    let Ok(threads) = env::var(THREADS) else {
        return;
    };
    runtime(&threads).block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("address {}", listener.local_addr().expect("an address"));
        let limits = Limits::new().head_timeout(TIMEOUT).write_timeout(TIMEOUT);
        Server::new()
            .limits(limits)
            .serve(listener, with_sse(much))
            .await;
    });
}

fn runtime(threads: &str) -> Runtime {
    let mut builder = match threads.parse().expect("a number") {
        0 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_all().build().expect("a runtime")
}

async fn much(_: Request, sse: Sse) -> Result<(), SendError> {
    let event = "x".repeat(LENGTH / EVENTS);
    for _ in 0..EVENTS {
        sse.send(&*event).await?;
    }
    Ok(())
}

/// A server in a process of its own.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(threads: usize) -> Self {
        let mut child = Command::new(env::current_exe().expect("the path of this program"))
            .args(["--exact", "server", "--nocapture"])
            .env(THREADS, threads.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = lines
            .map(|line| line.expect("text"))
            .find_map(|line| Some(line.split_once("address ")?.1.parse().expect("an address")));
        Self {
            address: address.expect("the server listens"),
            child,
        }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).expect("a connection");
        client.set_read_timeout(LIMIT).expect("an option");
        client
    }

    /// Stops the process for longer than its timeouts. Calls `meanwhile` at the beginning.
    fn stop_during(&self, meanwhile: impl FnOnce()) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::STOP).expect("stopped");
        meanwhile();
        sleep(STOPPED);
        kill_process(id, Signal::CONT).expect("continued");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a case with a server on one thread and one on several, at the same time.
fn on_any_runtime(case: impl Fn(Process) + Sync) {
    thread::scope(|scope| {
        for threads in [0, 2] {
            let case = &case;
            scope.spawn(move || case(Process::start(threads)));
        }
    });
}

#[test]
fn a_head_that_came_meanwhile_is_answered() {
    on_any_runtime(|server| {
        let mut client = server.connect();
        client.write_all(b"GET / HTTP/1.0\r\n").expect("sent");
        sleep(Duration::from_millis(100));
        server.stop_during(|| client.write_all(b"\r\n").expect("sent"));
        let mut status = [0; 15];
        client.read_exact(&mut status).expect("an answer");
        assert_eq!(&status, b"HTTP/1.0 200 OK");
    });
}

#[test]
fn a_client_that_took_all_meanwhile_gets_the_rest() {
    on_any_runtime(|server| {
        let mut client = server.connect();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("sent");
        // The server fills the buffers, and waits.
        sleep(Duration::from_millis(200));
        let mut taken = 0;
        server.stop_during(|| {
            let soon = Some(Duration::from_millis(100));
            client.set_read_timeout(soon).expect("an option");
            let mut bytes = vec![0; 64 * 1024];
            while let Ok(len @ 1..) = client.read(&mut bytes) {
                taken += len;
            }
            client.set_read_timeout(LIMIT).expect("an option");
        });
        assert!((1..LENGTH).contains(&taken), "{taken} bytes");
        let mut rest = String::new();
        client.read_to_string(&mut rest).expect("an end in order");
        assert!(taken + rest.len() > LENGTH, "{taken} and {}", rest.len());
        assert!(rest.ends_with("x\n\n"));
    });
}
