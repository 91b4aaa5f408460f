//! Server-Sent Events (`text/event-stream`, WHATWG HTML § 9.2) as bytes, in both directions.
//!
//! This crate does no I/O, reads no clock and starts nothing: you bring the bytes and the buffer.
//! Connections, HTTP, keep-alive timing, reconnecting and back-pressure belong to other layers.
//!
//! ```
//! use sse_codec::{Decoder, Encoder, Event};
//!
//! let mut bytes = Vec::new();
//! let event = Event::new().event("greeting").id("42").data("hello\nworld");
//! Encoder::new().encode(&event, &mut bytes)?;
//! assert_eq!(bytes, b"event: greeting\nid: 42\ndata: hello\ndata: world\n\n");
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
//! * [`Event`] and [`Encoder`]: what can be sent, into a growable buffer of yours, all or nothing.
//! * [`Frame`]: an event encoded once, cheap to clone, for many streams.
//! * [`Decoder`]: a stream in pieces of any size, read to the letter of the standard. Its events
//!   are borrowed; [`ReceivedEvent`] is one that is kept.
//! * `Typed`: serde enums as events, and back. `EventStream`: the events of a response body.
//!
//! # What is promised
//!
//! * **Nothing can be injected, nothing panics.** Line breaks in data and comments start a new line
//!   of the same field; in an event name or id they are an [`EncodeError`], and nothing is written.
//! * **Everything has a bound**: a line, an event, and so the memory of a decoder.
//! * **No hidden allocation**: encoding text or JSON into a buffer with room allocates nothing,
//!   decoding nothing once its buffers have grown, and an event that is kept is one allocation, or
//!   none if it is short.
//! * **What was sent comes back**, however it is cut, and what was received can be sent on.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `std` | through `json` | the standard library; without it the crate is `no_std` with `alloc` |
//! | `json` | yes | JSON data, and serde enums as events |
//! | `simd` | yes | decoding with vector instructions, by way of `wide` and `simdutf8` |
//! | `stream` | no | `EventStream`: the events of any `Stream` of byte chunks |
//! | `tokio-util` | no | the codec traits, for `FramedRead` and `FramedWrite` |

#![no_std]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod decoder;
mod encoder;
#[cfg(feature = "json")]
mod json;
mod line_ends;
mod received;
mod simd;
#[cfg(feature = "json")]
mod typed;
#[cfg(any(feature = "stream", feature = "tokio-util"))]
mod wrappers;

pub use crate::decoder::{DecodeError, Decoder, Events, Item};
pub use crate::encoder::{
    Buffer, Data, DataWriter, Display, Encode, EncodeError, Encoder, Event, Field, Frame, NoData,
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
