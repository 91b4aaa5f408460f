//! Traefik.

use crate::expected::{Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both};
use crate::proxy::{Change, Launch, Lines, Place, Program, Proxy};

crate::cases::on!(TRAEFIK);

static TRAEFIK: Proxy = Proxy {
    program: Program::PyPi("traefik", "bin/traefik"),
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
        down: both(Down::Waits),
        leaves: LEAVES,
    },
    compressed: Some(Compressed::AtOnce),
};

const LEAVES: Leaves = Leaves {
    closed: both(Noticed::AtOnce),
    reset: Noticed::AtOnce,
};

fn launch(place: &Place<'_>) -> Launch {
    let mut middlewares = place.choose("http:\n", super::lines!("traefik.yml"));
    let mut uses = match place.lines {
        Lines::Installed => "",
        Lines::Advised => "      middlewares: [again]\n",
    };
    if place.change == Change::Compression {
        middlewares += "  middlewares:\n    smaller:\n      compress: {}\n";
        uses = "      middlewares: [smaller]\n";
    }
    let configuration = format!(
        "{middlewares}  routers:
    plain:
      rule: PathPrefix(`/`)
      entryPoints: [web]
      service: app
{uses}    tls:
      rule: PathPrefix(`/`)
      entryPoints: [tls]
      service: app
      tls: {{}}
{uses}  services:
    app:
      loadBalancer:
        servers:
        - url: http://{}
tls:
  certificates:
  - certFile: {}
    keyFile: {}
",
        place.upstream,
        place.certificate(),
        place.key(),
    );
    Launch::new(&format!(
        "--entrypoints.web.address={} --entrypoints.tls.address={} --providers.file.filename={} \
         --global.checkNewVersion=false --global.sendAnonymousUsage=false",
        place.http1,
        place.http2,
        place.file("dynamic.yml"),
    ))
    .file("dynamic.yml", configuration)
}
