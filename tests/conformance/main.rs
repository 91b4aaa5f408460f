//! One suite, three transports: each case is written once and runs against all of them.
//!
//! `transports` starts a real server per adapter on a free port of the loopback interface and
//! says in what they differ; `client` speaks plain HTTP/1 to them, so that it sees the bytes; and
//! `cases` holds what must be true, by topic. Case `c` of topic `t` gives the tests
//! `cases::t::hyper::c`, `cases::t::actix::c` and `cases::t::tcp::c`.

mod alone;
mod cases;
mod client;
mod handlers;
mod transports;
