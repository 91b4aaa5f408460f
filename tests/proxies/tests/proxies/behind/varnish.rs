//! Varnish.

use crate::expected::{
    Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both, each,
};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(VARNISH);

static VARNISH: Proxy = Proxy {
    program: Program::Debian("varnishd"),
    is_cleartext: true,
    launch,
    installed: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(each(End::Cut, End::Clean)),
        whole: Some(both(Some(End::Cut))),
        failed: Failed::all(each(End::Cut, End::Clean)),
        killed: each(End::Cut, End::Clean),
        down: both(Down::Status(503)),
        leaves: Leaves {
            closed: each(Noticed::AtWrite(2, 3), Noticed::AtWrite(1, 2)),
            reset: Noticed::AtWrite(1, 2),
        },
    },
    advised: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(each(End::Cut, End::Clean)),
        // HTTP/2 is not piped.
        whole: Some(each(None, Some(End::Cut))),
        failed: Failed::all(each(End::Cut, End::Clean)),
        killed: each(End::Cut, End::Clean),
        down: each(Down::NoResponse, Down::EventStream),
        leaves: Leaves {
            closed: each(Noticed::AtOnce, Noticed::AtWrite(1, 2)),
            reset: Noticed::AtWrite(1, 2),
        },
    },
    compressed: Some(Compressed::AtTheEnd),
};

fn launch(place: &Place<'_>) -> Launch {
    let lines = place.choose("", super::lines!("varnish.vcl"));
    let gzip = place.with(
        Change::Compression,
        "sub vcl_backend_response { set beresp.do_gzip = true; }\n",
    );
    let (host, port) = (place.upstream.ip(), place.upstream.port());
    let configuration = format!(
        "vcl 4.1;
backend default {{
    .host = \"{host}\";
    .port = \"{port}\";
}}
{gzip}{lines}"
    );
    let silence = place.with(
        Change::Silence,
        "-p between_bytes_timeout=2 -p pipe_timeout=2",
    );
    let whole = place.with(Change::Whole, "-p send_timeout=2");
    let (http1, folder, vcl) = (place.http1, place.file("work"), place.file("varnish.vcl"));
    Launch::new(&format!(
        "-F -n {folder} -a {http1},HTTP -f {vcl} -s malloc,16m -p feature=+http2 {silence} {whole}"
    ))
    .file("varnish.vcl", configuration)
}
