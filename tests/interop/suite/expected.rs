//! What a client's user should see in each case.
//!
//! A line is an event, `TYPE DATA #ID`, or a note of the driver: `reconnects` and `closed` for an
//! `EventSource`, `end` and `error NAME` for a client that returns, `line TEXT` for one that reads lines,
//! `text TEXT` for what an API's client makes of an event, `silence` for a client that waits for ever. The
//! last line is what the server was asked for: the last event ID, or `-`, request by request.

use crate::client::Kind;

const ONE: &str = r#"message {"text":"one"} #1"#;
const TWO: &str = r#"message {"text":"two"} #2"#;
const LAST: &str = "message last #9";
const RETRY_LINE: &str = "line retry: 100";
const ONE_LINE: &str = r#"line data: {"text":"one"}"#;
const RECONNECTS: &str = "reconnects";

/// Returns what the user of a client of this kind should see.
pub(crate) fn expected(kind: Kind, case: &str) -> Vec<String> {
    let lines: &[&str] = match case {
        "events" => events(kind),
        "cut" | "cut-after-id" | "failure" => cut(kind, case),
        "shutdown" | "shutdown-with-retry" => shutdown(kind, case),
        "stop-after-end" | "stop-after-cut" => &[ONE, RECONNECTS, "closed", "asked -, 204"],
        "silent-start" => silent_start(kind),
        "compressed" => compressed(kind),
        "failure-event" => failure_event(kind),
        "hub" => hub(kind),
        "hub-without-an-event" => hub_without_an_event(kind),
        "hub-with-an-event" => hub_with_an_event(kind),
        _ => panic!("there is no case {case}"),
    };
    let lines = lines
        .iter()
        .filter(|line| **line != RECONNECTS || matches!(kind, Kind::EventSource { reports: true }));
    let [incomplete, failed] = errors(kind);
    let named = |line: &&str| {
        line.replace("INCOMPLETE", incomplete)
            .replace("FAILED", failed)
    };
    lines.map(named).collect()
}

/// Returns the errors of an incomplete response and of an event that says that the server has failed.
fn errors(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::EventSource { .. } => ["", ""],
        Kind::Reader(incomplete) | Kind::Lines(incomplete) => [incomplete, ""],
        Kind::Api {
            incomplete, failed, ..
        } => [incomplete, failed],
    }
}

fn events(kind: Kind) -> &'static [&'static str] {
    const UNICODE: &str = r#"message {"text":"Grüße, 世界 😀"} #1"#;
    const SEPARATORS: &str = r#"message {"text":"a\u2028b\u2029c\u0085d"} #2"#;
    const UPDATE: &str = "update two\nlines #3";
    match kind {
        Kind::EventSource { .. } => &[UNICODE, SEPARATORS, UPDATE, LAST, "asked -"],
        Kind::Reader(_) => &[UNICODE, SEPARATORS, UPDATE, LAST, "end", "asked -"],
        Kind::Lines(_) => &[
            RETRY_LINE,
            r#"line data: {"text":"Grüße, 世界 😀"}"#,
            "line id: 1",
            r#"line data: {"text":"a\u2028b\u2029c\u0085d"}"#,
            "line id: 2",
            "line event: update",
            "line data: two",
            "line data: lines",
            "line id: 3",
            "line data: last",
            "line id: 9",
            "end",
            "asked -",
        ],
        Kind::Api { .. } => &[
            "text Grüße, 世界 😀",
            "text a\u{2028}b\u{2029}c\u{85}d",
            "text stop",
            "end",
            "asked -",
        ],
    }
}

fn compressed(kind: Kind) -> &'static [&'static str] {
    const FIRST: &str = r#"message {"text":"first, and first again, and first again, and first again, and then"} #1"#;
    const SECOND: &str = r#"message {"text":"second, and first again, and first again, and first again, and end"} #2"#;
    match kind {
        Kind::EventSource { .. } => &[FIRST, SECOND, LAST, "asked - gzip"],
        Kind::Reader(_) => &[FIRST, SECOND, LAST, "end", "asked - gzip"],
        Kind::Lines(_) => &[
            r#"line data: {"text":"first, and first again, and first again, and first again, and then"}"#,
            "line id: 1",
            r#"line data: {"text":"second, and first again, and first again, and first again, and end"}"#,
            "line id: 2",
            "line data: last",
            "line id: 9",
            "end",
            "asked - gzip",
        ],
        Kind::Api { .. } => &[
            "text first, and first again, and first again, and first again, and then",
            "text second, and first again, and first again, and first again, and end",
            "text stop",
            "end",
            "asked - gzip",
        ],
    }
}

fn silent_start(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::EventSource { .. } => &[ONE, LAST, "asked -"],
        Kind::Reader(_) => &[ONE, LAST, "end", "asked -"],
        Kind::Lines(_) => &[
            ONE_LINE,
            "line id: 1",
            "line data: last",
            "line id: 9",
            "end",
            "asked -",
        ],
        Kind::Api { .. } => &["text one", "text stop", "end", "asked -"],
    }
}

fn cut(kind: Kind, case: &str) -> &'static [&'static str] {
    match (kind, case) {
        (Kind::EventSource { .. }, _) => &[ONE, RECONNECTS, TWO, LAST, "asked -, 1"],
        (Kind::Reader(_), _) => &[ONE, "error INCOMPLETE", "asked -"],
        // What is a line may be an unfinished event.
        (Kind::Lines(_), "cut-after-id") => &[
            RETRY_LINE,
            ONE_LINE,
            "line id: 1",
            r#"line data: {"text":"two"}"#,
            "line id: 2",
            "error INCOMPLETE",
            "asked -",
        ],
        (Kind::Lines(_), _) => &[
            RETRY_LINE,
            ONE_LINE,
            "line id: 1",
            "error INCOMPLETE",
            "asked -",
        ],
        (Kind::Api { shape: "mcp", .. }, _) => {
            &["text one", "text two", "text stop", "end", "asked -, 1"]
        }
        (Kind::Api { .. }, _) => &["text one", "error INCOMPLETE", "asked -"],
    }
}

fn failure_event(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::EventSource { .. } => &[
            ONE,
            "failed try again #1",
            RECONNECTS,
            TWO,
            LAST,
            "asked -, 1",
        ],
        Kind::Reader(_) => &[ONE, "failed try again #1", "error INCOMPLETE", "asked -"],
        Kind::Lines(_) => &[
            RETRY_LINE,
            ONE_LINE,
            "line id: 1",
            "line event: failed",
            "line data: try again",
            "error INCOMPLETE",
            "asked -",
        ],
        // An error of the API.
        Kind::Api { .. } => &["text one", "error FAILED", "asked -"],
    }
}

fn shutdown(kind: Kind, case: &str) -> &'static [&'static str] {
    match (kind, case) {
        (Kind::EventSource { .. } | Kind::Api { shape: "mcp", .. }, _) => cut(kind, case),
        (Kind::Reader(_), _) => &[ONE, "end", "asked -"],
        (Kind::Lines(_), "shutdown-with-retry") => {
            &[ONE_LINE, "line id: 1", RETRY_LINE, "end", "asked -"]
        }
        (Kind::Lines(_), _) => &[RETRY_LINE, ONE_LINE, "line id: 1", "end", "asked -"],
        (Kind::Api { .. }, _) => &["text one", "end", "asked -"],
    }
}

fn hub(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::EventSource { .. } => &[
            ONE,
            TWO,
            RECONNECTS,
            r#"message {"text":"three"} #3"#,
            "message last #4",
            "asked -, 2",
        ],
        _ => &[ONE, TWO, "error INCOMPLETE", "asked -"],
    }
}

/// The id from before the first event, 0, is kept.
fn hub_without_an_event(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::EventSource { .. } => &[RECONNECTS, ONE, "message last #2", "asked -, 0"],
        _ => &["error INCOMPLETE", "asked -"],
    }
}

/// The id of the event with which the subscription begins is kept. The resumed one begins with another text for
/// the same position.
fn hub_with_an_event(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::EventSource { .. } => &[
            "position {} #1",
            RECONNECTS,
            "position {} #2",
            r#"message {"text":"one"} #3"#,
            "message last #4",
            "asked -, 1",
        ],
        _ => &["position {} #1", "error INCOMPLETE", "asked -"],
    }
}
