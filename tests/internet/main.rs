//! Attacks on the servers of the chapter "In front of the Internet", whose very lines are compiled here.

include!("../../sse-session/src/guide/internet/network.rs");

mod actix_server {
    include!("../../sse-session/src/guide/internet/actix.rs");
}

mod axum_server {
    include!("../../sse-session/src/guide/internet/axum.rs");

    pub(crate) mod connections {
        include!("../../sse-session/src/guide/internet/connections.rs");
    }
}

mod hyper_server {
    include!("../../sse-session/src/guide/internet/hyper.rs");

    pub(crate) mod connections {
        include!("../../sse-session/src/guide/internet/connections.rs");
    }
}

mod tcp_server {
    include!("../../sse-session/src/guide/internet/tcp.rs");
}

mod attacks;
mod crowds;
#[cfg(target_os = "linux")]
mod heads;
mod rooms;
