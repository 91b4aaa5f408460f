//! The service as the public contract tests use it: tests for every subject of the suite.
//!
//! `harness` is the other side: it starts the program, serves the streams and receives the
//! messages. Each other module covers one subject.

mod byte_order_mark;
mod comments;
mod harness;
mod http;
mod line_ends;
mod parsing;
mod reconnecting;
mod service;
