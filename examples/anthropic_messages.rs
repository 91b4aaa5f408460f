//! How do I read a message of Anthropic's API as typed events, from a stream of byte chunks?
//!
//! ```text
//! cargo run -p sse-examples --example anthropic_messages < examples/streams/anthropic-messages.sse
//! ```

use std::error::Error;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use serde::Deserialize;
use sse_codec::EventStream;
use tokio_util::io::ReaderStream;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    ContentBlockDelta {
        index: usize,
        delta: Delta,
    },
    MessageStop {},
    Error {
        error: serde_json::Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta {
    TextDelta { text: String },
    InputJsonDelta { partial_json: String },
}

/// The content blocks of the message.
async fn read<S, E>(chunks: S) -> Result<Vec<String>, Box<dyn Error>>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Error + 'static,
{
    let mut events = std::pin::pin!(EventStream::new(chunks));
    let mut blocks: Vec<String> = Vec::new();
    while let Some(event) = events.try_next().await? {
        match event.typed()? {
            Event::ContentBlockDelta { index, delta } => {
                let (Delta::TextDelta { text: more }
                | Delta::InputJsonDelta { partial_json: more }) = delta;
                blocks.resize(blocks.len().max(index + 1), String::new());
                blocks[index].push_str(&more);
            }
            Event::MessageStop {} => return Ok(blocks),
            Event::Error { error } => return Err(error.to_string().into()),
            Event::Other => {}
        }
    }
    Err("the stream ended before message_stop".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{:#?}", read(ReaderStream::new(tokio::io::stdin())).await?);
    Ok(())
}

#[tokio::test]
async fn both_blocks_are_put_together() {
    let stream = include_bytes!("streams/anthropic-messages.sse");
    let blocks = read(ReaderStream::new(&stream[..]))
        .await
        .expect("a whole stream");
    let expected = [
        "Okay, let me check the weather.",
        r#"{"location": "San Francisco, CA"}"#,
    ];
    assert_eq!(blocks, expected);
}
