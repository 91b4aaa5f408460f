//! lighttpd.

use crate::expected::{Arrival, Down, End, Expected, Failed, Leaves, Noticed, both, each};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(LIGHTTPD);

static LIGHTTPD: Proxy = Proxy {
    program: Program::Debian("lighttpd"),
    is_cleartext: false,
    launch,
    installed: Expected {
        arrival: Arrival::AtTheEnd,
        is_bare_head_held: both(false),
        silence: None,
        whole: None,
        failed: Failed::all(both(End::Clean)),
        killed: both(End::Clean),
        down: both(Down::Status(503)),
        leaves: LEAVES,
    },
    advised: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(both(End::Cut)),
        whole: None,
        failed: Failed::all(each(End::Cut, End::Clean)),
        killed: each(End::Cut, End::Clean),
        down: both(Down::Status(503)),
        leaves: LEAVES,
    },
    compressed: None,
};

const LEAVES: Leaves = Leaves {
    closed: each(Noticed::AtWrite(1, 1), Noticed::AtOnce),
    reset: Noticed::AtOnce,
};

fn launch(place: &Place<'_>) -> Launch {
    let lines = place.choose("", super::lines!("lighttpd.conf"));
    let limit = place.with(
        Change::Silence,
        "server.max-write-idle = 2\nserver.max-read-idle = 2\n",
    );
    let folder = place.folder.display();
    let (http1, http2, both) = (place.http1, place.http2, place.both());
    let (host, port) = (place.upstream.ip(), place.upstream.port());
    let configuration = format!(
        "server.modules = (\"mod_proxy\", \"mod_openssl\")
server.document-root = \"{folder}\"
server.errorlog = \"{folder}/error.log\"
server.bind = \"{}\"
server.port = {}
{limit}{lines}
proxy.server = ( \"\" => (( \"host\" => \"{host}\", \"port\" => {port} )))
$SERVER[\"socket\"] == \"{http2}\" {{
    ssl.engine = \"enable\"
    ssl.pemfile = \"{both}\"
}}
",
        http1.ip(),
        http1.port(),
    );
    Launch::new("-D -f lighttpd.conf").file("lighttpd.conf", configuration)
}
