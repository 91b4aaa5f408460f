//! Reconnecting with the last event ID.

use std::sync::{Arc, Mutex};

use sse_session::{Event, Sse, SseOptions};
use tokio::sync::watch;

use crate::client::Response;
use crate::transports::{RequestInfo, Server, Site, Transport};

on_every_transport! {
    the_last_event_id_is_what_the_client_sent,
    the_last_event_id_is_in_the_query_if_there_is_no_header,
    the_last_event_id_in_the_query_can_be_ignored,
    a_last_event_id_that_cannot_have_been_given_out_is_the_id_of_no_event,
    a_client_that_reconnects_misses_nothing,
    the_handler_sees_its_request,
}

async fn get_after(server: &Server, last_event_id: &[u8]) -> Response {
    let mut connection = server.connect().await;
    let mut request = b"GET / HTTP/1.1\r\nHost: test\r\nLast-Event-ID: ".to_vec();
    request.extend_from_slice(last_event_id);
    request.extend_from_slice(b"\r\n\r\n");
    connection.send(request).await;
    connection.response().await
}

async fn the_last_event_id_is_what_the_client_sent<T: Transport>() {
    let server = T::start(Site::new(id)).await;
    let first = server.get("/").await.complete().await;
    assert_eq!(first, "data: None\n\n");
    for (sent, seen) in [
        (&b"42"[..], "Some(\"42\")"),
        ("ид ✓".as_bytes(), "Some(\"ид ✓\")"),
        (b"", "None"),
        (b"\xff\xfe", "Some(\"ÿþ\")"),
        (b"\xe9", "Some(\"é\")"),
    ] {
        let text = get_after(&server, sent).await.complete().await;
        assert_eq!(text, format!("data: {seen}\n\n"));
    }
}

/// Sends the handler's last event ID.
async fn id(_: RequestInfo, sse: Sse) -> Result<(), sse_session::SendError> {
    let id = format!("{:?}", sse.last_event_id());
    sse.send(id).await
}

async fn the_last_event_id_is_in_the_query_if_there_is_no_header<T: Transport>() {
    let server = T::start(Site::new(id)).await;
    for path in ["/", "/response"] {
        for (query, seen) in [
            ("lastEventId=42", "Some(\"42\")"),
            ("x=1&lastEventId=%C3%A9%E6%BC%A2%20%2B", "Some(\"é漢 +\")"),
            ("lastEventId=", "None"),
            ("Last-Event-ID=42", "None"),
        ] {
            let target = format!("{path}?{query}");
            let text = server.get(&target).await.complete().await;
            assert_eq!(text, format!("data: {seen}\n\n"), "{target}");
        }
    }
    for (header, seen) in [("7", "Some(\"7\")"), ("", "None")] {
        let mut connection = server.connect().await;
        let request = format!(
            "GET /?lastEventId=42 HTTP/1.1\r\nHost: test\r\nLast-Event-ID: {header}\r\n\r\n"
        );
        connection.send(request).await;
        let text = connection.response().await.complete().await;
        assert_eq!(text, format!("data: {seen}\n\n"), "the header wins");
    }
}

async fn the_last_event_id_in_the_query_can_be_ignored<T: Transport>() {
    let options = SseOptions::new().without_last_event_id_in_query();
    let server = T::start(Site::new(id).options(options)).await;
    for path in ["/", "/response"] {
        let target = format!("{path}?lastEventId=42");
        let text = server.get(&target).await.complete().await;
        assert_eq!(text, "data: None\n\n");
    }
}

async fn a_last_event_id_that_cannot_have_been_given_out_is_the_id_of_no_event<T: Transport>() {
    let longest = "x".repeat(4096);
    let no_event = "data: Some(\"\\0\")\n\n";
    let server = T::start(Site::new(id)).await;
    for (sent, seen) in [
        (longest.clone(), format!("data: Some({longest:?})\n\n")),
        (format!("{longest}x"), no_event.to_owned()),
        ("x".repeat(12 * 1024), no_event.to_owned()),
    ] {
        let text = get_after(&server, sent.as_bytes()).await.complete().await;
        assert_eq!(text, seen, "{} bytes", sent.len());
        for path in ["/", "/response"] {
            let target = format!("{path}?lastEventId={sent}");
            let text = server.get(&target).await.complete().await;
            assert_eq!(text, seen, "{} bytes in the query", sent.len());
        }
    }

    // An application that gives out longer ids gets them back.
    let options = SseOptions::new().max_id_len(5000);
    let server = T::start(Site::new(id).options(options)).await;
    for (len, is_known) in [(5000, true), (5001, false)] {
        let sent = "x".repeat(len);
        let text = get_after(&server, sent.as_bytes()).await.complete().await;
        assert_eq!(text != no_event, is_known, "{len} bytes");
    }
    // And one with a smaller limit gets those of events that were sent encoded.
    let options = SseOptions::new().max_id_len(8);
    let server = T::start(Site::new(id).options(options)).await;
    let text = get_after(&server, b"123456789").await.complete().await;
    assert_eq!(text, "data: Some(\"123456789\")\n\n");
}

async fn a_client_that_reconnects_misses_nothing<T: Transport>() {
    // Continues after the client's last event ID, one event each time that the client has the one
    // before.
    let (seen, turn) = watch::channel(0);
    let server = T::start(Site::new(move |_, sse: Sse| {
        let mut turn = turn.clone();
        async move {
            let last: u32 = match sse.last_event_id() {
                Some(id) => id.parse()?,
                None => 0,
            };
            for next in last + 1.. {
                turn.wait_for(|seen| *seen + 1 >= next).await?;
                sse.send(Event::new().id(next.to_string()).display(next))
                    .await?;
            }
            Ok::<_, sse_session::BoxError>(())
        }
    }))
    .await;
    let mut next = 1;
    let mut response = server.get("/").await;
    for _ in 0..5 {
        let first = format!("data: {next}\nid: {next}\n\n");
        for _ in 0..3 {
            let event = response.receive(&next.to_string()).await;
            assert_eq!(event.last_event_id(), next.to_string());
            assert!(
                response.text().starts_with(&first),
                "no event is missing, and none is repeated"
            );
            seen.send_replace(next);
            next += 1;
        }
        // Events that arrived but were not received are lost with the connection.
        response = get_after(&server, (next - 1).to_string().as_bytes()).await;
    }
}

async fn the_handler_sees_its_request<T: Transport>() {
    let seen = Arc::new(Mutex::new(None));
    let server = T::start(Site::new({
        let seen = Arc::clone(&seen);
        move |request: RequestInfo, sse: Sse| {
            *seen.lock().expect("no panic") = Some(request);
            async move { sse.send("hello").await }
        }
    }))
    .await;
    let mut connection = server.connect().await;
    connection
        .send("GET /?room=1&x=%20y HTTP/1.1\r\nHost: test\r\nCookie: a=b\r\n\r\n")
        .await;
    connection.response().await.complete().await;
    let request = seen.lock().expect("no panic").take().expect("a request");
    assert_eq!(request.target, "/?room=1&x=%20y");
    assert_eq!(request.headers["cookie"], "a=b");
    assert_eq!(request.headers["host"], "test");
}
