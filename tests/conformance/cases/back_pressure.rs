//! A client that is slower than its handler holds the handler back, and the memory that it costs is
//! bounded by the buffers.

use sse_session::{SendError, Sse, SseOptions};

use crate::client::{Connection, End};
use crate::handlers::Progress;
use crate::own_process::{self, Memory};
use crate::transports::{Site, Transport};

on_every_transport! {
    a_client_that_stops_reading_holds_the_sender_at_the_bound_and_memory_stays_flat,
}

/// The number of bytes that a handler offers: 100 MB.
const OFFERED: usize = 100_000_000;

/// The size of one event on the wire.
const EVENT: usize = 10_000;

/// The high-water mark of the stream's buffer.
const HIGH_WATER: usize = 32 * 1024;

/// The size of the kernel's buffers on either side. Linux doubles it, for its own needs.
const SOCKET_BUFFER: u32 = 64 * 1024;

/// The variation of the process's memory that is not about the streams.
const SLACK: usize = 16 * 1024 * 1024;

/// The most bytes that can be in transit: the stream's buffer and one event beyond its mark, the
/// server's buffer and one more piece of that size, and the two kernel buffers.
const fn bound<T: Transport>() -> usize {
    2 * (HIGH_WATER + EVENT) + T::BUFFER + 2 * 2 * SOCKET_BUFFER as usize
}

/// Returns a site whose handlers send as much as the client accepts, up to [`OFFERED`].
fn firehose(accepted: &Progress) -> Site {
    let accepted = accepted.clone();
    Site::new(move |_, sse: Sse| {
        let accepted = accepted.clone();
        async move {
            let data = "x".repeat(EVENT - "data: \n\n".len());
            while accepted.total() < OFFERED {
                sse.send(&data).await?;
                accepted.add(EVENT);
            }
            Ok::<_, SendError>(())
        }
    })
    .options(
        SseOptions::new()
            .buffer_size(HIGH_WATER)
            .without_keep_alive(),
    )
    .send_buffer(SOCKET_BUFFER)
}

async fn a_client_stops_reading_twice<T: Transport>() {
    let accepted = Progress::new();
    let server = T::start(firehose(&accepted)).await;
    let connection = Connection::open_with_receive_buffer(server.address, SOCKET_BUFFER).await;
    let mut response = connection.get("/").await;
    let stopped_at = accepted.stops().await;
    assert!(
        stopped_at <= response.body.len() + bound::<T>(),
        "{stopped_at} bytes were accepted, the bound is {}",
        bound::<T>()
    );

    // Once more, in the middle of the stream. At no time is more accepted than read and the bound.
    let mut read = 0;
    for stop in [OFFERED / 2, usize::MAX] {
        let end = loop {
            let more = response.more().await;
            read += response.body.len();
            response.body.clear();
            if more.is_err() || read >= stop {
                break more;
            }
            assert!(accepted.total() <= read + bound::<T>());
        };
        if stop == usize::MAX {
            assert_eq!(end, Err(End::Complete));
        } else {
            assert!(accepted.stops().await <= read + bound::<T>());
        }
    }
    assert_eq!(read, OFFERED);
}

async fn a_client_that_stops_reading_holds_the_sender_at_the_bound_and_memory_stays_flat<
    T: Transport,
>() {
    let module = module_path!();
    let test = format!(
        "{module}::{}::a_client_that_stops_reading_holds_the_sender_at_the_bound_and_memory_stays_flat",
        T::NAME
    );
    if !own_process::in_own_process(&test) {
        return;
    }
    let before = Memory::now();
    a_client_stops_reading_twice::<T>().await;
    let (Some(before), Some(after)) = (before, Memory::now()) else {
        println!("this system does not report the memory of a process");
        return;
    };
    println!(
        "{}: {} kB resident at first, {} kB at most",
        T::NAME,
        before.resident / 1024,
        after.peak / 1024
    );
    assert!(after.peak <= before.resident + bound::<T>() + SLACK);
}
