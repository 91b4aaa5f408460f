//! How do I read a chat completion of OpenAI's API as it arrives, with the decoder alone?
//!
//! ```text
//! cargo run -p sse-examples --example openai_chat < examples/streams/openai-chat.sse
//! ```

use std::error::Error;
use std::io::{self, Read, Write as _};

use serde::Deserialize;
use sse_codec::Decoder;

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Choice>,
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
}
