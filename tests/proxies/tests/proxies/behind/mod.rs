//! The proxies: each with its configuration, and with what is expected of it.

mod apache;
mod caddy;
mod envoy;
mod h2o;
mod haproxy;
mod lighttpd;
mod nghttpx;
mod nginx;
mod traefik;
mod varnish;

/// Returns the content of a file of the guide.
macro_rules! lines {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../sse-session/src/guide/proxies/",
            $name
        ))
    };
}
use lines;
