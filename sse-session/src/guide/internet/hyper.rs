use std::net::IpAddr;
use std::time::Duration;

use http::Response;
use sse_hyper::{Limiter, Request, Sse, SseBody, SseOptions, refused, sse_response_with};

/// The age at which a stream ends in order, so that its client comes back and is checked again.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

pub(crate) struct Site {
    options: SseOptions,
    streams: Limiter<IpAddr>,
}

impl Site {
    /// Serves so many streams in total and of one network.
    pub(crate) fn new(streams: Limiter<IpAddr>) -> Self {
        let options = SseOptions::new().max_age(MAX_AGE);
        Self { options, streams }
    }

    pub(crate) async fn answer(&self, network: IpAddr, request: Request) -> Response<SseBody> {
        match self.streams.try_acquire(network) {
            Ok(permit) => {
                let options = self.options.clone().permit(permit);
                sse_response_with(&options, request, |_request, sse| events(sse))
            }
            Err(error) => refused(&error),
        }
    }
}

/// Stands for what the application sends. It has no request that it would hold for as long as it runs.
async fn events(sse: Sse) {
    let _ = sse.send("hello").await;
    sse.closed().await;
}
