//! Errors and futures whose types are erased.

use std::error::Error;
use std::pin::Pin;

/// An error of the HTTP stack, of a request body or of a hook.
pub type BoxError = Box<dyn Error + Send + Sync>;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
