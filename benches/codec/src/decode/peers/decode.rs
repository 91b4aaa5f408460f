//! The trait that all decoders implement.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

use crate::decode::input::Input;
use crate::outcome::Sink;

/// A decoder of event streams.
pub(super) trait Decode {
    /// The package, as on crates.io.
    const NAME: &'static str;
    /// The types that its events consist of.
    const EVENTS: &'static str;
    /// A remark on how it is driven, for the report.
    const REMARK: &'static str = "";

    /// Decodes the whole input with a new decoder. An error ends it.
    fn decode(input: &Input, sink: &mut impl Sink);
}

/// Calls `take` with the items of a stream that is always ready, up to the first error, which some
/// streams repeat without end.
///
/// # Panics
///
/// If the stream is pending.
pub(super) fn drain<T, E>(stream: impl Stream<Item = Result<T, E>>, mut take: impl FnMut(T)) {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(item) = stream.as_mut().poll_next(&mut context) {
        match item {
            Some(Ok(item)) => take(item),
            Some(Err(_)) | None => return,
        }
    }
    panic!("a stream is pending although its input is complete");
}
