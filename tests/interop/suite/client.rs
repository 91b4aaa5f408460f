//! A client, and the test that it sees what it should.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::driver;
use crate::expected::expected;
use crate::installed;
use crate::server::{Adapter, Server};
use crate::site::Site;

/// A client under test.
pub(crate) struct Client {
    pub(crate) runtime: Runtime,
    /// The name of its driver's file, without the ending.
    pub(crate) driver: &'static str,
    pub(crate) kind: Kind,
    /// The cases in which it does not see what it should.
    pub(crate) exceptions: &'static [Exception],
}

/// What runs a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    Node,
    Python,
}

/// What a client does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It reads events and reconnects.
    EventSource,
    /// It reads the events of one response.
    Reader,
    /// It reads the events of an API, in this shape, and sends `POST` requests.
    Api(&'static str),
}

/// A case in which a client does not see what it should.
pub(crate) struct Exception {
    pub(crate) case: &'static str,
    pub(crate) reason: &'static str,
    /// What it sees.
    pub(crate) sees: &'static [&'static str],
}

/// The cases of all kinds of clients.
const CASES: &[&str] = &["events", "cut", "cut-after-id", "failure", "shutdown"];

/// The cases of clients that reconnect.
const CASES_OF_EVENT_SOURCES: &[&str] = &["stop-after-end", "stop-after-cut"];

/// The silence after which a client has nothing more to say, in seconds, where that is expected...
const SHORT_SILENCE: u64 = 4;

/// ... and where something else is expected.
const LONG_SILENCE: u64 = 40;

/// Runs a client on all adapters, and panics if it sees anything but what it should or what is listed.
pub(crate) async fn check(client: &Client) {
    if installed::skipped() {
        return;
    }
    let mut servers = Vec::new();
    for adapter in client.adapters() {
        let site = Arc::new(Site::default());
        let served = Arc::clone(&site);
        let server = Server::start(*adapter, move |request| served.answer(request)).await;
        servers.push((*adapter, site, server));
    }
    let mut places = Vec::new();
    for (_, _, server) in &servers {
        for case in client.cases() {
            let silence = match client.expected(case).iter().any(|seen| *seen == "silence") {
                true => SHORT_SILENCE,
                false => LONG_SILENCE,
            };
            places.push(json!({ "url": client.url(server, case), "silence": silence }));
        }
    }
    let mut seen = driver::run(client.runtime, client.driver, &Value::Array(places)).await;

    let mut wrong = Vec::new();
    for (adapter, site, server) in &servers {
        for case in client.cases() {
            let mut seen = seen.remove(&client.url(server, case)).unwrap_or_default();
            seen.push(format!("asked {}", site.asked(case)));
            let expected = client.expected(case);
            println!("{case} on {adapter:?}: {seen:#?}");
            if seen != expected {
                wrong.push(format!(
                    "{case} on {adapter:?}:\n  {seen:?}\n  instead of\n  {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Client {
    fn adapters(&self) -> &'static [Adapter] {
        match self.kind {
            Kind::Api(_) => &[Adapter::Hyper, Adapter::Actix],
            _ => &[Adapter::Hyper, Adapter::Actix, Adapter::Tcp],
        }
    }

    fn cases(&self) -> impl Iterator<Item = &'static str> + use<> {
        let more = match self.kind {
            Kind::EventSource => CASES_OF_EVENT_SOURCES,
            _ => &[],
        };
        CASES.iter().chain(more).copied()
    }

    fn url(&self, server: &Server, case: &str) -> String {
        let shape = match self.kind {
            Kind::Api(shape) => shape,
            _ => "plain",
        };
        format!("http://{}/{shape}/{case}", server.address)
    }

    fn expected(&self, case: &str) -> &'static [&'static str] {
        let listed = self.exceptions.iter().find(|known| known.case == case);
        listed.map_or_else(|| expected(self.kind, case), |known| known.sees)
    }
}
