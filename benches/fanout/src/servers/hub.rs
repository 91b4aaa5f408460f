//! Our hub with its defaults, on each of the transports.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use actix_web::{HttpRequest, web};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get};
use axum::serve::{Listener, ListenerExt as _};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sse_hub::Hub;
use sse_hyper::{CoalescedWrites, Compression, SseOptions};
use tokio::net::{TcpListener, TcpStream};

use super::axum::set_nodelay;
use super::on_actix;
use crate::orders::Orders;

const TOPIC: &str = "events";

async fn publish(hub: Hub, mut orders: Orders) -> io::Result<()> {
    loop {
        for text in orders.next().await? {
            hub.publish(TOPIC, text).await.map_err(io::Error::other)?;
        }
    }
}

pub(super) async fn on_tokio_tcp(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let hub = Hub::new();
    tokio::spawn(publish(hub.clone(), orders));
    let events = sse_tokio_tcp::with_sse(move |_: sse_tokio_tcp::Request, sse| {
        hub.subscribe([TOPIC]).serve(sse)
    });
    sse_tokio_tcp::serve(listener, events).await;
    Ok(())
}

pub(super) async fn on_hyper(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let hub = Hub::new();
    tokio::spawn(publish(hub.clone(), orders));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let hub = hub.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: sse_hyper::Request| {
                let response =
                    sse_hyper::sse_response(request, |_, sse| hub.subscribe([TOPIC]).serve(sse));
                async { io::Result::Ok(response) }
            });
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

pub(super) async fn on_axum(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let hub = Hub::new();
    tokio::spawn(publish(hub.clone(), orders));
    super::axum::serve(listener.tap_io(set_nodelay), events(hub)).await
}

/// As above, with the writes of a connection coalesced.
pub(super) async fn on_axum_coalesced(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let hub = Hub::new();
    tokio::spawn(publish(hub.clone(), orders));
    super::axum::serve(Coalescing(listener), events(hub)).await
}

/// As [`on_axum`], with the compression of the adapter, which the hub shares.
pub(super) async fn on_axum_gzip(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let hub = Hub::new();
    tokio::spawn(publish(hub.clone(), orders));
    let events = get(async move |headers: HeaderMap| {
        let options = SseOptions::new().compression(Compression::Gzip);
        sse_hyper::sse_response_with(&options, headers, |_, sse| {
            hub.subscribe([TOPIC]).serve(sse)
        })
    });
    super::axum::serve(listener.tap_io(set_nodelay), events).await
}

/// As [`on_axum`], with a compressor for each stream.
pub(super) async fn on_axum_with_layer(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let hub = Hub::new();
    tokio::spawn(publish(hub.clone(), orders));
    let events = super::axum::compressed(events(hub));
    super::axum::serve(listener.tap_io(set_nodelay), events).await
}

fn events(hub: Hub) -> MethodRouter {
    get(async move |headers: HeaderMap| {
        sse_hyper::sse_response(headers, |_, sse| hub.subscribe([TOPIC]).serve(sse))
    })
}

struct Coalescing(TcpListener);

impl Listener for Coalescing {
    type Io = CoalescedWrites<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        (CoalescedWrites::new(stream), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

pub(super) fn on_actix(listener: std::net::TcpListener, datagrams: UdpSocket) -> io::Result<()> {
    on_actix::run(listener, datagrams, &Hub::new(), publish, || {
        web::get().to(async |request: HttpRequest, hub: web::Data<Hub>| {
            sse_actix::sse_response(&request, |_, sse| hub.subscribe([TOPIC]).serve(sse))
        })
    })
}
