//! What a client sends on a connection whose stream is open, together with its request or later: further
//! requests, or the body of the request. How much the server holds of it. Each case runs in a process of
//! its own.

use std::ops::Range;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

use crate::client::Connection;
use crate::handlers::{Handlers, idle};
use crate::own_process::{Memory, in_own_process};
use crate::transports::{
    Actix, ActixBounded, ActixBoundedHttp2, ActixWithoutHalfClose, Hyper, Server, Tcp, Transport,
};

/// The most by which each of them may grow the server, as the documentation says.
const MOST: usize = 64 * 1024;

/// How much is sent on each connection after the head of the request, if it is taken.
const SENT: usize = 130_000;

/// A request and what follows it.
#[derive(Clone, Copy)]
struct Flood {
    head: &'static str,
    /// Is sent again and again.
    more: &'static str,
}

/// The smallest requests that there are.
const REQUESTS: Flood = Flood {
    head: "GET / HTTP/1.1\r\nHost: test\r\n\r\n",
    more: "GET / HTTP/1.1\r\nHost:\r\n\r\n",
};

const BODY: Flood = Flood {
    head: "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 10000000\r\n\r\n",
    more: "x",
};

const CHUNKS: Flood = Flood {
    head: "GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n",
    more: "1\r\nx\r\n",
};

/// Bodies that a handler of actix-web keeps and does not read.
const KEPT_BODY: Flood = Flood {
    head: "GET /keeping-the-body HTTP/1.1\r\nHost: test\r\nContent-Length: 10000000\r\n\r\n",
    more: "x",
};

const KEPT_CHUNKS: Flood = Flood {
    head: "GET /keeping-the-body HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n",
    more: "1\r\nx\r\n",
};

/// Opens streams by `request`, which more may follow. Returns when the memory of this process
/// does not change.
async fn open(
    server: &Server,
    handlers: &Handlers,
    streams: usize,
    request: &str,
) -> Vec<Connection> {
    let before = handlers.total();
    let open = join_all((0..streams).map(async |_| {
        let mut connection = server.connect().await;
        connection.send_what_is_taken(request).await;
        connection
    }));
    let open = open.await;
    handlers.started(before + streams).await;
    settled().await;
    open
}

/// Returns the memory of this process when it does not change.
async fn settled() -> usize {
    let mut before = 0;
    loop {
        let now = Memory::now().expect("Linux").resident;
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Returns by how much each connection grows the server that sends more together with the request of
/// its stream, and one that sends it when the stream is open. The first figure has the memory of the
/// connection and the stream too.
async fn growth<T: Transport>(streams: usize, flood: Flood) -> (usize, usize) {
    rlimit::increase_nofile_limit(16 * 1024).expect("a limit on open files");
    let more = flood.more.repeat(SENT / flood.more.len());
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers)).await;
    let at_first = open(&server, &handlers, 1, flood.head).await;
    let before = settled().await;

    let whole = format!("{}{more}", flood.head);
    let together = open(&server, &handlers, streams, &whole).await;
    let with_together = settled().await;

    let mut after = open(&server, &handlers, streams, flood.head).await;
    let with_streams = settled().await;
    join_all(after.iter_mut().map(|open| open.send_what_is_taken(&more))).await;
    let with_after = settled().await;

    assert_eq!(handlers.running(), 1 + 2 * streams);
    drop((at_first, together, after));
    let each = |after: usize, before: usize| after.saturating_sub(before) / streams;
    let (together, after) = (each(with_together, before), each(with_after, with_streams));
    println!(
        "{}: {together} bytes each, {after} after the stream has opened",
        T::NAME
    );
    (together, after)
}

async fn is_bounded<T: Transport>(streams: usize, flood: Flood) {
    let (together, after) = growth::<T>(streams, flood).await;
    assert!(together <= MOST && after <= MOST, "{}", T::NAME);
}

/// Defines a test that runs in a process of its own.
macro_rules! alone {
    ($name:ident, $test:expr) => {
        #[cfg(target_os = "linux")]
        #[tokio::test]
        async fn $name() {
            if in_own_process(concat!(module_path!(), "::", stringify!($name))) {
                super::within_limit($test).await;
            }
        }
    };
}

alone!(
    hyper_reads_few_requests_ahead,
    is_bounded::<Hyper>(1_000, REQUESTS)
);
alone!(
    raw_tcp_reads_few_requests_ahead,
    is_bounded::<Tcp>(1_000, REQUESTS)
);
alone!(
    bounded_actix_reads_few_requests_ahead,
    is_bounded::<ActixBounded>(1_000, REQUESTS)
);

alone!(
    hyper_holds_little_of_a_body,
    is_bounded::<Hyper>(1_000, BODY)
);
alone!(hyper_holds_few_chunks, is_bounded::<Hyper>(1_000, CHUNKS));
alone!(
    raw_tcp_holds_little_of_a_body,
    is_bounded::<Tcp>(1_000, BODY)
);
alone!(
    bounded_actix_holds_little_of_a_body,
    is_bounded::<ActixBounded>(1_000, KEPT_BODY)
);
alone!(
    bounded_actix_holds_few_chunks,
    is_bounded::<ActixBounded>(1_000, KEPT_CHUNKS)
);
alone!(
    bounded_actix_discards_a_body,
    is_bounded::<ActixBounded>(1_000, BODY)
);
alone!(
    bounded_actix_discards_chunks,
    is_bounded::<ActixBounded>(100, CHUNKS)
);

// What the documentation says of actix-web without `BoundedHttp`.
alone!(actix_decodes_all_that_it_has_read, async {
    let with_half_close = growth::<Actix>(2, REQUESTS).await;
    let without = growth::<ActixWithoutHalfClose>(2, REQUESTS).await;
    for (together, after) in [with_half_close, without] {
        assert!(together > 1024 * 1024 && after > 1024 * 1024);
    }
});
alone!(actix_keeps_a_buffer_for_a_body_that_nothing_reads, async {
    for flood in [BODY, KEPT_BODY] {
        let (together, after) = growth::<Actix>(100, flood).await;
        assert!(together > 100_000 && after > 100_000);
    }
});

/// How many streams `BoundedHttp` lets a connection of HTTP/2 have.
const STREAMS: u32 = 200;

/// Returns requests of HTTP/2 with these numbers.
fn http_2_requests(numbers: Range<u32>) -> Vec<u8> {
    // GET, http, the path / and an authority of one character.
    let head = [0x82, 0x86, 0x84, 0x01, 1, b't'];
    let request = |number: u32| {
        let frame_head = [0, 0, head.len() as u8, 1, 0x05];
        let stream = (2 * number + 1).to_be_bytes();
        [&frame_head[..], &stream, &head].concat()
    };
    numbers.flat_map(request).collect()
}

// A client that goes on asking and accepts none of the refusals.
alone!(bounded_actix_decodes_few_requests_of_http_2, async {
    let connections = 50;
    let settings = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], settings].concat();
    let streams = [preface, http_2_requests(0..STREAMS)].concat();
    let more = http_2_requests(STREAMS..STREAMS + (SENT / 15) as u32);
    rlimit::increase_nofile_limit(16 * 1024).expect("a limit on open files");
    let handlers = Handlers::new();
    let server = ActixBoundedHttp2::start(idle(&handlers)).await;
    let open = join_all((0..connections).map(async |_| {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("an option");
        let mut io = socket.connect(server.address).await.expect("connected");
        io.write_all(&streams).await.expect("sent");
        io
    }));
    let mut open = open.await;
    handlers.started(connections * STREAMS as usize).await;
    let before = settled().await;
    let sent = open.iter_mut().map(async |io| {
        let moment = Duration::from_millis(500);
        let _ = tokio::time::timeout(moment, io.write_all(&more)).await;
    });
    join_all(sent).await;
    let growth = settled().await.saturating_sub(before) / connections;
    println!("{}: {growth} bytes each", ActixBoundedHttp2::NAME);
    assert_eq!(handlers.running(), connections * STREAMS as usize);
    assert!(growth <= MOST);
});
