//! Errors of a server that cannot answer now, although it or another one soon can.

use std::error::Error;
use std::time::Duration;

use async_nats::jetstream::Error as ApiError;
use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, PublishError, PublishErrorKind,
};
use async_nats::jetstream::stream::{DirectGetError, DirectGetErrorKind};
use async_nats::{RequestError, RequestErrorKind, StatusCode};
use tokio::time::{Instant, sleep};

use crate::log::EngineError;

/// A stream of which another node has just begun the creation.
pub(super) const BEING_CREATED: EngineError =
    EngineError::InvalidAnswer("the time of creation of a stream");

/// The delay before another attempt.
const DELAY: Duration = Duration::from_millis(50);

/// JetStream's codes for a server or a cluster that is not ready: it has no leader or another one, or
/// JetStream is starting, stopping or not enabled on this server.
const CODES: [u64; 9] = [
    10_004, // incomplete results
    10_005, // no suitable peers
    10_006, // no leader
    10_007, // not assigned
    10_008, // temporarily unavailable
    10_009, // not the leader
    10_039, // not enabled for the account
    10_076, // not enabled
    10_118, // stream offline
];

/// Whether a request has failed, and has done nothing, because the server cannot answer it now.
pub(super) fn is_not_now(error: &EngineError) -> bool {
    let EngineError::Client(error) = error else {
        return matches!((error, &BEING_CREATED),
            (EngineError::InvalidAnswer(one), EngineError::InvalidAnswer(other)) if one == other);
    };
    let mut next: Option<&(dyn Error + 'static)> = Some(&**error);
    while let Some(error) = next {
        if is_kind_of_not_now(error) {
            return true;
        }
        next = error.source();
    }
    false
}

fn is_kind_of_not_now(error: &(dyn Error + 'static)) -> bool {
    let has_code = |error: &ApiError| CODES.contains(&error.error_code().0);
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return has_code(error);
    }
    if let Some(error) = error.downcast_ref::<RequestError>() {
        return error.kind() == RequestErrorKind::NoResponders;
    }
    if let Some(error) = error.downcast_ref::<PublishError>() {
        return error.kind() == PublishErrorKind::StreamNotFound;
    }
    if let Some(error) = error.downcast_ref::<DirectGetError>() {
        let kind = error.kind();
        return matches!(
            kind,
            DirectGetErrorKind::ErrorResponse(StatusCode::NO_RESPONDERS, _)
        );
    }
    match error
        .downcast_ref::<CreateStreamError>()
        .map(CreateStreamError::kind)
    {
        Some(CreateStreamErrorKind::JetStream(error)) => has_code(&error),
        kind => kind == Some(CreateStreamErrorKind::JetStreamUnavailable),
    }
}

/// The attempts of one request.
#[derive(Debug)]
pub(super) struct Attempts {
    deadline: Instant,
}

impl Attempts {
    /// Begins attempts of a request that fails after `limit`. The last one is before that, so that its
    /// error is known.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            deadline: Instant::now() + limit.mul_f64(0.8),
        }
    }

    /// Waits for the next attempt; `None` if there is no time for another one.
    pub(super) async fn wait(&mut self) -> Option<()> {
        let has_time = Instant::now() + DELAY < self.deadline;
        if has_time {
            sleep(DELAY).await;
        }
        has_time.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn api_error(code: u64) -> ApiError {
        let error = json!({ "code": 503, "err_code": code, "description": "no" });
        serde_json::from_value(error).expect("an error")
    }

    fn client(error: impl Error + Send + Sync + 'static) -> EngineError {
        EngineError::Client(Box::new(error))
    }

    #[test]
    fn a_server_that_cannot_answer_now_is_known_in_every_wrapping() {
        for error in [
            client(api_error(10_008)),
            client(api_error(10_039)),
            client(RequestError::new(RequestErrorKind::NoResponders)),
            client(PublishError::new(PublishErrorKind::StreamNotFound)),
            client(PublishError::with_source(
                PublishErrorKind::Other,
                api_error(10_009),
            )),
            client(CreateStreamError::new(CreateStreamErrorKind::JetStream(
                api_error(10_076),
            ))),
            client(CreateStreamError::new(
                CreateStreamErrorKind::JetStreamUnavailable,
            )),
            client(DirectGetError::new(DirectGetErrorKind::ErrorResponse(
                StatusCode::NO_RESPONDERS,
                "no responders".to_owned(),
            ))),
            BEING_CREATED,
        ] {
            assert!(is_not_now(&error), "{error:?}");
        }
        for error in [
            // The store is full.
            client(PublishError::with_source(
                PublishErrorKind::Other,
                api_error(10_077),
            )),
            client(PublishError::new(PublishErrorKind::TimedOut)),
            client(PublishError::new(PublishErrorKind::MaxAckPending)),
            client(RequestError::new(RequestErrorKind::TimedOut)),
            client(api_error(10_065)),
            EngineError::Unavailable,
            EngineError::InvalidAnswer("a sequence"),
        ] {
            assert!(!is_not_now(&error), "{error:?}");
        }
    }
}
