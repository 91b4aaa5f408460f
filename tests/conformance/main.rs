//! One suite for all transports: each case is written once and runs against all of them.
//!
//! `transports` starts a real server for each adapter on a free port of the loopback interface and
//! states how the adapters differ. `client` is an HTTP/1 client that exposes the bytes. `cases`
//! holds the cases, by topic. Case `c` of topic `t` becomes the tests `cases::t::hyper::c`,
//! `cases::t::actix::c`, `cases::t::actix_bounded::c` and `cases::t::tcp::c`.

mod cases;
mod client;
mod gunzip;
mod handlers;
mod own_process;
mod transports;
