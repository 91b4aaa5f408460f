//! What every command returns.

/// The result of a command. An error is shown to the user and not looked at otherwise.
pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
