//! The code in the READMEs, compiled and run as documentation tests.

#[doc = include_str!("../README.md")]
mod workspace {}
#[doc = include_str!("../sse-codec/README.md")]
mod sse_codec {}
#[doc = include_str!("../sse-session/README.md")]
mod sse_session {}
#[doc = include_str!("../sse-hyper/README.md")]
mod sse_hyper {}
#[doc = include_str!("../sse-actix/README.md")]
mod sse_actix {}
#[doc = include_str!("../sse-tokio-tcp/README.md")]
mod sse_tokio_tcp {}
#[doc = include_str!("../sse-hub/README.md")]
mod sse_hub {}
#[doc = include_str!("../sse-eventsource/README.md")]
mod sse_eventsource {}
