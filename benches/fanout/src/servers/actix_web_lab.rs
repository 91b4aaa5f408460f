//! actix-web-lab's `sse` with a channel for each client, as the examples of actix have it: an
//! event is sent to all of them, and when all have taken it, the next one is.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{Responder, web};
use actix_web_lab::sse;
use futures_util::future::join_all;
use tokio::sync::mpsc::{self, Sender};

use super::on_actix;
use crate::orders::Orders;

/// As in the example.
const CAPACITY: usize = 10;

#[derive(Clone, Debug, Default)]
struct Broadcaster {
    clients: Arc<Mutex<Vec<Sender<sse::Event>>>>,
}

impl Broadcaster {
    fn new_client(&self) -> mpsc::Receiver<sse::Event> {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.push(sender);
        receiver
    }

    async fn broadcast(&self, text: &str) {
        let clients = self
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let sends = clients
            .iter()
            .map(|client| client.send(sse::Data::new(text).into()));
        let _ = join_all(sends).await;
    }
}

pub(super) fn run(listener: TcpListener, datagrams: UdpSocket) -> io::Result<()> {
    on_actix::run(
        listener,
        datagrams,
        &Broadcaster::default(),
        publish,
        || web::get().to(respond),
    )
}

async fn publish(broadcaster: Broadcaster, mut orders: Orders) -> io::Result<()> {
    loop {
        for text in orders.next().await? {
            broadcaster.broadcast(&text).await;
        }
    }
}

async fn respond(broadcaster: web::Data<Broadcaster>) -> impl Responder {
    sse::Sse::from_infallible_receiver(broadcaster.new_client())
        .with_keep_alive(Duration::from_secs(15))
}
