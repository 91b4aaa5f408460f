use std::net::IpAddr;
use std::time::Duration;

use sse_tokio_tcp::{
    Limiter, Limits, PeerAddr, Request, Response, Server, Sse, SseOptions, refused,
    sse_response_with,
};
use tokio::net::TcpListener;

use crate::network;

/// Stands for what the application sends. It has no request that it would hold for as long as it runs.
async fn events(sse: Sse) {
    let _ = sse.send("hello").await;
    sse.closed().await;
}

pub(crate) async fn serve(listener: TcpListener, streams: Limiter<Option<IpAddr>>) {
    let options = SseOptions::new().max_age(Duration::from_secs(60 * 60));
    // Each connection is one request, so a limit on streams is one on connections that have sent theirs.
    let service = move |request: Request| {
        let peer = request.extensions().get::<PeerAddr>();
        let network = peer.map(|peer| network(peer.0.ip()));
        let response: Response = match streams.try_acquire(network) {
            Ok(permit) => {
                let options = options.clone().permit(permit);
                sse_response_with(&options, request, |_request, sse| events(sse))
            }
            Err(error) => refused(&error),
        };
        async { response }
    };
    // These are the defaults, but for the number of connections.
    let limits = Limits::new()
        .max_connections(10_000)
        .max_head_size(16 * 1024)
        .head_timeout(Duration::from_secs(10))
        .write_timeout(Duration::from_secs(60));
    Server::new()
        .limits(limits)
        .with_peer_addr()
        .serve(listener, service)
        .await;
}
