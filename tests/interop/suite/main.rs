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
mod client;
mod clients;
mod driver;
mod expected;
mod files;
mod installed;
mod mcp;
mod runtimes;
mod server;
mod shape;
mod site;

/// Defines the test of each client, in a module with the name of the client.
macro_rules! clients {
    ($($name:ident: $client:ident,)*) => {
        $(
            mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sees_what_it_should_except_where_listed() {
                    crate::client::check(&crate::clients::$client).await;
                }
            }
        )*
    };
}

clients! {
    npm_eventsource: EVENTSOURCE,
    pypi_httpx_sse: HTTPX_SSE,
}
