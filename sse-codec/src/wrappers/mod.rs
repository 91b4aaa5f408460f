//! The traits of other crates for the decoder and the encoder: `Stream`, and the codec traits of
//! `tokio-util`.
//!
//! The wrappers yield owned events only. Comments and borrowed events are available from the
//! decoder itself.

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
