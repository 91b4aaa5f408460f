//! haproxy.

use crate::expected::{
    Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both, each,
};
use crate::proxy::{Change, Launch, Place, Program, Proxy, replace};

crate::cases::on!(HAPROXY);

static HAPROXY: Proxy = Proxy {
    program: Program::Debian("haproxy"),
    is_cleartext: false,
    launch,
    installed: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(each(End::Cut, End::Clean)),
        whole: None,
        failed: Failed::all(each(End::Cut, End::Clean)),
        killed: each(End::Cut, End::Clean),
        down: both(Down::Status(503)),
        leaves: Leaves {
            closed: both(Noticed::AtWrite(2, 2)),
            reset: Noticed::AtOnce,
        },
    },
    advised: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(each(End::Cut, End::Clean)),
        whole: None,
        failed: Failed::all(each(End::Cut, End::Clean)),
        killed: each(End::Cut, End::Clean),
        down: both(Down::EventStream),
        leaves: Leaves {
            closed: both(Noticed::AtOnce),
            reset: Noticed::AtOnce,
        },
    },
    compressed: Some(Compressed::Not),
};

fn launch(place: &Place<'_>) -> Launch {
    let installed = format!("backend events\n    server app {}\n", place.upstream);
    let advised = super::lines!("haproxy.cfg");
    let again = place.file("again.http");
    let advised = replace(advised, "/etc/haproxy/again.http", &again);
    let backend = place.choose(&installed, &advised);
    let limit = if place.change == Change::Silence {
        2
    } else {
        50
    };
    let compression = place.with(
        Change::Compression,
        "    compression algo gzip\n    compression type text/event-stream\n",
    );
    let (http1, http2, both) = (place.http1, place.http2, place.both());
    let configuration = format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client {limit}s
    timeout server {limit}s
{backend}frontend all
{compression}    bind {http1}
    bind {http2} ssl crt {both} alpn h2,http/1.1
    default_backend events
"
    );
    Launch::new("-db -f haproxy.cfg")
        .file("haproxy.cfg", configuration)
        .file("again.http", super::lines!("again.http"))
}
