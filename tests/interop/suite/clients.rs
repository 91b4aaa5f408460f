//! The clients, and what each of them cannot do.
//!
//! Their versions are those of `node/package-lock.json` and `python/requirements.txt`.

use crate::client::{Client, Exception, Kind, Runtime};

/// The usual events.
const ONE: &str = r#"message {"text":"one"} #1"#;
const TWO: &str = r#"message {"text":"two"} #2"#;
const LAST: &str = "message last #9";
const LONG_ONE: &str =
    r#"message {"text":"first, and first again, and first again, and first again, and then"} #1"#;
const LONG_TWO: &str =
    r#"message {"text":"second, and first again, and first again, and first again, and end"} #2"#;

/// A client that does everything.
const EVENT_SOURCE: Client = Client {
    runtime: Runtime::Node,
    driver: "",
    kind: Kind::EventSource { reports: true },
    exceptions: &[],
};

pub(crate) const CHROMIUM: Client = Client {
    runtime: Runtime::Chromium,
    driver: "chromium",
    ..EVENT_SOURCE
};

pub(crate) const EVENTSOURCE: Client = Client {
    driver: "eventsource",
    ..EVENT_SOURCE
};

pub(crate) const UNDICI: Client = Client {
    driver: "undici",
    ..EVENT_SOURCE
};

pub(crate) const LAUNCHDARKLY_EVENTSOURCE: Client = Client {
    driver: "launchdarkly-eventsource",
    kind: Kind::EventSource { reports: false },
    exceptions: &[
        Exception {
            cases: &["compressed"],
            reason: "it does not ask for compression",
            sees: &[LONG_ONE, LONG_TWO, LAST, "asked -"],
        },
        Exception {
            cases: &["stop-after-end", "stop-after-cut"],
            reason: "after 204 it does not ask again, but reports `readyState` 0, not that it is closed",
            sees: &[ONE, "reconnects", "silence", "asked -, 204"],
        },
        Exception {
            cases: &["hub-without-an-event"],
            reason: "it keeps an id only with an event, so what came before the cut is lost",
            sees: &["message last #1", "asked -, -"],
        },
    ],
    ..EVENT_SOURCE
};

pub(crate) const EVENT_SOURCE_POLYFILL: Client = Client {
    runtime: Runtime::Chromium,
    driver: "event-source-polyfill",
    exceptions: &[Exception {
        cases: &["hub-without-an-event"],
        reason: "it keeps an id only with an event, so what came before the cut is lost",
        sees: &["reconnects", "message last #1", "asked -, -"],
    }],
    ..EVENT_SOURCE
};

pub(crate) const FETCH_EVENT_SOURCE: Client = Client {
    runtime: Runtime::Chromium,
    driver: "fetch-event-source",
    exceptions: &[
        Exception {
            cases: &["cut-after-id"],
            reason: "it takes an id when the line arrives, so the event that is cut off after that is lost",
            sees: &[ONE, "reconnects", LAST, "asked -, 2"],
        },
        Exception {
            cases: &["failure-event"],
            reason: "it reports the id of the event itself, not the last one",
            sees: &[
                ONE,
                "failed try again #",
                "reconnects",
                TWO,
                LAST,
                "asked -, 1",
            ],
        },
        Exception {
            cases: &["shutdown", "stop-after-end"],
            reason: "it does not come back after a complete response",
            sees: &[ONE, "end", "asked -"],
        },
        Exception {
            cases: &["shutdown-with-retry"],
            reason: "the same, and any block is a message",
            sees: &[ONE, "message  #", "end", "asked -"],
        },
        Exception {
            cases: &["stop-after-cut"],
            reason: "204 is an error to it, after which it asks again",
            sees: &[
                ONE,
                "reconnects",
                "reconnects",
                TWO,
                LAST,
                "asked -, 204, 1",
            ],
        },
        Exception {
            cases: &["hub"],
            reason: "any block is a message, and so is that with the id at the beginning",
            sees: &[
                "message  #1",
                r#"message {"text":"one"} #2"#,
                r#"message {"text":"two"} #3"#,
                "reconnects",
                "message  #4",
                r#"message {"text":"three"} #5"#,
                "message last #6",
                "asked -, 3",
            ],
        },
        Exception {
            cases: &["hub-without-an-event"],
            reason: "the same; the id is kept",
            sees: &[
                "message  #1",
                "reconnects",
                "message  #2",
                r#"message {"text":"one"} #3"#,
                "message last #4",
                "asked -, 1",
            ],
        },
    ],
    ..EVENT_SOURCE
};

pub(crate) const REACT_NATIVE_SSE: Client = Client {
    runtime: Runtime::Chromium,
    driver: "react-native-sse",
    kind: Kind::EventSource { reports: false },
    exceptions: &[
        Exception {
            cases: &["cut", "cut-after-id", "failure", "stop-after-cut"],
            reason: "it does not come back after an incomplete response",
            sees: &[ONE, "error", "silence", "asked -"],
        },
        Exception {
            cases: &["failure-event"],
            reason: "it does not come back after an incomplete response",
            sees: &[ONE, "failed try again #1", "error", "silence", "asked -"],
        },
        Exception {
            cases: &["hub"],
            reason: "it does not come back after an incomplete response",
            sees: &[ONE, TWO, "error", "silence", "asked -"],
        },
        Exception {
            cases: &["hub-without-an-event"],
            reason: "it does not come back after an incomplete response",
            sees: &["error", "silence", "asked -"],
        },
        Exception {
            cases: &["hub-with-an-event"],
            reason: "it does not come back after an incomplete response",
            sees: &["position {} #1", "error", "silence", "asked -"],
        },
        Exception {
            cases: &["stop-after-end"],
            reason: "204 is a complete response to it, after which it asks again",
            sees: &[ONE, TWO, LAST, "asked -, 204, 1"],
        },
    ],
};

pub(crate) const OPENAI: Client = Client {
    runtime: Runtime::Node,
    driver: "openai",
    kind: Kind::Api {
        shape: "openai",
        incomplete: "TypeError",
        failed: "Error",
    },
    exceptions: &[],
};

pub(crate) const MCP: Client = Client {
    runtime: Runtime::Node,
    driver: "mcp",
    kind: Kind::Api {
        shape: "mcp",
        incomplete: "",
        failed: "McpError",
    },
    exceptions: &[Exception {
        cases: &["failure-event"],
        reason: "it comes back after the cut, although it has got the answer to its request",
        sees: &["text one", "text two", "error McpError", "asked -, 1"],
    }],
};

pub(crate) const HTTPX_SSE: Client = Client {
    runtime: Runtime::Python,
    driver: "httpx_sse",
    kind: Kind::Reader("RemoteProtocolError"),
    exceptions: &[
        Exception {
            cases: &["shutdown-with-retry"],
            reason: "any block is a message as soon as there is an id",
            sees: &[ONE, "message  #1", "end", "asked -"],
        },
        Exception {
            cases: &["hub"],
            reason: "a block with an id is a message",
            sees: &[
                "message  #1",
                r#"message {"text":"one"} #2"#,
                r#"message {"text":"two"} #3"#,
                "error RemoteProtocolError",
                "asked -",
            ],
        },
        Exception {
            cases: &["hub-without-an-event"],
            reason: "a block with an id is a message",
            sees: &["message  #1", "error RemoteProtocolError", "asked -"],
        },
    ],
};

pub(crate) const REQUESTS: Client = Client {
    runtime: Runtime::Python,
    driver: "requests_lines",
    kind: Kind::Lines("ChunkedEncodingError"),
    exceptions: &[],
};

/// Debian's, in the version that is installed.
pub(crate) const CURL: Client = Client {
    runtime: Runtime::Python,
    driver: "curl_lines",
    kind: Kind::Lines("CurlError"),
    exceptions: &[],
};

pub(crate) const AIOHTTP_SSE_CLIENT2: Client = Client {
    runtime: Runtime::Python,
    driver: "aiohttp_sse",
    kind: Kind::EventSource { reports: false },
    exceptions: &[
        Exception {
            cases: &["cut", "cut-after-id", "failure", "stop-after-cut"],
            reason: "it does not come back after an incomplete response",
            sees: &[ONE, "error ClientPayloadError", "asked -"],
        },
        Exception {
            cases: &["failure-event"],
            reason: "it does not come back after an incomplete response",
            sees: &[
                ONE,
                "failed try again #1",
                "error ClientPayloadError",
                "asked -",
            ],
        },
        Exception {
            cases: &["hub"],
            reason: "it does not come back after an incomplete response",
            sees: &[ONE, TWO, "error ClientPayloadError", "asked -"],
        },
        Exception {
            cases: &["hub-without-an-event"],
            reason: "it does not come back after an incomplete response",
            sees: &["error ClientPayloadError", "asked -"],
        },
        Exception {
            cases: &["hub-with-an-event"],
            reason: "it does not come back after an incomplete response",
            sees: &["position {} #1", "error ClientPayloadError", "asked -"],
        },
        Exception {
            cases: &["stop-after-end"],
            reason: "it reports 204 as an error",
            sees: &[ONE, "error ConnectionAbortedError", "asked -, 204"],
        },
    ],
};

pub(crate) const LAUNCHDARKLY_EVENTSOURCE_PYTHON: Client = Client {
    runtime: Runtime::Python,
    driver: "launchdarkly",
    exceptions: &[
        Exception {
            cases: &["compressed"],
            reason: "it does not ask for compression",
            sees: &[LONG_ONE, LONG_TWO, LAST, "asked -"],
        },
        Exception {
            cases: &["stop-after-end", "stop-after-cut"],
            reason: "204 is an error to it, after which it asks again if it is set to continue",
            sees: &[
                ONE,
                "reconnects",
                "reconnects",
                TWO,
                LAST,
                "asked -, 204, 1",
            ],
        },
        Exception {
            cases: &["hub-without-an-event"],
            reason: "it keeps an id only with an event, so what came before the cut is lost",
            sees: &["reconnects", "message last #1", "asked -, -"],
        },
    ],
    ..EVENT_SOURCE
};

pub(crate) const OPENAI_PYTHON: Client = Client {
    runtime: Runtime::Python,
    driver: "openai_chat",
    kind: Kind::Api {
        shape: "openai",
        incomplete: "APIConnectionError",
        failed: "APIError",
    },
    exceptions: &[Exception {
        cases: &["shutdown-with-retry"],
        reason: "any block is a chunk of JSON as soon as there is an id",
        sees: &["text one", "error JSONDecodeError", "asked -"],
    }],
};

pub(crate) const HUGGINGFACE_HUB: Client = Client {
    runtime: Runtime::Python,
    driver: "huggingface_chat",
    kind: Kind::Api {
        shape: "openai",
        incomplete: "RemoteProtocolError",
        failed: "UnknownError",
    },
    exceptions: &[Exception {
        cases: &["cut-after-id"],
        reason: "a line with data is an event, finished or not",
        sees: &[
            "text one",
            "text two",
            "error RemoteProtocolError",
            "asked -",
        ],
    }],
};

pub(crate) const MCP_PYTHON: Client = Client {
    runtime: Runtime::Python,
    driver: "mcp_tool",
    kind: Kind::Api {
        shape: "mcp",
        incomplete: "",
        failed: "MCPError",
    },
    exceptions: &[],
};
