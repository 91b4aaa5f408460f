//! The clients, and what each of them cannot do.

use crate::client::{Client, Kind, Runtime};

/// Defines clients without exceptions.
macro_rules! new {
    ($($name:ident $runtime:ident $driver:literal $kind:expr;)*) => { $(
pub(crate) const $name: Client = Client {
    runtime: Runtime::$runtime,
    driver: $driver,
    kind: $kind,
    exceptions: &[],
}; )* }
}
new! {
EVENTSOURCE Node "eventsource" Kind::EventSource { reports: true };
UNDICI Node "undici" Kind::EventSource { reports: true };
LAUNCHDARKLY Node "launchdarkly-eventsource" Kind::EventSource { reports: false };
OPENAI Node "openai" Kind::Api("openai", "TypeError");
MCP Node "mcp" Kind::Api("mcp", "");
CHROMIUM Chromium "chromium" Kind::EventSource { reports: true };
POLYFILL Chromium "event-source-polyfill" Kind::EventSource { reports: true };
REACT Chromium "react-native-sse" Kind::EventSource { reports: false };
FETCH Chromium "fetch-event-source" Kind::EventSource { reports: true };
HTTPX_SSE Python "httpx_sse" Kind::Reader("RemoteProtocolError");
REQUESTS Python "requests_lines" Kind::Lines("ChunkedEncodingError");
AIOHTTP Python "aiohttp_sse" Kind::EventSource { reports: false };
LAUNCHDARKLY_PYTHON Python "launchdarkly" Kind::EventSource { reports: true };
OPENAI_PYTHON Python "openai_chat" Kind::Api("openai", "APIConnectionError");
HUGGINGFACE Python "huggingface_chat" Kind::Api("openai", "RemoteProtocolError");
MCP_PYTHON Python "mcp_tool" Kind::Api("mcp", "");
}
