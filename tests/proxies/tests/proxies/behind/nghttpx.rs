//! nghttpx.

use crate::expected::{Arrival, Down, End, Expected, Failed, Leaves, Noticed, both};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(NGHTTPX);

static NGHTTPX: Proxy = Proxy {
    program: Program::Debian("nghttpx"),
    is_cleartext: false,
    launch,
    installed: EXPECTED,
    advised: EXPECTED,
    compressed: None,
};

const EXPECTED: Expected = Expected {
    arrival: Arrival::AtOnce,
    is_bare_head_held: both(false),
    silence: Some(both(End::Cut)),
    whole: None,
    failed: Failed::all(both(End::Cut)),
    killed: both(End::Cut),
    down: both(Down::Status(502)),
    leaves: Leaves {
        closed: both(Noticed::AtOnce),
        reset: Noticed::AtOnce,
    },
};

fn launch(place: &Place<'_>) -> Launch {
    let limit = place.with(
        Change::Silence,
        "--backend-read-timeout=2s --stream-read-timeout=2s",
    );
    Launch::new(&format!(
        "--conf=/dev/null --workers=1 --frontend=127.0.0.1,{};no-tls --frontend=127.0.0.1,{} \
         --backend=127.0.0.1,{} {limit} --errorlog-file={} {} {}",
        place.http1.port(),
        place.http2.port(),
        place.upstream.port(),
        place.file("error.log"),
        place.key(),
        place.certificate(),
    ))
}
