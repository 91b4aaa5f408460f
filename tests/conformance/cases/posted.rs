//! Requests with a body that is read before the handler is called, and whose response is a stream.

use crate::client::{Connection, End};
use crate::handlers::{Handlers, idle};
use crate::transports::{Server, Transport};

on_every_transport!(
    a_body_with_a_length_or_in_chunks_is_read_and_answered_by_a_stream,
    a_client_that_waits_for_100_continue_gets_it,
    a_body_that_is_malformed_or_incomplete_is_not_served,
);

async fn start<T: Transport>() -> Server {
    T::start(idle(&Handlers::new())).await
}

fn head(fields: &str) -> String {
    format!("POST /posted HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n")
}

const LENGTH: &str = "Content-Length: 5";
const CHUNKED: &str = "Transfer-Encoding: chunked";

async fn a_body_with_a_length_or_in_chunks_is_read_and_answered_by_a_stream<T: Transport>() {
    let server = start::<T>().await;
    for (fields, body) in [
        (LENGTH, "hello"),
        (CHUNKED, "5\r\nhello\r\n0\r\n\r\n"),
        (CHUNKED, "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n"),
        ("transfer-encoding: Chunked", "5;a=b\r\nhello\r\n0\r\n\r\n"),
    ] {
        let request = head(fields) + body;
        for size in [request.len(), 7] {
            let mut connection = server.connect().await;
            for piece in request.as_bytes().chunks(size) {
                connection.send(piece).await;
                tokio::task::yield_now().await;
            }
            let mut response = connection.response().await;
            assert_eq!(response.status, 200, "{request}");
            let content_type = ["text/event-stream; charset=utf-8"];
            assert_eq!(response.header("content-type"), content_type);
            response.receive("hello").await;
            assert_eq!(response.rest().await.1, End::Complete);
        }
    }
}

async fn a_client_that_waits_for_100_continue_gets_it<T: Transport>() {
    let server = start::<T>().await;
    for (fields, body) in [(LENGTH, "hello"), (CHUNKED, "5\r\nhello\r\n0\r\n\r\n")] {
        let mut connection = server.connect().await;
        let fields = format!("{fields}\r\nExpect: 100-continue");
        connection.send(head(&fields)).await;
        let interim = connection.response().await;
        assert_eq!(interim.status, 100);
        let mut connection = interim.into_connection();
        connection.send(body).await;
        let mut response = connection.response().await;
        assert_eq!(response.status, 200);
        response.receive("hello").await;
    }
}

async fn a_body_that_is_malformed_or_incomplete_is_not_served<T: Transport>() {
    let server = start::<T>().await;
    for (fields, body) in [
        (LENGTH, "hell"),
        (CHUNKED, "5\r\nhello\r\n"),
        (CHUNKED, "g\r\nhello\r\n0\r\n\r\n"),
        (CHUNKED, "5\r\nhello0\r\n\r\n"),
        (CHUNKED, "ffffffffffffffffff\r\nhello"),
        ("Content-Length: +5", "hello"),
        ("Content-Length: 5 5", "hello"),
        ("Content-Length: 5\r\nContent-Length: 4", "hello"),
        ("Content-Length:\r\n 5", "hello"),
        ("Content-Length : 5", "hello"),
        (
            "Transfer-Encoding: chunked, gzip",
            "5\r\nhello\r\n0\r\n\r\n",
        ),
    ] {
        let mut connection: Connection = server.connect().await;
        connection.send(head(fields) + body).await;
        connection.end_sending().await;
        // Some servers close the connection without an answer.
        if let Some(response) = connection.response_if_any().await {
            let status = response.status;
            assert!((400..=599).contains(&status), "{fields} {body:?}: {status}");
        }
    }
}
