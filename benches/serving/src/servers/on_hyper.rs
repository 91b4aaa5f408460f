//! The HTTP/1 server of hyper that two of the event streams run on.

use std::io;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::ticks::Ticker;

pub(super) async fn run<B>(
    listener: TcpListener,
    ticker: Ticker,
    respond: impl Fn(Request<Incoming>, &Ticker) -> http::Result<Response<B>>
    + Copy
    + Send
    + Sync
    + 'static,
) -> io::Result<()>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let ticker = ticker.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = respond(request, &ticker);
                async { response }
            });
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
