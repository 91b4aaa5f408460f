//! H2O.

use crate::expected::{
    Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both, each,
};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(H2O);

static H2O: Proxy = Proxy {
    program: Program::Debian("h2o"),
    is_cleartext: false,
    launch,
    installed: EXPECTED,
    advised: EXPECTED,
    compressed: Some(Compressed::AtOnce),
};

const EXPECTED: Expected = Expected {
    arrival: Arrival::AtOnce,
    is_bare_head_held: both(true),
    silence: Some(both(End::Cut)),
    whole: None,
    // It takes the end of the connection between two chunks for the end of the body.
    failed: Failed {
        hyper: both(End::Clean),
        actix: both(End::Clean),
        tcp: both(End::Cut),
    },
    killed: both(End::Clean),
    down: both(Down::Status(502)),
    leaves: Leaves {
        closed: each(Noticed::AtWrite(2, 2), Noticed::AtOnce),
        reset: Noticed::AtOnce,
    },
};

fn launch(place: &Place<'_>) -> Launch {
    let installed = format!(
        "paths:\n  \"/\":\n    proxy.reverse.url: \"http://{}/\"\n",
        place.upstream
    );
    let paths = place.choose(&installed, super::lines!("h2o.conf"));
    let paths = paths.replace('\n', "\n    ");
    let limit = place.with(Change::Silence, "proxy.timeout.io: 2000");
    let compress = place.with(
        Change::Compression,
        "compress: ON
file.mime.settypes:
  text/event-stream:
    extensions: [.sse]
    is_compressible: YES",
    );
    let configuration = format!(
        "num-threads: 1
error-log: {}
{limit}
{compress}
listen:
  host: 127.0.0.1
  port: {}
listen:
  host: 127.0.0.1
  port: {}
  ssl:
    certificate-file: {}
    key-file: {}
hosts:
  default:
    {paths}
",
        place.file("error.log"),
        place.http1.port(),
        place.http2.port(),
        place.certificate(),
        place.key(),
    );
    Launch::new("-c h2o.conf").file("h2o.conf", configuration)
}
