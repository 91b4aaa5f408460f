//! The result of commands and steps.

/// The result of a command or step. Errors are only shown.
pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Returns an error with all complaints of a check, if there are any.
pub(crate) fn no_complaints(complaints: &[String]) -> Result {
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n").into())
    }
}
