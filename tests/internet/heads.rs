//! What is left of a request while its stream is open: a stream whose request had the longest head that
//! is let in must not cost more than one with the shortest.

use std::hash::Hash;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use socket2::{Domain, Socket, Type};
use sse_session::Limiter;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::hyper_server::connections::Connections;
use crate::{actix_server, hyper_server, tcp_server};

/// How many streams are open, and how many are before anything is measured. `SSE_STREAMS` is another
/// number, for more exact figures.
const STREAMS: usize = 800;
const BEFORE: usize = 100;

/// The fixed part of a head.
const HEAD: &str = "GET / HTTP/1.1\r\nHost: test\r\nLast-Event-ID: \r\n\r\n";

fn unlimited<K: Eq + Hash>() -> Limiter<K> {
    Limiter::new(usize::MAX, usize::MAX)
}

fn start(runtime: &Runtime, adapter: &str) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("an option");
    let _context = runtime.enter();
    match adapter {
        "hyper" => {
            let listener = TcpListener::from_std(listener).expect("a listener");
            let site = hyper_server::Site::new(unlimited());
            let connections = Arc::new(Connections::new(site));
            runtime.spawn(connections.serve(listener));
        }
        "tcp" => {
            let listener = TcpListener::from_std(listener).expect("a listener");
            runtime.spawn(tcp_server::serve(listener, unlimited()));
        }
        "actix" => {
            thread::spawn(move || {
                actix_rt::System::new().block_on(async move {
                    let server = actix_server::serve(listener, unlimited());
                    server.expect("a server").await
                })
            });
        }
        other => panic!("no adapter is named {other}"),
    }
    address
}

/// Connects from an address of its own for each 50 streams, as the servers limit those of one.
fn connect(server: SocketAddr, number: usize) -> TcpStream {
    let [high, low] = u16::try_from(1 + number / 50)
        .expect("few streams")
        .to_be_bytes();
    let local = SocketAddrV4::new(Ipv4Addr::new(127, 1, high, low), 0);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&local.into())
        .expect("an address of this machine");
    socket.connect(&server.into()).expect("a connection");
    socket.into()
}

/// Opens a stream whose request has a head of `len` bytes, and receives its event.
fn open(server: SocketAddr, number: usize, len: usize) -> TcpStream {
    let id = "x".repeat(len.saturating_sub(HEAD.len()).max(1));
    let head = HEAD.replace("\r\n\r\n", &format!("{id}\r\n\r\n"));
    let mut stream = connect(server, number);
    stream.write_all(head.as_bytes()).expect("sent");
    let mut response = Vec::new();
    let mut bytes = [0; 1024];
    while !response.ends_with(b"data: hello\n\n\r\n") {
        let read = stream.read(&mut bytes).expect("a response");
        assert!(read > 0, "the end after {}", response.escape_ascii());
        response.extend_from_slice(&bytes[..read]);
    }
    stream
}

/// Returns the memory of this process in bytes.
fn resident() -> usize {
    // Until the server has nothing to do.
    thread::sleep(Duration::from_millis(20));
    let status = fs::read_to_string("/proc/self/status").expect("a file of Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes
        .and_then(|kilobytes| kilobytes.parse().ok())
        .unwrap_or(0)
        * 1024
}

/// Prints how many bytes a stream takes whose request had a head of `len` bytes.
fn measure(adapter: &str, len: usize) -> ! {
    let streams = env::var("SSE_STREAMS").map_or(STREAMS, |streams| {
        streams.parse().expect("a number of streams")
    });
    let files = u64::try_from(2 * (streams + BEFORE) + 200).expect("few streams");
    rlimit::increase_nofile_limit(files).expect("a limit");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let server = start(&runtime, adapter);
    let mut all = Vec::with_capacity(BEFORE + streams);
    all.extend((0..BEFORE).map(|number| open(server, number, len)));
    let before = resident();
    all.extend((BEFORE..BEFORE + streams).map(|number| open(server, number, len)));
    let after = resident();
    println!("bytes: {}", after.saturating_sub(before) / streams);
    // Without the destructors of the server.
    std::process::exit(0);
}

/// The name of the variable that has the adapter and the length.
const CASE: &str = "SSE_HEADS";

/// Returns the bytes for each stream, as another process measures them.
fn bytes(adapter: &str, len: usize) -> f64 {
    let name = "heads::a_stream_costs_the_same_whatever_head_its_request_had";
    let output = Command::new(env::current_exe().expect("the path of this program"))
        .args(["--exact", name, "--nocapture"])
        .env(CASE, format!("{adapter} {len}"))
        .output()
        .expect("the process starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let bytes = text.lines().find_map(|line| line.split("bytes: ").nth(1));
    bytes
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or_else(|| {
            panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
        })
}

#[test]
fn a_stream_costs_the_same_whatever_head_its_request_had() {
    if let Ok(case) = env::var(CASE) {
        let (adapter, len) = case.split_once(' ').expect("an adapter and a length");
        measure(adapter, len.parse().expect("a length"));
    }
    // The longest ones that are let in. Their ids are too long to have been given out.
    for (adapter, longest) in [("hyper", 8 * 1024), ("tcp", 16 * 1024 - 1)] {
        let (short, long) = (bytes(adapter, 0), bytes(adapter, longest));
        println!("{adapter}: {short} and {long} bytes a stream");
        assert!(long <= 1.1 * short, "{adapter}: {long} after {short}");
    }
}
