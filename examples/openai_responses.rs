//! How do I read a response of OpenAI's API as typed events, from any `AsyncRead`?
//!
//! ```text
//! cargo run -p sse-examples --example openai_responses < examples/streams/openai-responses.sse
//! ```

use std::error::Error;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use sse_codec::Decoder;
use tokio::io::AsyncRead;
use tokio_util::codec::FramedRead;

// The name of the event selects the variant. All other events are `Other`.
#[derive(Debug, Deserialize)]
enum Message {
    #[serde(rename = "response.output_text.delta")]
    TextDelta { delta: String },
    #[serde(rename = "response.completed")]
    Completed { response: Completed },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Completed {
    usage: Usage,
}

#[derive(Debug, Deserialize)]
struct Usage {
    total_tokens: u32,
}

async fn read(stream: impl AsyncRead) -> Result<(String, u32), Box<dyn Error>> {
    let mut events = std::pin::pin!(FramedRead::new(stream, Decoder::new()));
    let mut text = String::new();
    while let Some(event) = events.try_next().await? {
        match event.typed()? {
            Message::TextDelta { delta } => text.push_str(&delta),
            Message::Completed { response } => return Ok((text, response.usage.total_tokens)),
            Message::Other => {}
        }
    }
    Err("the stream ended before response.completed".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (text, tokens) = read(tokio::io::stdin()).await?;
    println!("{text}\n({tokens} tokens)");
    Ok(())
}

#[tokio::test]
async fn the_text_and_the_usage_are_read() {
    let stream = include_bytes!("streams/openai-responses.sse");
    let read = read(&stream[..]).await.expect("a complete stream");
    assert_eq!(read, ("Hi there! How can I help?".to_owned(), 48));
}
