//! The response in axum, tower, tonic, warp, salvo, xitca-web, poem and rocket: there is no code here
//! but that of their routes.
//!
//! `response` is what [`sse_response`](crate::sse_response) and the functions like it return, an
//! `http::Response<SseBody>`:
//!
#![doc = include_str!("table.md")]
//!
//! A response that is cut lacks the last chunk over HTTP/1.1. poem and rocket send the last chunk
//! although the body has failed, so there only an event can tell clients that the handler failed:
//! [`SseOptions::failure_event`](crate::SseOptions::failure_event). A write is an event or a
//! keep-alive, so that where a client that leaves is not noticed at once,
//! [`SseOptions::keep_alive`](crate::SseOptions::keep_alive) says when the handler is dropped.
//!
//! ntex has HTTP types of its own and is not supported.
//!
//! In the routes below, `events` is the handler:
//!
//! ```
//! use sse_hyper::{RequestHead, SendError, Sse};
//!
//! async fn events(_request: impl RequestHead, sse: Sse) -> Result<(), SendError> {
//!     sse.send("hello").await
//! }
//! ```
//!
//! A route that passes the headers alone does not see the last event ID of a client that sends it in
//! the query. Where that matters, pass an `http::Request` that has the URI too.
//!
//! Tests of the project compile and run these lines over a real connection, and check the two last
//! columns of the table.
//!
//! # axum 0.8
//!
//! ```ignore
#![doc = include_str!("axum.rs")]
//! ```
//!
//! # tower 0.5
//!
//! ```ignore
#![doc = include_str!("tower.rs")]
//! ```
//!
//! # tonic 0.14
//!
//! ```ignore
#![doc = include_str!("tonic.rs")]
//! ```
//!
//! # warp 0.4
//!
//! With its feature `server`.
//!
//! ```ignore
#![doc = include_str!("warp.rs")]
//! ```
//!
//! # salvo 1.1
//!
//! ```ignore
#![doc = include_str!("salvo.rs")]
//! ```
//!
//! # xitca-web 0.8
//!
//! ```ignore
#![doc = include_str!("xitca_web.rs")]
//! ```
//!
//! # poem 3
//!
//! ```ignore
#![doc = include_str!("poem.rs")]
//! ```
//!
//! # rocket 0.5
//!
//! With the crates `http` 1 and `tokio-util`, and its feature `io`.
//!
//! ```ignore
#![doc = include_str!("rocket.rs")]
//! ```
