//! The gateway between its clients and the stand-in, over sockets.

use futures_util::StreamExt as _;
use tokio::sync::watch;

use super::*;

/// A running gateway, and the number of streams that are open at the upstream.
struct Running {
    url: String,
    gateway: Gateway,
    upstream: watch::Receiver<usize>,
}

async fn start() -> Running {
    let upstream = stand_in::start().await.expect("a free port");
    start_before(upstream.url, upstream.open).await
}

async fn start_before(api: String, upstream: watch::Receiver<usize>) -> Running {
    let (router, gateway) = router(api, "key".to_owned());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let url = format!("http://{}/chat", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, router).await });
    Running {
        url,
        gateway,
        upstream,
    }
}

impl Running {
    /// Asks a question as a client of the gateway.
    fn ask(&self, question: &'static str) -> EventSource {
        EventSource::post(&self.url)
            .header("Authorization", "Bearer secret-of-alice")
            .body(question)
            .end_after(|event| event.event() != "message")
            .build()
            .expect("valid")
    }

    /// Waits until no stream is open at the upstream, and returns the tokens of a client.
    async fn used(&mut self) -> Option<u64> {
        let closed = self.upstream.wait_for(|open| *open == 0).await;
        closed.expect("a running server");
        self.gateway
            .used
            .lock()
            .expect("no panic")
            .get("alice")
            .copied()
    }
}

/// Returns the text of an answer, and its last event with its data.
async fn read(mut answer: EventSource) -> (String, String, Value) {
    let mut text = String::new();
    loop {
        let event = answer.next().await.expect("an end").expect("no error");
        match event.event() {
            "message" => text += &event.json::<String>().expect("text"),
            last => return (text, last.to_owned(), event.json().expect("JSON")),
        }
    }
}

/// Returns the refusal of an answer: its status, reason and `Retry-After`.
async fn refused(mut answer: EventSource) -> (u16, String, Option<String>) {
    let error = answer.opened().await.expect_err("a refusal");
    let rejected = error.rejected().expect("a response");
    let retry_after = rejected.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().expect("a number").to_owned());
    let reason = String::from_utf8_lossy(rejected.body()).into_owned();
    (rejected.status().as_u16(), reason, retry_after)
}

#[tokio::test]
async fn an_answer_is_relayed_and_counted() {
    let mut gateway = start().await;
    let (text, last, data) = read(gateway.ask("Hello")).await;
    assert_eq!(text, "Server-Sent Events push text.\n\nThey résumé 🦀.");
    assert_eq!((&*last, data), ("done", json!({ "tokens": 26 })));
    assert_eq!(gateway.used().await, Some(26));
}

#[tokio::test]
async fn a_client_without_a_secret_is_refused() {
    let gateway = start().await;
    let answer = EventSource::post(&gateway.url).body("Hello").build();
    let refusal = refused(answer.expect("valid")).await;
    assert_eq!(refusal, (401, "unknown client".to_owned(), None));
}

#[tokio::test]
async fn a_busy_upstream_is_reported_with_its_retry_after() {
    let gateway = start().await;
    let refusal = refused(gateway.ask("busy")).await;
    let expected = (429, "the model is busy".to_owned(), Some("7".to_owned()));
    assert_eq!(refusal, expected);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_bad_gateway() {
    // Bound, so that nothing else gets the port, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let address = socket.local_addr().expect("an address");
    let gateway = start_before(format!("http://{address}"), watch::channel(0).1).await;
    let refusal = refused(gateway.ask("Hello")).await;
    assert_eq!(refusal, (502, "the model failed".to_owned(), None));
}

#[tokio::test]
async fn an_upstream_that_fails_in_the_middle_is_reported_in_the_stream() {
    for (question, reason) in [
        ("half", "the answer was cut short"),
        ("cut", "the answer was cut short"),
        ("fail", "the model failed"),
    ] {
        let mut gateway = start().await;
        let (text, last, data) = read(gateway.ask(question)).await;
        assert!(text.starts_with("Server-Sent Events"), "{text}");
        assert_eq!((&*last, data), ("error", json!(reason)));
        assert!(gateway.used().await.is_some_and(|tokens| tokens > 0));
    }
}

#[tokio::test]
async fn the_upstream_is_closed_when_the_client_leaves() {
    let mut gateway = start().await;
    let mut answer = gateway.ask("wait");
    let first = answer.next().await.expect("text").expect("no error");
    assert_eq!(first.json::<String>().expect("text"), "Server");
    assert_eq!(*gateway.upstream.borrow(), 1);
    drop(answer);
    assert!(gateway.used().await.is_some_and(|tokens| tokens > 0));
}
