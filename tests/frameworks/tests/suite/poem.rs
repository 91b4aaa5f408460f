//! poem 3.

use std::net::SocketAddr;

use ::poem::Server;
use ::poem::listener::TcpAcceptor;

use tokio::net::TcpListener;

use crate::check::{arrives_unchanged, drops_the_handler, end_of_a_failure};
use crate::client::End;

include!("../../../../sse-hyper/src/frameworks/poem.rs");

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(routes()));
    address
}

#[tokio::test]
async fn events_arrive_unchanged_and_at_once() {
    arrives_unchanged(start().await, "poem unchanged").await;
}

#[tokio::test]
async fn a_failed_handler_looks_complete() {
    let end = end_of_a_failure(start().await, "poem failure").await;
    assert_eq!(end, End::Complete);
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_handler_at_the_second_write() {
    drops_the_handler(start().await, "poem leave", 2).await;
}
