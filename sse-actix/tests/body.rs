//! The body as a server polls it.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::body::{BodySize, MessageBody};
use actix_web::test::TestRequest;
use sse_actix::{BoxError, Request, SendError, Sse, SseBody, no_content, sse_response};

async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

async fn fail(_request: Request, sse: Sse) -> Result<(), BoxError> {
    sse.send("hello").await?;
    Err("a failure for this test".into())
}

/// Returns the next piece as text, or the error as text.
async fn next(body: &mut SseBody) -> Option<Result<String, String>> {
    let piece = poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await?;
    Some(match piece {
        Ok(bytes) => Ok(String::from_utf8(bytes.into()).expect("an event stream is UTF-8")),
        Err(error) => Err(error.to_string()),
    })
}

#[actix_web::test]
async fn a_body_that_is_polled_after_its_end_has_nothing_more() {
    let request = TestRequest::default().to_http_request();
    let mut body = sse_response(&request, hello).into_body();
    assert_eq!(
        next(&mut body).await,
        Some(Ok("data: hello\n\n".to_owned()))
    );
    for _ in 0..3 {
        assert_eq!(next(&mut body).await, None);
    }
}

#[actix_web::test]
async fn a_body_that_is_polled_after_a_failure_has_nothing_more() {
    let request = TestRequest::default().to_http_request();
    let mut body = sse_response(&request, fail).into_body();
    assert_eq!(
        next(&mut body).await,
        Some(Ok("data: hello\n\n".to_owned()))
    );
    assert!(matches!(next(&mut body).await, Some(Err(_))));
    for _ in 0..3 {
        assert_eq!(next(&mut body).await, None);
    }
}

#[actix_web::test]
async fn a_response_without_content_has_an_empty_body() {
    let mut body = no_content().into_body();
    assert_eq!(body.size(), BodySize::None);
    for _ in 0..3 {
        assert_eq!(next(&mut body).await, None);
    }
}
