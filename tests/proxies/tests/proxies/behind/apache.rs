//! Apache httpd with `mod_proxy_http`.

use crate::expected::{
    Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both, each,
};
use crate::proxy::{Change, Launch, Place, Program, Proxy};

crate::cases::on!(APACHE);

static APACHE: Proxy = Proxy {
    program: Program::Debian("apache2"),
    is_cleartext: false,
    launch,
    installed: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(both(End::Cut)),
        whole: None,
        failed: Failed::all(both(End::Cut)),
        killed: both(End::Cut),
        down: both(Down::Status(503)),
        leaves: LEAVES,
    },
    advised: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(both(End::Cut)),
        whole: None,
        failed: Failed::all(both(End::Cut)),
        killed: both(End::Cut),
        down: both(Down::Status(503)),
        leaves: LEAVES,
    },
    compressed: Some(Compressed::AtOnce),
};

const LEAVES: Leaves = Leaves {
    closed: each(Noticed::AtWrite(2, 2), Noticed::AtWrite(1, 1)),
    reset: Noticed::AtWrite(1, 1),
};

fn launch(place: &Place<'_>) -> Launch {
    // Without `retry=0`, the test of a restart takes a minute.
    let installed = format!("ProxyPass / http://{}/ retry=0\n", place.upstream);
    let lines = place.choose(&installed, super::lines!("apache.conf"));
    let modules = [
        "authz_core",
        "deflate",
        "filter",
        "http2",
        "mpm_event",
        "proxy",
        "proxy_http",
        "reqtimeout",
        "ssl",
    ]
    .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
    .concat();
    let limit = if place.change == Change::Silence {
        2
    } else {
        300
    };
    let deflate = place.with(
        Change::Compression,
        "AddOutputFilterByType DEFLATE text/event-stream",
    );
    let folder = place.folder.display();
    let (http1, http2) = (place.http1, place.http2);
    let (certificate, key) = (place.certificate(), place.key());
    let configuration = format!(
        "{modules}
ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
User www-data
Group www-data
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 4
MaxSpareThreads 32
Timeout {limit}
Protocols h2 http/1.1
Listen {http1}
Listen {http2} https
{deflate}
{lines}
<VirtualHost {http2}>
    SSLEngine on
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {key}
</VirtualHost>
"
    );
    Launch::new(&format!("-DFOREGROUND -f {}", place.file("httpd.conf")))
        .file("httpd.conf", configuration)
}
