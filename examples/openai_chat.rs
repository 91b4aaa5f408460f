//! How do I read a chat completion of OpenAI's API as it arrives, with the decoder alone?
//!
//! ```text
//! cargo run -p sse-examples --example openai_chat < examples/streams/openai-chat.sse
//! ```
//!
//! With a connection that is made again, and a timeout: the example `llm_client`.

use std::error::Error;
use std::io::{self, Read, Write as _};

use serde::Deserialize;
use sse_codec::Decoder;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    // A failure, whose status was sent before.
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

fn read(mut stream: impl Read, mut text: impl FnMut(&str)) -> Result<(), Box<dyn Error>> {
    let mut decoder = Decoder::new();
    let mut piece = [0; 4096];
    loop {
        let len = stream.read(&mut piece)?;
        if len == 0 {
            return Err("the stream ended before [DONE]".into());
        }
        let mut events = decoder.feed(&piece[..len]);
        while let Some(event) = events.next_event()? {
            if event.data() == "[DONE]" {
                return Ok(());
            }
            let chunk: Chunk = event.json()?;
            if let Some(error) = chunk.error {
                return Err(error.to_string().into());
            }
            for choice in chunk.choices {
                text(choice.delta.content.as_deref().unwrap_or_default());
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    read(io::stdin(), |text| {
        print!("{text}");
        let _ = io::stdout().flush();
    })
}

#[test]
fn the_text_is_read() {
    let mut all = String::new();
    let stream = include_bytes!("streams/openai-chat.sse");
    read(&stream[..], |text| all.push_str(text)).expect("a complete stream");
    assert_eq!(all, "Server-Sent Events push text.\n\nThey résumé 🦀.");
    assert!(read(&stream[..stream.len() / 2], |_| {}).is_err());
    let error = "data: {\"error\":{\"message\":\"quota\"}}\n\ndata: [DONE]\n\n";
    let error = read(error.as_bytes(), |_| {}).expect_err("a failure");
    assert!(error.to_string().contains("quota"), "{error}");
}
