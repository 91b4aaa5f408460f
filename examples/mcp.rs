//! How do I read the messages of an MCP server, and know where to resume?
//!
//! ```text
//! cargo run -p sse-examples --example mcp < examples/streams/mcp.sse
//! ```

use std::error::Error;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;
use sse_codec::Decoder;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Message {
    Request { id: Value, method: String },
    Notification { method: String },
    Response { id: Value },
}

fn read(mut stream: impl Read, decoder: &mut Decoder) -> Result<Vec<Message>, Box<dyn Error>> {
    let mut messages = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let len = stream.read(&mut piece)?;
        if len == 0 {
            return Ok(messages);
        }
        let mut events = decoder.feed(&piece[..len]);
        while let Some(event) = events.next_event()? {
            // The first event has only an id, from which the stream can be resumed.
            if !event.data().is_empty() {
                messages.push(event.json()?);
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut decoder = Decoder::new();
    println!("{:#?}", read(std::io::stdin(), &mut decoder)?);
    println!("resume with Last-Event-ID: {}", decoder.last_event_id());
    println!("after: {:?}", decoder.reconnection_time());
    Ok(())
}

#[test]
fn all_kinds_of_messages_are_read() {
    let mut decoder = Decoder::new();
    let stream = include_bytes!("streams/mcp.sse");
    let messages = read(&stream[..], &mut decoder).expect("JSON");
    let notification = |method: &str| Message::Notification {
        method: method.to_owned(),
    };
    let request = Message::Request {
        id: "s-1".into(),
        method: "sampling/createMessage".to_owned(),
    };
    assert_eq!(
        messages,
        [
            notification("notifications/progress"),
            notification("notifications/message"),
            request,
            Message::Response { id: 7.into() },
        ]
    );
    assert_eq!(decoder.last_event_id(), "3f1c-4");
    let reconnection_time = std::time::Duration::from_secs(2);
    assert_eq!(decoder.reconnection_time(), Some(reconnection_time));
}
