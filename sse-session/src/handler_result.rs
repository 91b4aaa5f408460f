//! What a handler may return.

use crate::error::{BoxError, SendError};

/// What a handler may return: `()`, or a `Result` whose error ends the stream.
///
/// An error cuts the stream (the client sees that it is not complete) and is logged. The one
/// exception is [`SendError::Closed`]: a stream that has ended already is no failure, so that a
/// handler can use `?` on every send.
pub trait IntoHandlerResult {
    /// The outcome as a result.
    ///
    /// # Errors
    ///
    /// The handler's own error.
    fn into_result(self) -> Result<(), BoxError>;
}

impl IntoHandlerResult for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> IntoHandlerResult for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        match self.map_err(Into::into) {
            Err(error) if matches!(error.downcast_ref(), Some(SendError::Closed)) => Ok(()),
            result => result,
        }
    }
}
