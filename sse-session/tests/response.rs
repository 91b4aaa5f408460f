//! Responses, and what they are made from.
#![cfg(feature = "http-body")]

use std::fmt::Debug;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use sse_session::{
    Display, Event, Frame, IntoEvent, SendError, Sse, SseBody, no_content, sse_response, sse_stream,
};

async fn text(response: Response<SseBody>) -> String {
    let pieces: Vec<_> = response
        .into_body()
        .map(|piece| piece.expect("no failure"))
        .collect()
        .await;
    String::from_utf8(pieces.concat()).expect("UTF-8")
}

async fn last_event_id<R>(_request: R, sse: Sse) -> Result<(), SendError> {
    let id = sse.last_event_id().unwrap_or("none").to_owned();
    sse.send(id).await
}

#[tokio::test]
async fn a_handler_is_given_as_much_of_the_request_as_it_needs() {
    let request = || {
        Request::builder()
            .header("Last-Event-ID", "41")
            .body(())
            .expect("valid")
    };
    let (parts, ()) = request().into_parts();
    let headers: HeaderMap = parts.headers.clone();
    assert_eq!(
        text(sse_response(request(), last_event_id)).await,
        "data: 41\n\n"
    );
    assert_eq!(
        text(sse_response(parts, last_event_id)).await,
        "data: 41\n\n"
    );
    assert_eq!(
        text(sse_response(headers, last_event_id)).await,
        "data: 41\n\n"
    );
    assert_eq!(
        text(sse_response((), last_event_id)).await,
        "data: none\n\n"
    );
}

#[tokio::test]
async fn head_is_answered_with_the_headers_alone() {
    let request = Request::builder()
        .method(Method::HEAD)
        .body(())
        .expect("valid");
    let response = sse_response(request, |_, sse: Sse| async move {
        sse.send("not called").await
    });
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(text(response).await, "");
    assert_eq!(no_content().status(), StatusCode::NO_CONTENT);
}

async fn item<T>(item: T) -> String
where
    T: IntoEvent<Event: Send> + Send + 'static,
{
    text(sse_stream(stream::iter([item]))).await
}

fn data(text: impl std::fmt::Display + Debug) -> String {
    format!("data: {text}\n\n")
}

#[tokio::test]
async fn what_can_be_sent_can_be_an_item_of_a_stream() {
    assert_eq!(item("text").await, data("text"));
    assert_eq!(item("text".to_owned()).await, data("text"));
    assert_eq!(item(Bytes::from_static(b"bytes")).await, data("bytes"));
    assert_eq!(item(Display(42)).await, data(42));
    assert_eq!(item(Event::new().data("event")).await, data("event"));
    assert_eq!(
        item(Frame::new("frame").expect("valid")).await,
        data("frame")
    );
    assert_eq!(item(Ok::<_, SendError>("result")).await, data("result"));
    let mut decoder = sse_codec::Decoder::new();
    let mut events = decoder.feed(b"event: a\ndata: received\nid: 1\n\n");
    let received = events
        .next_event()
        .expect("valid")
        .expect("an event")
        .into_owned();
    assert_eq!(item(received).await, "event: a\ndata: received\nid: 1\n\n");
}

#[cfg(feature = "json")]
#[tokio::test]
async fn json_and_serde_enums_can_be_items_of_a_stream() {
    use std::ops::Bound;

    use sse_session::{Json, Typed};

    let value = serde_json::json!({"a": 1});
    assert_eq!(item(value.clone()).await, data(r#"{"a":1}"#));
    assert_eq!(item(Json(["a", "b"])).await, data(r#"["a","b"]"#));
    let typed = item(Typed(Bound::Included(1))).await;
    assert_eq!(typed, "event: Included\ndata: 1\n\n");
}
