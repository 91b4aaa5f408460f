//! Real clients of other projects, in pinned versions, read the streams of all adapters.
//!
//! Each client has a driver in `node`, `browser` or `python`, which reads at the URLs that it is given
//! and prints what the client's user sees. [`expected`] is what that should be, and [`clients`] lists what
//! a client does instead, with the reason. A client that changes makes its test fail, for better or worse.
//!
//! [`runtimes`] tests what is between servers and clients during development, and in JavaScript.
//!
//! `cargo xtask interop` installs the clients and runs the tests.

mod cases;
mod check;
mod client;
mod clients;
mod driver;
mod expected;
mod files;
mod hub_cases;
mod installed;
mod mcp;
mod mcp_session;
mod page;
mod runtimes;
mod seen;
mod server;
mod shape;
mod site;
mod stream;

/// Defines the test of each client, in a module with the name of the client.
macro_rules! clients {
    ($($name:ident: $client:ident,)*) => {
        $(
            mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sees_what_it_should_except_where_listed() {
                    crate::check::check(&crate::clients::$client).await;
                }
            }
        )*
    };
}

clients! {
    chromium: CHROMIUM,
    curl: CURL,
    npm_event_source_polyfill: EVENT_SOURCE_POLYFILL,
    npm_eventsource: EVENTSOURCE,
    npm_fetch_event_source: FETCH_EVENT_SOURCE,
    npm_launchdarkly_eventsource: LAUNCHDARKLY_EVENTSOURCE,
    npm_mcp: MCP,
    npm_openai: OPENAI,
    npm_react_native_sse: REACT_NATIVE_SSE,
    npm_undici: UNDICI,
    pypi_aiohttp_sse_client2: AIOHTTP_SSE_CLIENT2,
    pypi_httpx_sse: HTTPX_SSE,
    pypi_huggingface_hub: HUGGINGFACE_HUB,
    pypi_launchdarkly_eventsource: LAUNCHDARKLY_EVENTSOURCE_PYTHON,
    pypi_mcp: MCP_PYTHON,
    pypi_openai: OPENAI_PYTHON,
    pypi_requests: REQUESTS,
}
