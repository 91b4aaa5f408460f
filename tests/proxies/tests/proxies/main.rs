//! What reverse proxies do to the streams of the adapters.
//!
//! Each proxy has one file in [`behind`], with its configuration and with what is expected of it: as
//! installed, and with the lines that the chapter `proxies` of the guide gives. The cases are written
//! once, and run for every proxy, over HTTP/1.1 and HTTP/2.
//!
//! `cargo xtask proxies [NAME…]` installs the proxies and runs these tests.

#![cfg(unix)]

mod adapters;
mod behind;
mod cases;
mod chapter;
mod child;
mod client;
mod expected;
mod nginx;
mod proxy;
mod running;
mod upstream;
