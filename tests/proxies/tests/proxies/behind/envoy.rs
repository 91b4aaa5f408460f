//! Envoy.

use crate::expected::{Arrival, Compressed, Down, End, Expected, Failed, Leaves, Noticed, both};
use crate::proxy::{Change, Launch, Lines, Place, Program, Proxy};

crate::cases::on!(ENVOY);

static ENVOY: Proxy = Proxy {
    program: Program::PyPi("envoy", "python/envoy/_bin/envoy"),
    is_cleartext: false,
    launch,
    installed: Expected {
        arrival: Arrival::AtOnce,
        is_bare_head_held: both(false),
        silence: Some(both(End::Cut)),
        whole: Some(both(Some(End::Cut))),
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
        down: both(Down::EventStream),
        leaves: LEAVES,
    },
    compressed: Some(Compressed::Not),
};

const LEAVES: Leaves = Leaves {
    closed: both(Noticed::AtOnce),
    reset: Noticed::AtOnce,
};

/// The shortest routes.
const INSTALLED: &str = "route_config:
  virtual_hosts:
  - name: app
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: app }
";

fn launch(place: &Place<'_>) -> Launch {
    let mut lines = place.choose(INSTALLED, super::lines!("envoy.yaml"));
    if place.lines == Lines::Installed && place.change == Change::Whole {
        lines = lines.replace("cluster: app", "cluster: app, timeout: 2s");
    }
    let lines = lines.replace('\n', "\n        ");
    let limit = place.with(Change::Silence, "stream_idle_timeout: 2s");
    let compressor = place.with(
        Change::Compression,
        "
          - name: compressor
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor
              response_direction_config: { common_config: { content_type: [text/event-stream] } }
              compressor_library:
                name: gzip
                typed_config: { \"@type\": type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip }",
    );
    let manager = format!(
        "    - filters:
      - name: manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: all
          {limit}
          http_filters:{compressor}
          - name: router
            typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
          {}
",
        lines.replace("        ", "          ").trim_end()
    );
    let tls = format!(
        "      transport_socket:
        name: tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates:
            - certificate_chain: {{ filename: {} }}
              private_key: {{ filename: {} }}
",
        place.certificate(),
        place.key()
    );
    let listener = |name: &str, port: u16| {
        format!(
            "  - name: {name}
    address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
"
        )
    };
    let configuration = format!(
        "static_resources:
  clusters:
  - name: app
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {} }} }} }}
  listeners:
{}{manager}{}{manager}{tls}",
        place.upstream.port(),
        listener("plain", place.http1.port()),
        listener("tls", place.http2.port()),
    );
    Launch::new("-c envoy.yaml --disable-hot-restart --concurrency 1 --log-level error")
        .file("envoy.yaml", configuration)
}
