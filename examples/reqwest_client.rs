//! How do I read an event stream with reqwest, for instance that of an LLM API?
//!
//! ```text
//! cargo run -p sse-examples --example hyper &
//! cargo run -p sse-examples --example reqwest_client -- http://127.0.0.1:3000/
//! ```

use std::error::Error;

use futures_util::TryStreamExt as _;
use sse_codec::EventStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or("http://127.0.0.1:3000/".into());
    let response = reqwest::get(url).await?.error_for_status()?;
    let mut events = EventStream::new(response.bytes_stream());
    while let Some(event) = events.try_next().await? {
        println!("{}: {}", event.event(), event.data());
    }
    Ok(())
}
