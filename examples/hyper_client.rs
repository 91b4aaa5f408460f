//! How do I read an event stream with hyper's client, for instance that of an LLM API?
//!
//! ```text
//! cargo run -p sse-examples --example hyper &
//! cargo run -p sse-examples --example hyper_client -- http://127.0.0.1:3000/
//! ```

use std::error::Error;

use futures_util::TryStreamExt as _;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sse_codec::EventStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or("http://127.0.0.1:3000/".into());
    let request = Request::get(url)
        .header(header::ACCEPT, "text/event-stream")
        .body(Empty::<bytes::Bytes>::new())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("the server answers {}", response.status()).into());
    }

    // The data frames of the body are the chunks of the stream.
    let mut events = EventStream::new(response.into_body().into_data_stream());
    while let Some(event) = events.try_next().await? {
        println!("{}: {}", event.event(), event.data());
    }
    Ok(())
}
