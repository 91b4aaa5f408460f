//! nginx.

use crate::expected::{
    Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both, each,
};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(NGINX);

static NGINX: Proxy = Proxy {
    program: Program::Debian("nginx"),
    is_cleartext: false,
    launch,
    // It asks by HTTP/1.0, in which the end of the connection is the end of the body.
    installed: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: each(false, true),
        silence: Some(both(End::Cut)),
        whole: None,
        failed: Failed {
            hyper: both(End::Clean),
            actix: both(End::Clean),
            tcp: both(End::Cut),
        },
        killed: both(End::Clean),
        down: both(Down::Status(502)),
        leaves: LEAVES,
    },
    advised: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: each(false, true),
        silence: Some(both(End::Cut)),
        whole: None,
        failed: Failed::all(both(End::Cut)),
        killed: both(End::Cut),
        down: both(Down::EventStream),
        leaves: LEAVES,
    },
    compressed: Some(Compressed::AtOnce),
};

const LEAVES: Leaves = Leaves {
    closed: both(Noticed::AtOnce),
    reset: Noticed::AtOnce,
};

fn launch(place: &Place<'_>) -> Launch {
    let upstream = place.upstream;
    let installed = format!("location / {{ proxy_pass http://{upstream}; }}");
    let location = place.choose(&installed, super::lines!("nginx.conf"));
    let limit = place.with(Change::Silence, "proxy_read_timeout 2s;");
    let gzip = place.with(
        Change::Compression,
        "gzip on; gzip_types text/event-stream; gzip_min_length 0;",
    );
    let folder = place.folder.display();
    let (http1, http2) = (place.http1, place.http2);
    let (certificate, key) = (place.certificate(), place.key());
    let configuration = format!(
        "daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {limit}{gzip}
    server {{
        listen {http1};
        listen {http2} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        {location}
    }}
}}
"
    );
    Launch::new(&format!("-p {folder} -c nginx.conf -e error.log"))
        .file("nginx.conf", configuration)
}
