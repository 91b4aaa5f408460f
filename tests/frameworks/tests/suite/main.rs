//! The responses of `sse-hyper` in the web frameworks that its documentation names, over real
//! sockets.
//!
//! The lines that a framework needs are those of the documentation: both include the same file. How
//! a framework is served and what it does to a stream is in the file of its name. What is checked is
//! the same for all of them, in `check.rs`.
//!
//! Frameworks that take long to compile need the feature `all`.

mod check;
mod client;
mod documentation;
mod script;

mod axum;
mod tower;
mod warp;

#[cfg(feature = "all")]
mod poem;
#[cfg(feature = "all")]
mod rocket;
#[cfg(feature = "all")]
mod salvo;
#[cfg(feature = "all")]
mod tonic;
#[cfg(feature = "all")]
mod xitca_web;

// The name that the documentation gives the application's handler.
use script::events;
