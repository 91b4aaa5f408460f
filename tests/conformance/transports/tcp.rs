//! The server of `sse-tokio-tcp` with its own shutdown.

use bytes::Bytes;
use sse_tokio_tcp::{
    BoxError, Methods, Request, Response, Router, Server as TcpServer, Service, Sse, no_content,
    refused, sse_response_with, sse_stream_with, with_sse,
};
use tokio_util::sync::CancellationToken;

use super::{Detection, RequestInfo, Server, Site, Transport, plain_stream, posted};

pub(crate) struct Tcp;

impl Transport for Tcp {
    const NAME: &'static str = "tcp";
    const IDLE_DISCONNECT: Detection = Detection::Reads;
    const BUFFER: usize = 0;
    const RESETS_HTTP_10: bool = true;

    async fn start(site: Site) -> Server {
        Self::serve(site, TcpServer::new())
    }
}

impl Tcp {
    /// Starts a server with a configuration of the test.
    pub(crate) fn serve(site: Site, server: TcpServer) -> Server {
        let listener = site.listener();
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let server = server.shutdown(stop.clone());
        let server = tokio::spawn(server.serve(listener, Self::routes(site)));
        Server {
            address,
            graceful_stop: Box::new(move || {
                stop.cancel();
                Box::pin(async { server.await.expect("no panic") })
            }),
            _abort: None,
        }
    }

    /// Returns the service that serves `site`.
    pub(crate) fn routes(site: Site) -> impl Service {
        let options = site.options.clone();
        let handler = {
            let site = site.clone();
            move |request: Request, sse: Sse| {
                let info = RequestInfo {
                    target: request.uri().to_string(),
                    headers: request.headers().clone(),
                };
                site.run(info, sse)
            }
        };
        let limited = {
            let handler = handler.clone();
            move |request: Request| {
                let response = match site.admit(request.uri().query()) {
                    Ok(options) => sse_response_with(&options, request, &handler),
                    Err(error) => refused(&error),
                };
                async { response }
            }
        };
        let response = {
            let options = options.clone();
            let handler = handler.clone();
            move |request: Request| {
                let response = sse_response_with(&options, request, &handler);
                async { response }
            }
        };
        let stream = {
            let options = options.clone();
            move |_: Request| {
                let response = sse_stream_with(&options, plain_stream());
                async { response }
            }
        };
        Router::new()
            .route("/", with_sse(handler).options(options))
            .route("/response", response)
            .route("/stream", stream)
            .route("/gone", gone)
            .route("/limited", limited)
            .route("/posted", Methods::new().post(with_sse(with_body)))
    }
}

async fn with_body(request: Request<Bytes>, sse: Sse) -> Result<(), BoxError> {
    posted(request.into_body(), sse).await
}

async fn gone(_: Request) -> Response {
    no_content()
}
