//! The events that are encoded.

use std::sync::LazyLock;

use serde::Serialize;

/// A kind of event.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// Data only.
    Text(String),
    /// A name, an id and data.
    Event(&'static str, &'static str, &'static str),
    /// Data as JSON.
    Json(Chunk),
}

/// A delta as language models stream it; about 200 bytes as JSON.
#[derive(Serialize)]
pub(crate) struct Chunk {
    id: &'static str,
    object: &'static str,
    created: u64,
    model: &'static str,
    choices: [Choice; 1],
}

#[derive(Serialize)]
struct Choice {
    index: u32,
    delta: Delta,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Delta {
    content: &'static str,
}

/// All cases, as the tables list them.
pub(crate) static CASES: LazyLock<[Case; 5]> = LazyLock::new(|| {
    let line = "All work and no play makes Jack a dull boy, said the server to the browser, ...!";
    [
        Case {
            name: "text-16",
            description: "16 bytes of text",
            content: Content::Text("sixteen bytes it".to_owned()),
        },
        Case {
            name: "event-id-data",
            description: "a name, an id and 60 bytes of data",
            content: Content::Event(
                "quote",
                "1234567",
                "{\"symbol\":\"ABCD\",\"bid\":10124,\"ask\":10125,\"venue\":\"XETRA\"}..",
            ),
        },
        Case {
            name: "json-200",
            description: "a struct, 200 bytes as JSON",
            content: Content::Json(Chunk {
                id: "chatcmpl-9qXkTzR4vW8sLmN2",
                object: "chat.completion.chunk",
                created: 1_720_000_000,
                model: "gpt-4o-2024-08-06",
                choices: [Choice {
                    index: 0,
                    delta: Delta {
                        content: " said \"hello\" to the",
                    },
                    finish_reason: None,
                }],
            }),
        },
        Case {
            name: "text-64k",
            description: "64 KiB of text in one line",
            content: Content::Text(line.repeat(820)[..64 << 10].to_owned()),
        },
        Case {
            name: "lines-20",
            description: "20 lines of 80 bytes",
            content: Content::Text([line; 20].join("\n")),
        },
    ]
});

impl Case {
    /// Returns the event's data.
    pub(crate) fn data(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Event(_, _, data) => (*data).to_owned(),
            Content::Json(value) => serde_json::to_string(value).expect("JSON"),
        }
    }
}
