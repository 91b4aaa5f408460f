//! The trait that all clients implement.

use std::error::Error;

use futures_util::Stream;
use sse_bench_process::Result;

use crate::server::Http;

/// A client of event streams, used as its documentation shows it.
pub(crate) trait Client: Sized {
    /// The packages, as on crates.io.
    const NAME: &'static str;
    /// Whether it speaks HTTP/2 without TLS.
    const HTTP2: bool = true;

    type Event;
    type Error: Into<Box<dyn Error>>;

    /// Creates a client, which is shared by all streams of a run.
    fn new(http: Http) -> Result<Self>;

    /// Requests a stream.
    fn open(
        &self,
        url: &str,
    ) -> impl Future<Output = Result<impl Stream<Item = Result<Self::Event, Self::Error>>>>;

    /// Returns the data, unless it is not an event.
    fn data(event: &Self::Event) -> Option<&str>;
}
