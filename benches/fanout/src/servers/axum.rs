//! axum with `tokio::sync::broadcast`, as the examples of axum have both: a `BroadcastStream`
//! mapped to events, the default keep-alive, and what was lost passed over.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{MethodRouter, get};
use axum::serve::{Listener, ListenerExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

use crate::orders::Orders;

/// As in axum's example of a chat.
const CAPACITY: usize = 100;

pub(super) async fn run(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let (sender, _) = broadcast::channel(CAPACITY);
    tokio::spawn(publish(sender.clone(), orders));
    let events = get(async move || {
        let texts = BroadcastStream::new(sender.subscribe());
        let events = texts.filter_map(|text: Result<String, _>| {
            let event = Event::default().data(text.ok()?);
            Some(Ok::<_, Infallible>(event))
        });
        Sse::new(events).keep_alive(KeepAlive::default())
    });
    serve(listener.tap_io(set_nodelay), events).await
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
