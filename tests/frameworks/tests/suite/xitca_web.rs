//! xitca-web 0.8.

use std::net::SocketAddr;
use std::net::TcpListener;

use ::xitca_web::App;
use ::xitca_web::handler::handler_service;
use ::xitca_web::route::get;

use crate::check::{arrives_unchanged, drops_the_handler, end_of_a_failure};
use crate::client::End;

include!("../../../../sse-hyper/src/frameworks/xitca_web.rs");

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let app = App::new().at("/events", get(handler_service(stream)));
    let server = app.serve().worker_threads(1).disable_signal();
    let server = server.listen(listener).expect("a server").run();
    tokio::spawn(server);
    address
}

#[tokio::test]
async fn events_arrive_unchanged_and_at_once() {
    arrives_unchanged(start().await, "xitca_web unchanged").await;
}

#[tokio::test]
async fn a_failed_handler_cuts_the_response() {
    let end = end_of_a_failure(start().await, "xitca_web failure").await;
    assert_eq!(end, End::Cut);
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_handler_at_the_second_write() {
    drops_the_handler(start().await, "xitca_web leave", 2).await;
}
