//! Sends the messages of a client to the tests: one after the other, numbered from 1.

use std::error::Error;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::protocol::Message;

pub(crate) struct Callbacks {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    sent: u64,
}

impl Callbacks {
    /// Creates the callbacks to this base URL.
    pub(crate) fn new(url: String) -> Result<Self, http::uri::InvalidUri> {
        url.parse::<Uri>()?;
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            url,
            sent: 0,
        })
    }

    pub(crate) async fn send(&mut self, message: &Message<'_>) -> Result<(), Box<dyn Error>> {
        self.sent += 1;
        let request = Request::post(format!("{}/{}", self.url, self.sent))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(serde_json::to_vec(message)?))?;
        let response = self.client.request(request).await?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(format!("the callback was answered with {}", response.status()).into())
        }
    }
}
