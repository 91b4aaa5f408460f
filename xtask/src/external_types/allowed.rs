//! The crates whose types the public API may name.

/// A crate whose types some packages may name.
#[derive(Debug)]
pub(super) struct Allowed {
    /// The crate, by its name in Rust code.
    pub(super) library: &'static str,
    /// The packages whose APIs may name them.
    pub(super) packages: &'static [&'static str],
    /// Why it is allowed although it has not reached 1.0.
    pub(super) reason: Option<&'static str>,
}

pub(super) const ALLOWED: &[Allowed] = &[
    Allowed {
        library: "actix_http",
        packages: &["sse-actix"],
        reason: None,
    },
    Allowed {
        library: "actix_service",
        packages: &["sse-actix"],
        reason: None,
    },
    Allowed {
        library: "actix_web",
        packages: &["sse-actix"],
        reason: None,
    },
    Allowed {
        library: "async_nats",
        packages: &["sse-hub"],
        reason: Some(
            "connections are configured with its own options; sse-hub re-exports the crate",
        ),
    },
    Allowed {
        library: "axum",
        packages: &["sse-hyper"],
        reason: Some("handlers and extractors are axum's own, with the feature `axum`"),
    },
    Allowed {
        library: "axum_core",
        packages: &["sse-hyper"],
        reason: Some("handlers and extractors are axum's own, with the feature `axum`"),
    },
    Allowed {
        library: "bytes",
        packages: &[
            "sse-actix",
            "sse-codec",
            "sse-eventsource",
            "sse-hub",
            "sse-session",
            "sse-tokio-tcp",
        ],
        reason: None,
    },
    Allowed {
        library: "futures_core",
        packages: &[
            "sse-actix",
            "sse-codec",
            "sse-eventsource",
            "sse-hub",
            "sse-session",
            "sse-tokio-tcp",
        ],
        reason: Some("`Stream` has been at 0.3 since 2019, and the standard library has none"),
    },
    Allowed {
        library: "http",
        packages: &[
            "sse-eventsource",
            "sse-hub",
            "sse-hyper",
            "sse-session",
            "sse-tokio-tcp",
        ],
        reason: None,
    },
    Allowed {
        library: "http_body",
        packages: &["sse-eventsource", "sse-session"],
        reason: None,
    },
    Allowed {
        library: "hyper",
        packages: &["sse-eventsource", "sse-hyper"],
        reason: None,
    },
    Allowed {
        library: "pin_project_lite",
        packages: &["sse-codec", "sse-session"],
        reason: Some("in a bound of the `Unpin` that its macro implements; callers cannot name it"),
    },
    Allowed {
        library: "rustls",
        packages: &["sse-eventsource"],
        reason: Some("TLS is configured with its own `ClientConfig`, with the feature `tls`"),
    },
    Allowed {
        library: "serde_core",
        packages: &["sse-codec", "sse-eventsource", "sse-hub"],
        reason: None,
    },
    Allowed {
        library: "serde_json",
        packages: &["sse-codec", "sse-eventsource", "sse-hub", "sse-session"],
        reason: None,
    },
    Allowed {
        library: "tokio",
        packages: &["sse-actix", "sse-hyper", "sse-tokio-tcp"],
        reason: None,
    },
    Allowed {
        library: "tokio_util",
        packages: &[
            "sse-actix",
            "sse-codec",
            "sse-hyper",
            "sse-session",
            "sse-tokio-tcp",
        ],
        reason: Some("`CancellationToken` and the codec traits exist nowhere else"),
    },
    Allowed {
        library: "tower_service",
        packages: &["sse-eventsource", "sse-hyper"],
        reason: Some("`Service` has been at 0.3 since 2019, and all of tower implements it"),
    },
    Allowed {
        library: "url",
        packages: &["sse-eventsource"],
        reason: None,
    },
];
