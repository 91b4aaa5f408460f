//! reqwest, for the packages that only decode.

use bytes::Bytes;
use futures_util::Stream;
use sse_bench_process::Result;

use crate::server::Http;

/// A client of reqwest.
pub(super) struct Reqwest(reqwest::Client);

impl Reqwest {
    pub(super) fn new(http: Http) -> Result<Self> {
        let builder = reqwest::Client::builder();
        let builder = match http {
            Http::One => builder.http1_only(),
            Http::Two => builder.http2_prior_knowledge(),
        };
        Ok(Self(builder.build()?))
    }

    /// Requests a stream of bytes.
    pub(super) async fn bytes(
        &self,
        url: &str,
    ) -> Result<impl Stream<Item = reqwest::Result<Bytes>> + use<>> {
        let response = self.0.get(url).send().await?;
        Ok(response.error_for_status()?.bytes_stream())
    }
}
