//! Caddy.

use crate::expected::{Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(CADDY);

static CADDY: Proxy = Proxy {
    program: Program::PyPi("caddy", "bin/caddy"),
    is_cleartext: false,
    launch,
    installed: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: None,
        whole: None,
        failed: Failed::all(both(End::Cut)),
        killed: both(End::Cut),
        down: both(Down::Status(502)),
        leaves: LEAVES,
    },
    advised: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: None,
        whole: None,
        failed: Failed::all(both(End::Cut)),
        killed: both(End::Cut),
        down: both(Down::EventStream),
        leaves: LEAVES,
    },
    compressed: Some(Compressed::Not),
};

const LEAVES: Leaves = Leaves {
    closed: both(Noticed::AtOnce),
    reset: Noticed::AtOnce,
};

fn launch(place: &Place<'_>) -> Launch {
    let installed = format!("reverse_proxy {}\n", place.upstream);
    let site = place.choose(&installed, super::lines!("Caddyfile"));
    let site = place.with(Change::Compression, "encode gzip\n").to_owned() + &site;
    let (certificate, key) = (place.certificate(), place.key());
    let configuration = format!(
        "{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    storage file_system {}
    default_bind 127.0.0.1
    servers {{
        protocols h1 h2
    }}
}}
http://:{} {{
{site}}}
https://localhost:{} {{
tls {certificate} {key}
{site}}}
",
        place.file("storage"),
        place.http1.port(),
        place.http2.port(),
    );
    Launch::new("run --config Caddyfile --adapter caddyfile").file("Caddyfile", configuration)
}
