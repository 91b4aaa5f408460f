//! What a handler may return.

use crate::error::{BoxError, SendAllError, SendError, TrySendError};

/// What a handler may return: `()`, or a `Result` whose error ends the stream.
///
/// An error cuts the stream, so that the client sees that it is not complete, and is logged. So
/// does a panic. The exception is an error of a send that says that the stream has ended already,
/// such as [`SendError::Closed`]: that is no failure, so a handler can use `?` on every send.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    note = "a handler returns `()`, or a `Result<(), E>` whose error is `Into<BoxError>`"
)]
pub trait IntoHandlerResult {
    /// Returns the handler's result, without errors that are no failure.
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
            Err(error) if says_closed(&error) => Ok(()),
            result => result,
        }
    }
}

/// Whether a send returned this error because the stream had ended.
fn says_closed(error: &BoxError) -> bool {
    let all = error.downcast_ref::<SendAllError<SendError>>();
    let one = error.downcast_ref().or(all.map(SendAllError::error));
    let try_all = error.downcast_ref::<SendAllError<TrySendError>>();
    let try_one = error.downcast_ref().or(try_all.map(SendAllError::error));
    matches!(one, Some(SendError::Closed)) || matches!(try_one, Some(TrySendError::Closed))
}
