//! The clients, and what each of them cannot do.

use crate::client::{Client, Kind, Runtime};

pub(crate) const EVENTSOURCE: Client = Client {
    runtime: Runtime::Node,
    driver: "eventsource",
    kind: Kind::EventSource,
    exceptions: &[],
};

pub(crate) const HTTPX_SSE: Client = Client {
    runtime: Runtime::Python,
    driver: "httpx_sse",
    kind: Kind::Reader,
    exceptions: &[],
};
