//! A deliberately faulty server, over real connections.

use std::sync::mpsc;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_eventsource::{
    DecodeError, Error, ErrorKind, EventSource, EventSourceBuilder, RedirectError, Update,
};
use sse_eventsource_testing::{CHUNKED, Connection, STREAM, Server, header};

use crate::stack::{no_wait, read_all};

/// A source that reconnects immediately.
fn impatient(url: impl AsRef<str>) -> EventSourceBuilder {
    EventSource::get(url).backoff(no_wait())
}

/// A server that answers the first request with `fault`, and the second with one event.
fn faulty_once<F, R>(fault: F) -> Server
where
    F: Fn(Connection) -> R + Send + Copy + 'static,
    R: Future<Output = ()> + 'static,
{
    Server::start(move |number, mut connection| async move {
        match number {
            0 => fault(connection).await,
            1 => connection.answer(format!("{STREAM}data: good\n\n")).await,
            _ => connection.answer("HTTP/1.1 204 No Content\r\n\r\n").await,
        }
    })
}

/// Returns the data received, and the error of the first connection.
async fn outcome(server: &Server) -> (Vec<String>, Option<Error>) {
    let mut updates = impatient(server.url())
        .build()
        .expect("valid")
        .into_updates();
    let (mut data, mut first_error) = (Vec::new(), None);
    while let Some(update) = updates.next().await {
        match update.expect("no final error") {
            Update::Event(event) => data.push(event.data().to_owned()),
            Update::Disconnected { error, .. } => {
                first_error.get_or_insert(error);
            }
            _ => {}
        }
    }
    assert_eq!(server.connections(), 3);
    (data, first_error.expect("a lost connection"))
}

/// Returns the final error of a source without events.
async fn final_error(source: EventSource) -> Error {
    let (data, error) = read_all(source).await;
    assert!(data.is_empty(), "{data:?}");
    error.expect("an error")
}

#[tokio::test]
async fn half_an_event_is_discarded() {
    let server = faulty_once(async |mut connection| {
        connection
            .answer(format!("{STREAM}data: a\n\ndata: half"))
            .await;
    });
    let (data, error) = outcome(&server).await;
    assert_eq!(data, ["a", "good"]);
    assert!(
        error.is_none(),
        "a body without a length ends in order: {error:?}"
    );
}

#[tokio::test]
async fn a_reset_in_the_middle_of_an_event_is_a_lost_connection() {
    // A reset discards unread data, so it waits until the event was read.
    let (read, was_read) = mpsc::channel::<()>();
    let was_read = std::sync::Arc::new(std::sync::Mutex::new(was_read));
    let server = Server::start(move |number, mut connection| {
        let was_read = std::sync::Arc::clone(&was_read);
        async move {
            if number > 0 {
                return connection.answer("HTTP/1.1 204 No Content\r\n\r\n").await;
            }
            connection.answer(CHUNKED).await;
            connection.chunk("data: a\n\ndata: half").await;
            let lock = was_read.lock().expect("a lock");
            let _ = lock.recv_timeout(Duration::from_secs(60));
            drop(lock);
            connection.reset();
        }
    });
    let mut updates = impatient(server.url())
        .build()
        .expect("valid")
        .into_updates();
    let mut seen = Vec::new();
    while let Some(update) = updates.next().await {
        match update.expect("no final error") {
            Update::Event(event) => {
                seen.push(event.data().to_owned());
                read.send(()).expect("the server waits");
            }
            Update::Disconnected { error, .. } => {
                assert!(
                    matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Body(_))),
                    "{error:?}"
                );
                seen.push("lost".to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(seen, ["a", "lost"]);
}

#[tokio::test]
async fn bodies_that_break_off_are_lost_connections() {
    let chunked = faulty_once(async |mut connection| {
        connection.answer(CHUNKED).await;
        connection.chunk("data: a\n\n").await;
    });
    let too_short = faulty_once(async |mut connection| {
        let length = STREAM.replace("\r\n\r\n", "\r\nContent-Length: 100\r\n\r\n");
        connection.answer(format!("{length}data: a\n\n")).await;
    });
    let no_chunk = faulty_once(async |mut connection| {
        connection.answer(CHUNKED).await;
        connection.chunk("data: a\n\n").await;
        connection.send("no chunk\r\n").await;
        connection.closed().await;
    });
    for server in [chunked, too_short, no_chunk] {
        let (data, error) = outcome(&server).await;
        assert_eq!(data, ["a", "good"]);
        assert!(
            matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Body(_))),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_no_response() {
    for answer in ["", "SSH-2.0-nope\r\n", "HTTP/1.1 two hundred\r\n\r\n"] {
        let server = Server::start(move |_, mut connection| async move {
            connection.answer(answer).await;
        });
        let builder = impatient(server.url()).max_attempts(2);
        let error = final_error(builder.build().expect("valid")).await;
        assert!(matches!(error.kind(), ErrorKind::Request(_)), "{error:?}");
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn a_closed_port_is_no_response() {
    let server = Server::start(|_, _| async {});
    let url = server.url();
    drop(server);
    let error = final_error(impatient(url).max_attempts(3).build().expect("valid")).await;
    assert!(matches!(error.kind(), ErrorKind::Request(_)), "{error:?}");
}

#[tokio::test]
async fn a_byte_at_a_time_makes_the_same_events() {
    let server = Server::start(|number, mut connection| async move {
        if number > 0 {
            return connection.answer("HTTP/1.1 204 No Content\r\n\r\n").await;
        }
        connection.head().await;
        let text = "\u{feff}: ä\r\nid: 1\r\ndata: €\r\ndata: 𝄞\r\n\r\nevent: x\rdata\r\r";
        for byte in format!("{STREAM}{text}").into_bytes() {
            connection.send([byte]).await;
            tokio::task::yield_now().await;
        }
    });
    let (data, error) = read_all(impatient(server.url()).build().expect("valid")).await;
    assert_eq!(data, ["€\n𝄞", ""]);
    assert!(error.is_none());
}

#[tokio::test]
async fn an_endless_head_is_an_error() {
    let (sent, was_sent) = mpsc::channel();
    let server = Server::start(move |_, mut connection| {
        let sent = sent.clone();
        async move {
            connection.answer("HTTP/1.1 200 OK\r\nx-endless: ").await;
            let mut total = 0;
            while connection.send([b'x'; 4096]).await {
                total += 4096;
            }
            sent.send(total).expect("the test waits");
        }
    });
    let builder = impatient(server.url()).max_attempts(1);
    let error = final_error(builder.build().expect("valid")).await;
    assert!(matches!(error.kind(), ErrorKind::Request(_)), "{error:?}");
    // Mostly the buffers of the kernel on both sides.
    let total = was_sent
        .recv_timeout(Duration::from_secs(60))
        .expect("closed");
    assert!(total < 32 * 1024 * 1024, "{total} bytes were sent");
}

#[tokio::test]
async fn an_endless_line_is_an_error_and_closes_the_connection() {
    let (closed, is_closed) = mpsc::channel();
    let server = Server::start(move |_, mut connection| {
        let closed = closed.clone();
        async move {
            connection.answer(format!("{STREAM}data: ")).await;
            while connection.send([b'x'; 4096]).await {}
            closed.send(()).expect("the test waits");
        }
    });
    let builder = impatient(server.url()).max_line_len(100_000);
    let mut source = builder.build().expect("valid");
    let error = source
        .next()
        .await
        .expect("an error")
        .expect_err("an error");
    let expected = DecodeError::LineTooLong {
        limit: 100_000,
        position: 0,
    };
    assert!(
        matches!(error.kind(), ErrorKind::Decode(error) if *error == expected),
        "{error:?}"
    );
    // The source still exists, the connection does not.
    is_closed
        .recv_timeout(Duration::from_secs(60))
        .expect("closed");
    assert!(source.next().await.is_none());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_redirect_loop_is_an_error() {
    let server = Server::start(|number, mut connection| async move {
        let place = number % 2;
        connection
            .answer(format!(
                "HTTP/1.1 302 Found\r\nLocation: /{place}\r\nContent-Length: 0\r\n\r\n"
            ))
            .await;
    });
    let error = final_error(impatient(server.url()).build().expect("valid")).await;
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Redirect(RedirectError::TooMany { limit: 20 })
        ),
        "{error:?}"
    );
    assert_eq!(server.connections(), 21);
}

#[tokio::test]
async fn a_hundred_errors_in_a_row_are_survived() {
    let server = Server::start(|number, mut connection| async move {
        if number < 100 {
            let answer = "HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nno.";
            connection.answer(answer).await;
        } else {
            connection.answer(format!("{STREAM}data: a\n\n")).await;
        }
    });
    let mut source = impatient(server.url()).build().expect("valid");
    let event = source.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "a");
    assert_eq!(server.connections(), 101);
}

#[tokio::test]
async fn too_many_requests_is_retried_after_the_time_it_asks_for() {
    let server = Server::start(|_, mut connection| async move {
        let answer = "HTTP/1.1 429 Slow down\r\nRetry-After: 77\r\nContent-Length: 4\r\n\r\nlate";
        connection.answer(answer).await;
    });
    let mut updates = impatient(server.url())
        .build()
        .expect("valid")
        .into_updates();
    assert!(matches!(
        updates.next().await,
        Some(Ok(Update::Connecting { attempt: 1 }))
    ));
    let Some(Ok(Update::Disconnected {
        error: Some(error),
        delay,
    })) = updates.next().await
    else {
        panic!("not disconnected");
    };
    assert_eq!(delay, Duration::from_secs(77));
    assert_eq!(error.rejected().expect("a response").body(), "late");
}

#[tokio::test]
async fn the_request_is_as_it_should_be_on_the_wire() {
    let (sent, requests) = mpsc::channel();
    let server = Server::start(move |_, mut connection| {
        let sent = sent.clone();
        async move {
            let head = connection.head().await;
            sent.send(head).expect("the test waits");
            connection.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    let url = format!("{}a%20b?c=d#e", server.url());
    let source = EventSource::post(url).body("{}").last_event_id("ü").build();
    assert!(read_all(source.expect("valid")).await.1.is_none());
    let head = requests.recv().expect("a request");
    assert!(head.starts_with("POST /a%20b?c=d HTTP/1.1\r\n"), "{head}");
    let host = server.address().to_string();
    for (name, value) in [
        ("host", &*host),
        ("accept", "text/event-stream"),
        ("accept-encoding", "identity"),
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        (
            "user-agent",
            concat!("sse-eventsource/", env!("CARGO_PKG_VERSION")),
        ),
        ("last-event-id", "ü"),
        ("content-length", "2"),
    ] {
        assert_eq!(header(&head, name), Some(value), "{name} in {head}");
    }
    assert_eq!(head.lines().count(), 1 + 8 + 1, "{head}");
}
