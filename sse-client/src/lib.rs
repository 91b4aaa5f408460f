//! A reconnecting `EventSource` (WHATWG HTML § 9.2) as a `Stream`: for streams between services
//! and for the APIs of language models, over any HTTP client.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attempt;
mod backoff;
mod builder;
mod error;
mod event_source;
#[cfg(feature = "client")]
mod http_client;
mod idle;
mod open;
mod redirect;
mod rejected;
mod settings;
mod transport;
#[cfg(feature = "json")]
mod typed;
mod update;

pub use crate::backoff::Backoff;
pub use crate::builder::Builder;
pub use crate::error::{BoxError, BuildError, Error, RedirectError};
pub use crate::event_source::EventSource;
#[cfg(feature = "client")]
pub use crate::http_client::{ClientBody, HttpClient};
pub use crate::rejected::Rejected;
pub use crate::settings::Reconnect;
#[cfg(feature = "json")]
pub use crate::typed::TypedEvents;
pub use crate::update::{ReadyState, Update, Updates};

pub use sse_codec::{DecodeError, ReceivedEvent};
#[cfg(feature = "json")]
pub use sse_codec::{JsonError, TypedError};
