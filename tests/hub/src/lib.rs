//! What the tests of `sse-hub` share. Whatever goes wrong here panics, as the test has failed then.

pub mod client;
pub mod engine;
pub mod log;
pub mod reader;
pub mod served;
