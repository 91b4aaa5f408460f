//! The decoder and the encoder as what other crates expect: a `Stream`, a codec of `tokio-util`.
//!
//! They add nothing to what is decoded; whatever they cannot express (comments, borrowed events)
//! is had from the decoder itself.

#[cfg(feature = "tokio-util")]
mod codec;
mod error;
#[cfg(feature = "stream")]
mod stream;

#[cfg(feature = "tokio-util")]
pub use self::error::SinkError;
pub use self::error::StreamError;
#[cfg(feature = "stream")]
pub use self::stream::EventStream;
