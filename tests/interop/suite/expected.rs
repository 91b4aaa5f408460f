//! What a client's user should see in each case.
//!
//! A line is an event, `TYPE DATA #ID`, or a note of the driver: `reconnects` and `closed` for an
//! `EventSource`, `end` and `error NAME` for a client that returns, `text TEXT` for what an API's client
//! makes of an event, `silence` for a client that waits for ever. The last line says what the server was
//! asked for: the last event ID, or `-`, request by request.

use crate::client::Kind;

const UNICODE: &str = r#"message {"text":"Grüße, 世界 😀"} #1"#;
const SEPARATORS: &str = r#"message {"text":"a\u2028b\u2029c\u0085d"} #2"#;

/// Returns what the user of a client of this kind should see.
pub(crate) fn expected(kind: Kind, case: &str) -> &'static [&'static str] {
    match (kind, case) {
        (Kind::EventSource, "events") => &[
            UNICODE,
            SEPARATORS,
            "update two\nlines #3",
            "message last #9",
            "asked -",
        ],
        (Kind::EventSource, "cut" | "cut-after-id" | "failure" | "shutdown") => &[
            r#"message {"text":"one"} #1"#,
            "reconnects",
            r#"message {"text":"two"} #2"#,
            "message last #9",
            "asked -, 1",
        ],
        (Kind::EventSource, "stop-after-end" | "stop-after-cut") => &[
            r#"message {"text":"one"} #1"#,
            "reconnects",
            "closed",
            "asked -, 204",
        ],
        (Kind::Reader, "events") => &[
            UNICODE,
            SEPARATORS,
            "update two\nlines #3",
            "message last #9",
            "end",
            "asked -",
        ],
        (Kind::Reader, "cut" | "cut-after-id" | "failure") => {
            &[r#"message {"text":"one"} #1"#, "error", "asked -"]
        }
        (Kind::Reader, "shutdown") => &[r#"message {"text":"one"} #1"#, "end", "asked -"],
        (Kind::Api(_), "events") => &[
            "text Grüße, 世界 😀",
            "text a\u{2028}b\u{2029}c\u{85}d",
            "text last",
            "end",
            "asked -",
        ],
        (Kind::Api(_), "cut" | "cut-after-id" | "failure") => &["text one", "error", "asked -"],
        (Kind::Api(_), "shutdown") => &["text one", "end", "asked -"],
        (kind, case) => panic!("{kind:?} has no case {case}"),
    }
}
