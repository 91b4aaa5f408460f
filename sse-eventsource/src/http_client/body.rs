//! The body of a response, which drives the connection that it arrives on.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Lease;
use super::driver::Driver;

/// The body of a response, and the connection that it arrives on.
///
/// After the end or an error the connection is closed, and the body yields `None`.
#[must_use = "a body arrives only while it is read"]
pub struct ClientBody(Option<Exchange>);

struct Exchange {
    incoming: Incoming,
    drive: Drive,
}

/// What makes the connection progress.
pub(super) enum Drive {
    /// Reading the body.
    Here(Driver),
    /// A task, until the body is dropped.
    Task(#[allow(dead_code, reason = "only dropped")] Lease),
}

impl ClientBody {
    pub(super) fn new(incoming: Incoming, drive: Drive) -> Self {
        Self(Some(Exchange { incoming, drive }))
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(exchange) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = exchange.poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let exchange = self.0.as_ref();
        exchange.is_none_or(|exchange| exchange.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(exchange) => exchange.incoming.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Exchange {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // Polled first, so that the connection knows that there is demand.
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        match &mut self.drive {
            Drive::Here(driver) => {
                driver.poll(cx);
                Pin::new(&mut self.incoming).poll_frame(cx)
            }
            Drive::Task(_) => Poll::Pending,
        }
    }
}

impl fmt::Debug for ClientBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").finish_non_exhaustive()
    }
}
