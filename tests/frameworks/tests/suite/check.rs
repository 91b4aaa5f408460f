//! What is checked for each framework.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::{
    CONNECTION, DATE, SERVER, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName};
use sse_hyper::{SendError, Sse, sse_response};
use tokio::time::timeout;

use crate::client::{Client, End, within_limit};
use crate::script::{OPENING, Step, prepare};

/// Headers that servers add to any response; the last three are rocket's.
const OF_SERVERS: [HeaderName; 7] = [
    CONNECTION,
    DATE,
    SERVER,
    TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
    HeaderName::from_static("permissions-policy"),
];

/// Checks that the head and the events of a stream arrive as `sse-hyper` makes them, and each event
/// before the handler goes on.
pub(crate) async fn arrives_unchanged(address: SocketAddr, script: &str) {
    let steps = prepare(script);
    let mut client = Client::get(address, script).await;
    let expected = sse_response((), async |(), _: Sse| Ok::<_, SendError>(()));
    assert_eq!(client.response.status(), expected.status());
    assert_eq!(
        of_stream(client.response.headers()),
        of_stream(expected.headers())
    );
    client.read(OPENING).await;

    steps.send(Step::Send("two")).expect("a handler");
    client.read("data: two\n\n").await;
    drop(steps);
    assert_eq!(client.read_end().await, End::Complete);
}

/// Returns the headers, in order, without those of servers.
fn of_stream(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let headers = headers.iter();
    let own = headers.filter(|(name, _)| !OF_SERVERS.contains(name));
    let own = own.map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")));
    let mut own: Vec<_> = own.collect();
    own.sort_unstable();
    own
}

/// Returns how the response of a handler ends that fails after its first event.
pub(crate) async fn end_of_a_failure(address: SocketAddr, script: &str) -> End {
    let steps = prepare(script);
    let mut client = Client::get(address, script).await;
    client.read(OPENING).await;
    steps.send(Step::Fail).expect("a handler");
    client.read_end().await
}

/// Checks that the handler of a client that leaves is dropped without a write if `writes` is 0, or
/// else at the write of that number after the client has left, and not before.
pub(crate) async fn drops_the_handler(address: SocketAddr, script: &str, writes: usize) {
    let steps = prepare(script);
    let mut client = Client::get(address, script).await;
    client.read(OPENING).await;
    client.leave().await;
    for _ in 0..writes {
        // Long enough for a server that notices, and it must not.
        let early = timeout(Duration::from_millis(200), steps.closed()).await;
        assert!(early.is_err(), "dropped before the write");
        steps.send(Step::Send("more")).expect("a handler");
    }
    within_limit(steps.closed()).await;
}
