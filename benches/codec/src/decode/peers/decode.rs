//! What all decoders can do.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

use crate::decode::input::Input;
use crate::outcome::Sink;

/// Something that decodes a stream.
pub(super) trait Decode {
    /// The package, as on crates.io.
    const NAME: &'static str;
    /// What its events are made of.
    const EVENTS: &'static str;
    /// How it is driven, where that needs a word.
    const REMARK: &'static str = "";

    /// Decodes the whole input with a new decoder. An error ends it.
    fn decode(input: &Input, sink: &mut impl Sink);
}

/// Takes the items of a stream that never has to wait, up to the first error: some give the same
/// one for ever.
///
/// # Panics
///
/// If it waits all the same, rather than to go round in circles.
pub(super) fn drain<T, E>(stream: impl Stream<Item = Result<T, E>>, mut take: impl FnMut(T)) {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(item) = stream.as_mut().poll_next(&mut context) {
        match item {
            Some(Ok(item)) => take(item),
            Some(Err(_)) | None => return,
        }
    }
    panic!("a stream waits although its input is there");
}
