//! The service as the public contract tests use it: everything that they ask of an implementation,
//! and of a service, asked here in our own way.
//!
//! `harness` is the other side: it starts the program, serves the streams and takes the messages.
//! Each other module is a topic.

mod byte_order_mark;
mod comments;
mod harness;
mod http;
mod line_ends;
mod parsing;
mod reconnecting;
mod service;
