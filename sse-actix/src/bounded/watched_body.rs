//! The body of a request as its handler reads it.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::error::PayloadError;
use actix_http::{BoxedPayloadStream, Payload, Request, h1};
use bytes::Bytes;
use futures_core::Stream;

use super::gate::Gate;

/// The body as the application reads it. It opens the gate for more when it is read to its end so
/// far, and when it is dropped.
struct WatchedBody {
    body: h1::Payload,
    gate: Gate,
    request: u64,
}

impl Stream for WatchedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.body).poll_next(cx);
        if polled.is_pending() {
            self.gate.wants_body(self.request);
        }
        polled
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.gate.discard_body(self.request);
    }
}

/// Has `gate` know what the application reads of the body of the request with that number.
pub(super) fn watch(request: &mut Request, gate: &Gate, number: u64) {
    match request.take_payload() {
        Payload::H1 { payload: body } => {
            let payload: BoxedPayloadStream = Box::pin(WatchedBody {
                body,
                gate: gate.clone(),
                request: number,
            });
            *request.payload() = Payload::Stream { payload };
        }
        payload => *request.payload() = payload,
    }
}
