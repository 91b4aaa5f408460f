use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use sse_hub::Hub;
use sse_hyper::{Limiter, SseOptions, refused, sse_response_with};

/// The age at which a stream ends in order, so that its client comes back and is checked again.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// What a client is counted by. Handlers extract it as `Extension<Network>`.
#[derive(Clone, Copy)]
struct Network(IpAddr);

#[derive(Clone)]
struct App {
    hub: Hub,
    options: SseOptions,
    streams: Limiter<IpAddr>,
}

pub(crate) struct Site {
    router: TowerToHyperService<Router>,
}

impl Site {
    /// Serves the topics of a hub, so many streams in total and of one network.
    pub(crate) fn new(hub: Hub, streams: Limiter<IpAddr>) -> Self {
        let app = App {
            hub,
            options: SseOptions::new().max_age(MAX_AGE),
            streams,
        };
        let router = Router::new().route("/rooms/{room}", get(room));
        let router = TowerToHyperService::new(router.with_state(app));
        Self { router }
    }

    pub(crate) async fn answer(
        &self,
        network: IpAddr,
        mut request: hyper::Request<Incoming>,
    ) -> Response {
        request.extensions_mut().insert(Network(network));
        match self.router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Serves the events of a room, from the last one that the client has.
async fn room(
    State(app): State<App>,
    Extension(Network(network)): Extension<Network>,
    Path(room): Path<String>,
    request: Request,
) -> Response {
    // First of all: a client beyond its limit costs no subscription.
    let permit = match app.streams.try_acquire(network) {
        Ok(permit) => permit,
        Err(error) => return refused(&error).map(axum::body::Body::new),
    };
    // A name without a topic of its own, a hub with too many topics or one that shuts down: before the response.
    let subscribe = match app.hub.subscribe([format!("room:{room}")]).open().await {
        Ok(subscribe) => subscribe,
        Err(error) => return refused(&error).map(axum::body::Body::new),
    };
    let options = app.options.permit(permit);
    sse_response_with(&options, request, |_request, sse| subscribe.serve(sse))
        .map(axum::body::Body::new)
}
