//! A server that is gone for a while.

use std::time::Duration;

use tokio::time::timeout;

use super::SHORT;
use crate::child::Child;
use crate::client::Response;
use crate::expected::{Arrival, Down, Version};
use crate::proxy::{Change, Lines, Proxy};
use crate::running::{READY, Running};

/// The id of the client's last event.
const ID: [(&str, &str); 1] = [("last-event-id", "7")];

/// A response that takes longer waits for the server. haproxy tries for three seconds.
const LONG: Duration = Duration::from_secs(8);

pub(crate) async fn a_restart_of_the_server(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        let mut server = Child::start();
        let running = Running::start(proxy, lines, Change::None, server.address()).await;
        for version in Version::ALL {
            let what = format!("{} {version:?}", running.name());
            server.kill();
            // A pooled connection may have broken a moment ago: whatever the response to this one is,
            // that to the next one is of interest.
            let _ = timeout(SHORT, running.request(version, "/events", &ID)).await;
            let request = running.request(version, "/events", &ID);
            tokio::pin!(request);
            let (found, response) = match timeout(LONG, &mut request).await {
                Err(_) => {
                    server.restart();
                    (Down::Waits, request.await)
                }
                Ok(response) => {
                    let found = down(response).await;
                    server.restart();
                    running.forwards_again(version).await;
                    if expected.arrival == Arrival::AtOnce {
                        (found, running.request(version, "/events", &ID).await)
                    } else {
                        (found, None)
                    }
                }
            };
            if found != expected.down.of(version) {
                wrong.push(format!("{what}: {found:?}"));
            }
            if expected.arrival == Arrival::AtOnce {
                response.expect("a response").receive("7").await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A cache that kept the 204 of one client would end the streams of all others.
pub(crate) async fn a_204_is_for_one_client(proxy: &Proxy) {
    let mut server = Child::start();
    let running = Running::start(proxy, Lines::Installed, Change::None, server.address()).await;
    for version in Version::ALL {
        let response = running.request(version, READY, &[]).await;
        assert_eq!(response.expect("a response").status, 204);
    }
    server.kill();
    for version in Version::ALL {
        let response = running.request(version, READY, &[]).await;
        assert!(response.is_none_or(|response| response.status != 204));
    }
}

/// Returns what a response is that came while no server listened.
async fn down(response: Option<Response>) -> Down {
    let Some(mut response) = response else {
        return Down::NoResponse;
    };
    if response.status != 200 {
        return Down::Status(response.status.as_u16());
    }
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.rest().await.0, "retry: 2000\n\n");
    Down::EventStream
}
