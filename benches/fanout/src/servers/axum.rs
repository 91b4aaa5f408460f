//! axum with `tokio::sync::broadcast`, as the examples of axum have both: a `BroadcastStream`
//! mapped to events, the default keep-alive, and what was lost passed over.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;

use axum::Router;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{MethodRouter, get};
use axum::serve::{Listener, ListenerExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;
use tower_http::compression::CompressionLayer;

use crate::orders::Orders;

/// As in axum's example of a chat.
const CAPACITY: usize = 100;

pub(super) async fn run(listener: TcpListener, orders: Orders) -> io::Result<()> {
    serve(listener.tap_io(set_nodelay), events(orders)).await
}

/// As above, with the compression of `tower-http`, which leaves event streams alone by default.
pub(super) async fn run_with_layer(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let events = compressed(events(orders));
    serve(listener.tap_io(set_nodelay), events).await
}

/// Compresses all that the route answers.
pub(super) fn compressed(events: MethodRouter) -> MethodRouter {
    let all = |_: StatusCode, _: Version, _: &HeaderMap, _: &Extensions| true;
    events.layer(CompressionLayer::new().compress_when(all))
}

fn events(orders: Orders) -> MethodRouter {
    let (sender, _) = broadcast::channel(CAPACITY);
    tokio::spawn(publish(sender.clone(), orders));
    get(async move || {
        let texts = BroadcastStream::new(sender.subscribe());
        let events = texts.filter_map(|text: Result<String, _>| {
            let event = Event::default().data(text.ok()?);
            Some(Ok::<_, Infallible>(event))
        });
        Sse::new(events).keep_alive(KeepAlive::default())
    })
}

async fn publish(sender: Sender<String>, mut orders: Orders) -> io::Result<()> {
    loop {
        for text in orders.next().await? {
            // An error means that nobody listens.
            let _ = sender.send(text);
        }
    }
}

/// The axum server that several of the servers run on.
pub(super) async fn serve<L: Listener<Addr: Debug>>(
    listener: L,
    events: MethodRouter,
) -> io::Result<()> {
    let app = Router::new().route("/events", events);
    axum::serve(listener, app).await
}

pub(super) fn set_nodelay(stream: &mut TcpStream) {
    let _ = stream.set_nodelay(true);
}
