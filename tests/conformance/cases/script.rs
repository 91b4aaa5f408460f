//! The bytes that handlers send arrive unchanged.

use std::time::Duration;

use serde_json::json;
use sse_session::{
    Display, EncodeError, Event, Frame, Json, SendError, Sse, SseOptions, TrySendError,
};

use crate::client::End;
use crate::transports::{RequestInfo, Site, Transport};

on_every_transport! {
    a_script_arrives_byte_for_byte_and_ends_complete,
    data_with_many_lines_and_scripts_arrives_unchanged,
    an_invalid_name_is_an_error_for_the_handler_and_writes_nothing,
    a_stream_begins_with_its_reconnection_time,
    a_plain_stream_is_served,
    handles_in_other_tasks_send_and_keep_the_stream_open,
    close_completes_the_stream_and_drops_the_handler,
    events_arrive_when_they_are_sent_and_not_at_the_end,
    a_connection_is_reused_after_a_stream_unless_it_is_closed,
    an_http_1_0_client_receives_the_same_events_without_chunks,
}

async fn script(_: RequestInfo, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await?;
    sse.send(Json(json!({"foo": "bar"}))).await?;
    sse.send(Event::new().event("greeting").data("hello"))
        .await?;
    sse.send(
        Event::new()
            .retry(Duration::from_millis(1500))
            .event("all")
            .id("42")
            .comment("note")
            .json(["a", "b"]),
    )
    .await?;
    sse.send(Display(7)).await?;
    sse.send(Event::new().data("")).await?;
    sse.send(Event::new().id("only an id")).await?;
    sse.comment("bye").await?;
    let frame = Frame::new(Event::new().event("frame").data("encoded before"))?;
    sse.send(&frame).await?;
    sse.send(&b"bytes"[..]).await
}

const SCRIPT: &str = "data: hello\n\n\
    data: {\"foo\":\"bar\"}\n\n\
    event: greeting\ndata: hello\n\n\
    : note\nretry: 1500\nevent: all\ndata: [\"a\",\"b\"]\nid: 42\n\n\
    data: 7\n\n\
    data: \n\n\
    id: only an id\n\n\
    : bye\n\
    event: frame\ndata: encoded before\n\n\
    data: bytes\n\n";

async fn a_script_arrives_byte_for_byte_and_ends_complete<T: Transport>() {
    let server = T::start(Site::new(script)).await;
    for path in ["/", "/response"] {
        let (text, end) = server.get(path).await.rest().await;
        assert_eq!(text, SCRIPT);
        assert_eq!(end, End::Complete);
    }
}

async fn data_with_many_lines_and_scripts_arrives_unchanged<T: Transport>() {
    let server = T::start(Site::new(|_, sse: Sse| async move {
        sse.send("one\ntwo\r\nthree\rfour\n").await?;
        sse.send("  leading, \u{feff}BOM, \0 and 日本語 🦀 Ünï")
            .await?;
        sse.send(Event::new().event("naïve ✓").id("ид-1").data("\u{2028}"))
            .await
    }))
    .await;
    let mut response = server.get("/").await;
    response.receive("one\ntwo\nthree\nfour\n").await;
    response
        .receive("  leading, \u{feff}BOM, \0 and 日本語 🦀 Ünï")
        .await;
    let named = response.receive("\u{2028}").await;
    assert_eq!((named.event(), named.last_event_id()), ("naïve ✓", "ид-1"));
    assert_eq!(
        response.complete().await,
        "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n\
         data:   leading, \u{feff}BOM, \0 and 日本語 🦀 Ünï\n\n\
         event: naïve ✓\ndata: \u{2028}\nid: ид-1\n\n"
    );
}

async fn an_invalid_name_is_an_error_for_the_handler_and_writes_nothing<T: Transport>() {
    let server = T::start(Site::new(|_, sse: Sse| async move {
        sse.send("before").await?;
        for bad in ["a\nb", "a\rb", "a\r\nevent: forged"] {
            let event = Event::new().event(bad).data("x");
            assert!(matches!(
                sse.send(&event).await,
                Err(SendError::Encode(EncodeError::LineBreak { .. }))
            ));
            assert!(matches!(
                sse.try_send(&event),
                Err(TrySendError::Encode(EncodeError::LineBreak { .. }))
            ));
            assert!(sse.send(Event::new().id(bad).data("x")).await.is_err());
        }
        assert!(sse.send(Event::new().id("nul\0").data("x")).await.is_err());
        assert!(sse.send(&b"\xff not UTF-8"[..]).await.is_err());
        sse.send("after").await
    }))
    .await;
    assert_eq!(
        server.get("/").await.complete().await,
        "data: before\n\ndata: after\n\n"
    );
}

async fn a_stream_begins_with_its_reconnection_time<T: Transport>() {
    let options = SseOptions::new().retry(Duration::from_millis(2500));
    let server = T::start(Site::new(script).options(options)).await;
    for (path, events) in [
        ("/", SCRIPT),
        ("/stream", "data: one\n\nevent: second\ndata: two\n\n"),
    ] {
        assert_eq!(
            server.get(path).await.complete().await,
            format!("retry: 2500\n{events}")
        );
    }
}

async fn a_plain_stream_is_served<T: Transport>() {
    let server = T::start(Site::new(script)).await;
    assert_eq!(
        server.get("/stream").await.complete().await,
        "data: one\n\nevent: second\ndata: two\n\n"
    );
}

async fn handles_in_other_tasks_send_and_keep_the_stream_open<T: Transport>() {
    let server = T::start(Site::new(|_, sse: Sse| async move {
        sse.send("handler").await?;
        let task = sse.clone();
        tokio::spawn(async move {
            task.send("task").await.expect("open");
            // A thread outside the runtime.
            std::thread::spawn(move || task.try_send("thread").expect("open"));
        });
        Ok::<_, SendError>(())
    }))
    .await;
    assert_eq!(
        server.get("/").await.complete().await,
        "data: handler\n\ndata: task\n\ndata: thread\n\n"
    );
}

async fn close_completes_the_stream_and_drops_the_handler<T: Transport>() {
    let handlers = crate::handlers::Handlers::new();
    let server = T::start(Site::new({
        let handlers = handlers.clone();
        move |_, sse: Sse| {
            let guard = handlers.guard();
            async move {
                let _guard = guard;
                sse.send("last").await.expect("open");
                sse.close();
                std::future::pending::<()>().await;
            }
        }
    }))
    .await;
    assert_eq!(server.get("/").await.complete().await, "data: last\n\n");
    handlers.dropped(1).await;
}

async fn events_arrive_when_they_are_sent_and_not_at_the_end<T: Transport>() {
    // Each event is sent when the client has received the one before.
    let (seen, turn) = tokio::sync::watch::channel(0);
    let server = T::start(Site::new(move |_, sse: Sse| {
        let mut turn = turn.clone();
        async move {
            for number in 0..20 {
                turn.wait_for(|seen| *seen == number)
                    .await
                    .expect("a client");
                sse.send(Display(number)).await.expect("open");
            }
        }
    }))
    .await;
    let mut response = server.get("/").await;
    for number in 0..20 {
        response.receive(&number.to_string()).await;
        seen.send_replace(number + 1);
    }
    assert_eq!(response.rest().await.1, End::Complete);
}

async fn a_connection_is_reused_after_a_stream_unless_it_is_closed<T: Transport>() {
    let server = T::start(Site::new(script)).await;
    let mut response = server.get("/").await;
    assert_eq!(response.complete().await, SCRIPT);
    if response.header("connection") == ["close"] {
        assert!(response.into_connection().response_if_any().await.is_none());
    } else {
        let mut again = response.into_connection().get("/response").await;
        assert_eq!(again.complete().await, SCRIPT);
    }
}

async fn an_http_1_0_client_receives_the_same_events_without_chunks<T: Transport>() {
    let server = T::start(Site::new(script)).await;
    let mut connection = server.connect().await;
    connection
        .send("GET / HTTP/1.0\r\nHost: test\r\n\r\n")
        .await;
    let mut response = connection.response().await;
    assert_eq!(response.status, 200);
    assert!(response.header("transfer-encoding").is_empty());
    assert!(response.header("content-length").is_empty());
    assert_eq!(response.complete().await, SCRIPT);
}
