//! Many streams at once.

use futures_util::future::join_all;
use sse_session::{Event, Frame, SendError, Sse, SseOptions};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::client::{End, Response};
use crate::handlers::Handlers;
use crate::transports::{Site, Transport};

on_every_transport! {
    a_thousand_streams_are_open_at_once_and_all_receive_every_event,
    handles_in_many_threads_lose_nothing_and_keep_their_order,
}

const STREAMS: usize = 1_000;

async fn a_thousand_streams_are_open_at_once_and_all_receive_every_event<T: Transport>() {
    // Both ends are in this process, and three of these cases may run at once.
    rlimit::increase_nofile_limit(16 * 1024).expect("a limit on open files");

    let handlers = Handlers::new();
    let stop = CancellationToken::new();
    let (publish, latest) = watch::channel(None::<Frame>);
    let site = Site::new({
        let handlers = handlers.clone();
        move |_, sse: Sse| {
            let guard = handlers.guard();
            let mut latest = latest.clone();
            async move {
                let _guard = guard;
                sse.send("hello").await?;
                while latest.changed().await.is_ok() {
                    let frame = latest.borrow_and_update().clone();
                    sse.send(&frame.expect("published")).await?;
                }
                Ok::<_, SendError>(())
            }
        }
    })
    .options(SseOptions::new().shutdown(stop.clone()));
    let server = T::start(site).await;

    let mut streams = join_all((0..STREAMS).map(|_| server.get("/"))).await;
    join_all(streams.iter_mut().map(|stream| stream.receive("hello"))).await;
    assert_eq!(handlers.running(), STREAMS, "all are open");

    for number in ["1", "2", "3"] {
        let event = Event::new().event("number").data(number);
        publish.send_replace(Some(event.to_frame().expect("valid")));
        let received = streams.iter_mut().map(|stream| stream.receive(number));
        for event in join_all(received).await {
            assert_eq!(event.event(), "number");
        }
    }

    stop.cancel();
    let ends = join_all(streams.iter_mut().map(Response::rest));
    let ((), ends) = tokio::join!(server.stop(), ends);
    let whole = "data: hello\n\n\
        event: number\ndata: 1\n\nevent: number\ndata: 2\n\nevent: number\ndata: 3\n\n";
    for end in ends {
        assert_eq!(end, (whole.to_owned(), End::Complete));
    }
    assert_eq!((handlers.total(), handlers.running()), (STREAMS, 0));
}

const THREADS: usize = 4;
const EVENTS: usize = 2_000;

async fn handles_in_many_threads_lose_nothing_and_keep_their_order<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move {
        for thread in 0..THREADS {
            let sse = sse.clone();
            let runtime = tokio::runtime::Handle::current();
            std::thread::spawn(move || {
                for number in 0..EVENTS {
                    let event = Event::new().event(thread.to_string()).display(number);
                    runtime.block_on(sse.send(event)).expect("open");
                }
            });
        }
    })
    // A small buffer, so that the threads wait for room many times, and the body wakes them.
    .options(SseOptions::new().buffer_size(200));
    let server = T::start(site).await;
    let mut response = server.get("/").await;
    let mut next = [0; THREADS];
    let end = loop {
        match response.next_event().await {
            Ok(event) => {
                let thread: usize = event.event().parse().expect("a number");
                assert_eq!(event.data(), next[thread].to_string());
                next[thread] += 1;
            }
            Err(end) => break end,
        }
    };
    assert_eq!((next, end), ([EVENTS; THREADS], End::Complete));
}
