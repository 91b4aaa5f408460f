//! What the streams of all cases have in common.

use std::time::Duration;

use sse_session::{BoxError, Sse, SseOptions};

use crate::server::Answer;

/// A short reconnection time, so that the tests are fast. Some clients never wait that little.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// Several keep-alives long, so that there are some in the stream on a busy machine too.
pub(crate) const SILENCE: Duration = Duration::from_millis(250);

/// Returns the options of all cases.
pub(crate) fn options() -> SseOptions {
    SseOptions::new().keep_alive(SILENCE / 6)
}

/// Returns the options of streams that are interrupted. They have no keep-alive, so that there is none in
/// an unfinished line.
pub(crate) fn interrupted() -> SseOptions {
    SseOptions::new().without_keep_alive().retry(RETRY)
}

pub(crate) fn stream<F>(
    options: SseOptions,
    handler: impl FnOnce(Sse) -> F + Send + 'static,
) -> Answer
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    Answer::Stream(options, Box::new(|sse| Box::pin(handler(sse))))
}
