//! The servers that are compared. Each is one file, written as its own documentation shows it,
//! with the same routes; each runs as a process of its own.

mod actix_web_lab;
mod axum;
mod floor;
mod hyper_mpsc;
mod on_actix;
mod on_axum;
mod on_hyper;
mod ours;
mod sse_actix;
mod sse_axum;
mod sse_hyper;
mod sse_tokio_tcp;

use std::io;
use std::net::{TcpListener, UdpSocket};

use sse_bench_process::server;

use self::floor::Floor;
use self::ours::Bursts;
use crate::ticks::Ticker;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    SseHyper,
    SseHyperAll,
    SseAxum,
    SseActix,
    SseTokioTcp,
    SseTokioTcpAll,
    SseTokioTcpFrames,
    Axum,
    ActixWebLab,
    HyperMpsc,
    Floor,
    FloorFitted,
    FloorBlocks,
}

impl Server {
    pub(crate) const ALL: [Self; 13] = [
        Self::SseHyper,
        Self::SseHyperAll,
        Self::SseAxum,
        Self::SseActix,
        Self::SseTokioTcp,
        Self::SseTokioTcpAll,
        Self::SseTokioTcpFrames,
        Self::Axum,
        Self::ActixWebLab,
        Self::HyperMpsc,
        Self::Floor,
        Self::FloorFitted,
        Self::FloorBlocks,
    ];

    /// Its name, in tables and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SseHyper => "sse-hyper",
            Self::SseHyperAll => "sse-hyper, send_all",
            Self::SseAxum => "sse-hyper in axum",
            Self::SseActix => "sse-actix",
            Self::SseTokioTcp => "sse-tokio-tcp",
            Self::SseTokioTcpAll => "sse-tokio-tcp, send_all",
            Self::SseTokioTcpFrames => "sse-tokio-tcp, frames",
            Self::Axum => "axum",
            Self::ActixWebLab => "actix-web-lab",
            Self::HyperMpsc => "hyper + mpsc",
            Self::Floor => "floor",
            Self::FloorFitted => "floor, 60 KiB",
            Self::FloorBlocks => "floor, blocks",
        }
    }

    /// Whether it is another one but for the way in which it sends a burst.
    pub(crate) const fn differs_in_bursts_alone(self) -> bool {
        matches!(
            self,
            Self::SseHyperAll
                | Self::SseTokioTcpAll
                | Self::SseTokioTcpFrames
                | Self::FloorFitted
                | Self::FloorBlocks
        )
    }

    /// Runs the server in this process until its standard input ends.
    pub(crate) fn run(self, listener: TcpListener, datagrams: UdpSocket) -> io::Result<()> {
        match self {
            Self::SseActix => return sse_actix::run(listener, datagrams),
            Self::ActixWebLab => return actix_web_lab::run(listener, datagrams),
            _ => {}
        }
        server::runtime()?.block_on(async {
            let ticker = Ticker::default();
            tokio::spawn(ticker.clone().run(datagrams));
            let listener = tokio::net::TcpListener::from_std(listener)?;
            match self {
                Self::SseHyper => sse_hyper::run(listener, ticker, Bursts::Send).await,
                Self::SseHyperAll => sse_hyper::run(listener, ticker, Bursts::SendAll).await,
                Self::SseAxum => sse_axum::run(listener, ticker).await,
                Self::SseTokioTcp => {
                    sse_tokio_tcp::run(listener, ticker, Bursts::Send, false).await
                }
                Self::SseTokioTcpAll => {
                    sse_tokio_tcp::run(listener, ticker, Bursts::SendAll, false).await
                }
                Self::SseTokioTcpFrames => {
                    sse_tokio_tcp::run(listener, ticker, Bursts::SendAll, true).await
                }
                Self::Axum => axum::run(listener, ticker).await,
                Self::HyperMpsc => hyper_mpsc::run(listener, ticker).await,
                Self::FloorFitted => floor::run(listener, ticker, Floor::Copies(60 * 1024)).await,
                Self::FloorBlocks => floor::run(listener, ticker, Floor::Blocks(60 * 1024)).await,
                _ => floor::run(listener, ticker, Floor::Copies(64 * 1024)).await,
            }
        })
    }
}

impl AsRef<str> for Server {
    fn as_ref(&self) -> &str {
        self.name()
    }
}
