//! The servers that are compared. Each is one file, written as its own documentation shows it;
//! each runs as a process of its own, and publishes what it is [ordered](crate::orders) to.

mod actix_web_lab;
mod axum;
mod floor;
mod hub;
mod on_actix;
mod tasks;

use std::io;
use std::net::{TcpListener, UdpSocket};

use sse_bench_process::server;

use crate::orders::Orders;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Floor,
    Tasks,
    SseTokioTcp,
    SseHyper,
    SseAxum,
    Axum,
    SseActix,
    ActixWebLab,
    Nchan,
    /// For HTTP/2 alone.
    SseCoalesced,
    /// For compression alone, as those that follow.
    SseGzip,
    SseLayer,
    AxumLayer,
}

impl Server {
    /// Those that are to be compared are neighbours.
    pub(crate) const ALL: [Self; 13] = [
        Self::Floor,
        Self::Tasks,
        Self::SseTokioTcp,
        Self::SseHyper,
        Self::SseAxum,
        Self::Axum,
        Self::SseActix,
        Self::ActixWebLab,
        Self::Nchan,
        Self::SseCoalesced,
        Self::SseGzip,
        Self::SseLayer,
        Self::AxumLayer,
    ];

    /// Those that only some runs measure.
    pub(crate) const SPECIAL: [Self; 4] = [
        Self::SseCoalesced,
        Self::SseGzip,
        Self::SseLayer,
        Self::AxumLayer,
    ];

    /// Our hub on its transports.
    pub(crate) const OURS: [Self; 4] = [
        Self::SseTokioTcp,
        Self::SseHyper,
        Self::SseAxum,
        Self::SseActix,
    ];

    /// Its name, in tables and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Tasks => "floor, tasks",
            Self::SseTokioTcp => "hub, sse-tokio-tcp",
            Self::SseHyper => "hub, sse-hyper",
            Self::SseAxum => "hub, sse-hyper in axum",
            Self::Axum => "axum",
            Self::SseActix => "hub, sse-actix",
            Self::ActixWebLab => "actix-web-lab",
            Self::Nchan => "nchan",
            Self::SseCoalesced => "hub, sse-hyper in axum, coalesced",
            Self::SseGzip => "hub, sse-hyper in axum, gzip",
            Self::SseLayer => "hub, sse-hyper in axum, CompressionLayer",
            Self::AxumLayer => "axum, CompressionLayer",
        }
    }

    /// Whether its streams are compressed.
    pub(crate) const fn is_compressed(self) -> bool {
        matches!(self, Self::SseGzip | Self::SseLayer | Self::AxumLayer)
    }

    /// Runs the server in this process until its standard input ends.
    pub(crate) fn run(self, listener: TcpListener, datagrams: UdpSocket) -> io::Result<()> {
        match self {
            Self::SseActix => return hub::on_actix(listener, datagrams),
            Self::ActixWebLab => return actix_web_lab::run(listener, datagrams),
            _ => {}
        }
        server::runtime()?.block_on(async {
            let orders = Orders::new(datagrams)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            match self {
                Self::SseTokioTcp => hub::on_tokio_tcp(listener, orders).await,
                Self::SseHyper => hub::on_hyper(listener, orders).await,
                Self::SseAxum => hub::on_axum(listener, orders).await,
                Self::SseCoalesced => hub::on_axum_coalesced(listener, orders).await,
                Self::SseGzip => hub::on_axum_gzip(listener, orders).await,
                Self::SseLayer => hub::on_axum_with_layer(listener, orders).await,
                Self::AxumLayer => axum::run_with_layer(listener, orders).await,
                Self::Axum => axum::run(listener, orders).await,
                Self::Tasks => tasks::run(listener, orders).await,
                _ => floor::run(listener, orders).await,
            }
        })
    }
}

impl AsRef<str> for Server {
    fn as_ref(&self) -> &str {
        self.name()
    }
}
