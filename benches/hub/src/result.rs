//! The result of what can fail here.

/// The result of a run. An error ends the program.
pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
