//! An encoder and a decoder for Server-Sent Events (`text/event-stream`, WHATWG HTML § 9.2).
//!
//! This crate does no I/O, reads no clock and spawns nothing. The caller provides the bytes and the
//! buffer. Connections, HTTP, keep-alive, reconnection and back-pressure are left to other crates.
//!
//! ```
//! use sse_codec::{Decoder, Encoder, Event};
//!
//! let mut bytes = Vec::new();
//! let event = Event::new().event("greeting").id("42").data("hello\nworld");
//! Encoder::new().encode(&event, &mut bytes)?;
//! assert_eq!(bytes, b"event: greeting\ndata: hello\ndata: world\nid: 42\n\n");
//!
//! let mut decoder = Decoder::new();
//! for chunk in bytes.chunks(16) {
//!     let mut events = decoder.feed(chunk);
//!     while let Some(event) = events.next_event()? {
//!         assert_eq!(event.data(), "hello\nworld");
//!     }
//! }
//! assert_eq!(decoder.last_event_id(), "42");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In scope
//!
//! * [`Event`] and [`Encoder`] write an event into a growable buffer, all of it or nothing.
//! * [`Frame`] is an encoded event, cheap to clone, for many streams. [`EncodedEvents`] are bytes that
//!   are whole events.
//! * [`Decoder`] reads a stream from chunks of any length, exactly as the standard defines. Its
//!   events are borrowed; [`ReceivedEvent`] is an owned one.
//! * `Typed` maps serde enums to events and back. `EventStream` yields the events of a response
//!   body.
//!
//! # Guarantees
//!
//! * **No injection and no panic.** A line break in data or in a comment begins a new line of the
//!   same field. In an event name or id it is an [`EncodeError`], and nothing is written.
//! * **Bounded memory**: lines and events have limits, and so do the buffers of a decoder.
//! * **No hidden allocation**: encoding text or JSON into a buffer with enough capacity allocates
//!   nothing. Decoding allocates nothing once the buffers have grown. An owned event is one
//!   allocation, or none if it is small.
//! * **Round trip**: an event that was sent is received unchanged, wherever the stream is cut, and an
//!   event that was received can be sent.
//!
//! # Features
//!
//! | feature | default | enables |
//! |---|---|---|
//! | `std` | through `json` | the standard library; without it the crate is `no_std` with `alloc` |
//! | `json` | yes | JSON data, and serde enums as events |
//! | `simd` | yes | decoding with vector instructions, through `wide` and `simdutf8` |
//! | `serde` | no | `Serialize` and `Deserialize` for [`ReceivedEvent`] |
//! | `stream` | no | `EventStream`, the events of a `Stream` of byte chunks |
//! | `tokio-util` | no | the codec traits of `tokio-util`, for `FramedRead` and `FramedWrite` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod decoder;
mod encoder;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json")]
mod json_escapes;
mod line_ends;
mod received;
mod simd;
#[cfg(feature = "json")]
mod typed;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
mod wrappers;

pub use crate::decoder::{DecodeError, Decoder, Events, Item};
pub use crate::encoder::{
    Buffer, Data, DataWriter, Display, Encode, EncodeError, EncodedEvents, Encoder, Event, Field,
    Frame, NoData,
};
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
/// The `futures-core` whose `Stream` is the source of [`EventStream`] and is implemented by it.
#[cfg(feature = "stream")]
pub use futures_core;
/// The `tokio-util` whose codec traits [`Decoder`] and [`Encoder`] implement.
#[cfg(feature = "tokio-util")]
pub use tokio_util;
