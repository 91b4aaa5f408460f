//! How do I read a message of Anthropic's API as typed events, from a stream of byte chunks?
//!
//! ```text
//! cargo run -p sse-examples --example anthropic_messages < examples/streams/anthropic-messages.sse
//! ```

use std::error::Error;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use sse_codec::EventStream;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    ContentBlockDelta(BlockDelta),
    MessageStop {},
    Error(serde_json::Value),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct BlockDelta {
    index: usize,
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    partial_json: Option<String>,
}

/// Returns the content blocks of the message.
async fn read(stream: impl AsyncRead) -> Result<Vec<String>, Box<dyn Error>> {
    let mut events = std::pin::pin!(EventStream::new(ReaderStream::new(stream)));
    let mut blocks: Vec<String> = Vec::new();
    while let Some(event) = events.try_next().await? {
        match event.typed()? {
            Event::ContentBlockDelta(BlockDelta { index, delta }) => {
                blocks.resize(blocks.len().max(index + 1), String::new());
                blocks[index] += &delta.text.or(delta.partial_json).unwrap_or_default();
            }
            Event::MessageStop {} => return Ok(blocks),
            Event::Error(error) => return Err(error.to_string().into()),
            Event::Other => {}
        }
    }
    Err("the stream ended before message_stop".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{:#?}", read(tokio::io::stdin()).await?);
    Ok(())
}

#[tokio::test]
async fn both_content_blocks_are_read() {
    let stream = include_bytes!("streams/anthropic-messages.sse");
    let blocks = read(&stream[..]).await.expect("a complete stream");
    let expected = [
        "Okay, let me check the weather.",
        r#"{"location": "San Francisco, CA"}"#,
    ];
    assert_eq!(blocks, expected);
}
