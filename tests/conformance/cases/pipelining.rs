//! Requests that a client sends on a connection whose stream is open, together with its request or
//! later: what the server holds of them. Each case runs in a process of its own.

use std::time::Duration;

use futures_util::future::join_all;

use crate::client::Connection;
use crate::handlers::{Handlers, idle};
use crate::own_process::{Memory, in_own_process};
use crate::transports::{
    Actix, ActixBounded, ActixWithoutHalfClose, Hyper, Server, Tcp, Transport,
};

/// The most by which each of them may grow the server, as the documentation says.
const MOST: usize = 64 * 1024;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// What is sent after it: the smallest requests that there are.
const SMALL: &str = "GET / HTTP/1.1\r\nHost:\r\n\r\n";

/// How much of them is sent on each connection, if it is taken.
const SENT: usize = 130_000;

/// Opens streams, and sends `more` together with each request. Returns when the memory of this process
/// does not change.
async fn open(server: &Server, handlers: &Handlers, streams: usize, more: &str) -> Vec<Connection> {
    let before = handlers.total();
    let request = format!("{REQUEST}{more}");
    let open = join_all((0..streams).map(async |_| {
        let mut connection = server.connect().await;
        connection.send_what_is_taken(&request).await;
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

/// Returns by how much each connection grows the server that sends requests together with that of
/// its stream, and one that sends them when the stream is open. The first figure has the memory of
/// the connection and the stream too.
async fn growth<T: Transport>(streams: usize) -> (usize, usize) {
    rlimit::increase_nofile_limit(16 * 1024).expect("a limit on open files");
    let flood = SMALL.repeat(SENT / SMALL.len());
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers)).await;
    let at_first = open(&server, &handlers, 1, "").await;
    let before = settled().await;

    let together = open(&server, &handlers, streams, &flood).await;
    let with_together = settled().await;

    let mut after = open(&server, &handlers, streams, "").await;
    let with_streams = settled().await;
    join_all(after.iter_mut().map(|open| open.send_what_is_taken(&flood))).await;
    let with_after = settled().await;

    assert_eq!(handlers.running(), 1 + 2 * streams);
    drop((at_first, together, after));
    let each = |after: usize, before: usize| after.saturating_sub(before) / streams;
    let (together, after) = (each(with_together, before), each(with_after, with_streams));
    println!(
        "{}: {together} bytes each for requests sent together, {after} after",
        T::NAME
    );
    (together, after)
}

async fn is_bounded<T: Transport>() {
    let (together, after) = growth::<T>(1_000).await;
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

alone!(hyper_reads_little_after_a_request, is_bounded::<Hyper>());
alone!(raw_tcp_reads_little_after_a_request, is_bounded::<Tcp>());
alone!(
    bounded_actix_reads_little_after_a_request,
    is_bounded::<ActixBounded>()
);

// What the documentation says of actix-web without `BoundedHttp`.
alone!(actix_decodes_all_that_it_has_read, async {
    for (together, after) in [
        growth::<Actix>(2).await,
        growth::<ActixWithoutHalfClose>(2).await,
    ] {
        assert!(together > 1024 * 1024 && after > 1024 * 1024);
    }
});
