//! Tasks of connections at rest that are sent on errands.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sse_session::{Direct, SendError};
use sse_tokio_tcp::{Request, Sse, serve, with_sse};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};

/// A connection at rest, with the client's end and the server's.
async fn connection() -> (Direct, TcpStream, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let open = Arc::new(Mutex::new(None));
    let opened = Arc::clone(&open);
    let handler = move |_: Request, sse: Sse| {
        opened.lock().unwrap().replace(sse);
        std::future::pending::<Result<(), SendError>>()
    };
    let mut server = JoinSet::new();
    server.spawn(serve(listener, with_sse(handler)));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    loop {
        let direct = open.lock().unwrap().as_ref().and_then(Sse::direct);
        if let Some(direct) = direct.filter(Direct::is_at_rest) {
            return (direct, client, server);
        }
        yield_now().await;
    }
}

#[tokio::test]
async fn a_task_goes_on_an_errand_that_it_was_sent_on_during_another_one() {
    let (direct, _client, _server) = connection().await;
    let (done, is_done) = oneshot::channel();
    let again = direct.clone();
    let first = move || {
        let second = move || done.send(()).unwrap();
        assert!(again.send_on(Box::new(second)).is_ok());
    };
    assert!(direct.send_on(Box::new(first)).is_ok());
    tokio::time::timeout(Duration::from_secs(10), is_done)
        .await
        .unwrap()
        .expect("not dropped undone");
}
