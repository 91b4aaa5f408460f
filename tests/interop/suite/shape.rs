//! The shapes of events: plain ones, and those of APIs whose clients read nothing else.

use serde_json::{Value, json};
use sse_session::{Event, Frame};

/// The data of the event after which a client that reconnects is closed.
pub(crate) const LAST: &str = "last";

/// What one text is as an event.
#[derive(Debug)]
pub(crate) enum Shape {
    /// `{"text": "..."}`, and text at the end.
    Plain,
    /// A chunk of OpenAI's chat completions.
    OpenAi,
    /// A log message in the response to a request of the Model Context Protocol with this id.
    Mcp(Value),
}

impl Shape {
    /// Returns the event with this id and text.
    pub(crate) fn event(&self, id: usize, text: &str) -> Frame {
        frame(id, &self.data(text))
    }

    /// Returns the data of the event with this text.
    pub(crate) fn data(&self, text: &str) -> Value {
        match self {
            Self::Plain => json!({ "text": text }),
            Self::OpenAi => chunk(json!({ "content": text }), Value::Null),
            Self::Mcp(_) => json!({
                "jsonrpc": "2.0",
                "method": "notifications/message",
                "params": { "level": "info", "data": text },
            }),
        }
    }

    /// Returns the event that says that the handler has failed.
    pub(crate) fn failure(&self) -> Frame {
        let event = match self {
            Self::Plain => Event::new().event("failed").data("try again").to_frame(),
            // The name and the data that OpenAI's clients take for an error.
            Self::OpenAi => {
                let error = json!({ "error": { "message": "try again", "type": "server_error" } });
                Event::new().event("error").json(error).to_frame()
            }
            Self::Mcp(request) => {
                let error = json!({ "code": -32603, "message": "try again" });
                let response = json!({ "jsonrpc": "2.0", "id": request, "error": error });
                Event::new().json(response).to_frame()
            }
        };
        event.expect("no line break in the name")
    }

    /// Returns the events at the end of a complete stream.
    pub(crate) fn ending(&self) -> Vec<Frame> {
        match self {
            Self::Plain => vec![text("9", LAST)],
            Self::OpenAi => vec![
                frame(9, &chunk(json!({}), json!("stop"))),
                text("10", "[DONE]"),
            ],
            Self::Mcp(request) => {
                let result = json!({ "content": [{ "type": "text", "text": "stop" }] });
                vec![frame(
                    9,
                    &json!({ "jsonrpc": "2.0", "id": request, "result": result }),
                )]
            }
        }
    }
}

fn frame(id: usize, data: &Value) -> Frame {
    Frame::new(Event::new().id(id.to_string()).json(data)).expect("JSON and a number")
}

fn text(id: &str, data: &str) -> Frame {
    Frame::new(Event::new().id(id).data(data)).expect("no line break in the id")
}

fn chunk(delta: Value, finish_reason: Value) -> Value {
    json!({
        "id": "completion",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "model",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    })
}
