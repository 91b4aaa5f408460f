//! Server-Sent Events (`text/event-stream`, WHATWG HTML § 9.2) as bytes.
//!
//! This crate turns events into the bytes of an event stream. It does no I/O, reads no clock and
//! starts nothing: you bring the buffer, and what to do with it stays yours. The server adapters
//! (`sse-hyper`, `sse-actix`, `sse-tokio-tcp`) are built on it.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::BytesMut;
//! use sse_codec::{Encoder, Event};
//!
//! let event = Event::new()
//!     .retry(Duration::from_secs(2))
//!     .event("greeting")
//!     .id("42")
//!     .data("hello\nworld");
//!
//! let mut out = BytesMut::new();
//! Encoder::new().encode(&event, &mut out)?;
//! assert_eq!(out, "retry: 2000\nevent: greeting\nid: 42\ndata: hello\ndata: world\n\n");
//! # Ok::<(), sse_codec::EncodeError>(())
//! ```
//!
//! # In scope
//!
//! * [`Event`]: what can be sent, built without ever failing.
//! * [`Encoder`]: events into a growable buffer of yours, all or nothing.
//! * [`Frame`]: an event encoded once, cheap to clone, for many streams.
//!
//! # Out of scope
//!
//! Connections, HTTP, keep-alive timing and back-pressure belong to the layers above. Decoding a
//! stream is planned for this crate and not there yet.
//!
//! # What is promised
//!
//! * **Nothing can be injected.** Whatever the data, comment, name or id: the stream holds the
//!   fields that were asked for and no others. Line breaks in data and comments start a new line
//!   of the same field; in an event name or id they are an [`EncodeError`].
//! * **Nothing panics**, and an error writes nothing.
//! * **No hidden allocation**: encoding text or JSON into a buffer with room allocates nothing.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `std` | through `json` | the standard library; without it the crate is `no_std` with `alloc` |
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |

#![no_std]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod buffer;
mod data;
mod decoder;
mod encoder;
mod error;
mod event;
mod field;
mod frame;
mod item;
#[cfg(feature = "json")]
mod json;
mod line;
mod received;
#[cfg(feature = "json")]
mod typed;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
mod wrappers;

pub use crate::buffer::Buffer;
pub use crate::data::{Data, DataWriter, Display, NoData};
pub use crate::decoder::{DecodeError, Decoder, Events};
pub use crate::encoder::{Encode, Encoder};
pub use crate::error::EncodeError;
pub use crate::event::Event;
pub use crate::field::Field;
pub use crate::frame::Frame;
pub use crate::item::Item;
#[cfg(feature = "json")]
pub use crate::json::{Json, JsonError};
pub use crate::received::{EventRef, ReceivedEvent};
#[cfg(feature = "json")]
pub use crate::typed::{Typed, TypedError};
#[cfg(feature = "stream")]
pub use crate::wrappers::EventStream;
#[cfg(feature = "tokio-util")]
pub use crate::wrappers::SinkError;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
pub use crate::wrappers::StreamError;
