//! The result of commands and steps.

/// The result of a command or step. Errors are only shown.
pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
