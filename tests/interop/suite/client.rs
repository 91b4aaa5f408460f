//! A client, and the test that it sees what it should.

use std::sync::Arc;

use serde_json::{Value, json};
use sse_browser::Browser;

use crate::driver::{self, Lines};
use crate::expected::expected;
use crate::installed;
use crate::page;
use crate::server::{Adapter, Server};
use crate::site::Site;

/// A client under test.
#[derive(Debug)]
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
    Chromium,
}

/// What a client does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It reads events and reconnects. Its user may hear of that.
    EventSource { reports: bool },
    /// It reads the events of one response, and throws this error if that is incomplete.
    Reader(&'static str),
    /// It reads the lines of one response, likewise.
    Lines(&'static str),
    /// It reads the events of an API, and sends `POST` requests.
    Api {
        /// The shape of the events.
        shape: &'static str,
        /// The error that it throws if the response is incomplete.
        incomplete: &'static str,
        /// The error that it throws for an event that says that the server has failed.
        failed: &'static str,
    },
}

/// A case in which a client does not see what it should.
#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) cases: &'static [&'static str],
    /// Why, for those who read the table.
    pub(crate) reason: &'static str,
    /// What it sees.
    pub(crate) sees: &'static [&'static str],
}

/// The cases of all kinds of clients.
const CASES: &[&str] = &[
    "events",
    "silent-start",
    "cut",
    "cut-after-id",
    "failure",
    "failure-event",
    "shutdown",
    "shutdown-with-retry",
];

/// The cases of clients that reconnect.
const CASES_OF_EVENT_SOURCES: &[&str] = &["stop-after-end", "stop-after-cut"];

/// The cases in which a hub sends. They are the same on all adapters, and run on one.
const CASES_OF_THE_HUB: &[&str] = &["hub", "hub-without-an-event", "hub-with-an-event"];

/// The silence, in seconds, after which a client is taken for silent for ever, where that is expected...
const SHORT_SILENCE: u64 = 4;

/// ... and where something else is expected.
const LONG_SILENCE: u64 = 20;

/// Runs a client on all adapters, and panics if it sees anything but what it should or what is listed.
pub(crate) async fn check(client: &Client) {
    if installed::skipped() || client.runtime == Runtime::Chromium && sse_browser::skipped() {
        return;
    }
    let mut served = Vec::new();
    for adapter in client.adapters() {
        served.push(Served::start(*adapter).await);
    }
    let mut seen = run(client, &served).await;

    let mut wrong = Vec::new();
    for Served {
        adapter,
        site,
        server,
    } in &served
    {
        for case in client.cases(*adapter) {
            let mut seen = seen.remove(&client.url(server, case)).unwrap_or_default();
            seen.push(format!("asked {}", site.asked(case)));
            if CASES_OF_THE_HUB.contains(&case) {
                number_ids(&mut seen);
            }
            let expected = client.expected(case);
            let reason = client.exception(case).map_or("", |known| known.reason);
            println!("{case} on {adapter:?}: {seen:?} {reason}");
            if seen != expected {
                wrong.push(format!(
                    "{case} on {adapter:?}:\n  {seen:?}\ninstead of\n  {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A site for one client on one adapter.
struct Served {
    adapter: Adapter,
    site: Arc<Site>,
    server: Server,
}

impl Served {
    async fn start(adapter: Adapter) -> Self {
        let site = Arc::new(Site::default());
        let server = Server::start(adapter, Arc::clone(&site)).await;
        Self {
            adapter,
            site,
            server,
        }
    }
}

/// Runs the client on all servers, and returns what its user sees.
async fn run(client: &Client, served: &[Served]) -> Lines {
    let places: Vec<_> = served.iter().map(|served| client.places(served)).collect();
    match client.runtime {
        Runtime::Node => driver::run(driver::node(), client.driver, &places.concat()).await,
        Runtime::Python => driver::run(driver::python(), client.driver, &places.concat()).await,
        Runtime::Chromium => {
            let browser = Browser::start().await.expect("a browser");
            let mut lines = Lines::new();
            // One after the other, as each is an origin of its own.
            for (served, places) in served.iter().zip(&places) {
                let origin = format!("http://{}", served.server.address);
                lines.extend(page::run(&browser, &origin, client.driver, places).await);
            }
            browser.close().await.expect("the browser ends");
            lines
        }
    }
}

impl Client {
    fn adapters(&self) -> &'static [Adapter] {
        match self.kind {
            Kind::Api { .. } => &[Adapter::Hyper, Adapter::Actix],
            _ => &[Adapter::Hyper, Adapter::Actix, Adapter::Tcp],
        }
    }

    fn cases(&self, adapter: Adapter) -> impl Iterator<Item = &'static str> + use<> {
        let of_kind = match self.kind {
            Kind::EventSource { .. } => CASES_OF_EVENT_SOURCES,
            _ => &[],
        };
        let of_hub = match self.kind {
            Kind::EventSource { .. } | Kind::Reader(_) if adapter == Adapter::Hyper => {
                CASES_OF_THE_HUB
            }
            _ => &[],
        };
        [CASES, of_kind, of_hub].into_iter().flatten().copied()
    }

    /// Returns where the client reads on a server, and for how long it may be silent.
    fn places(&self, served: &Served) -> Vec<Value> {
        let place = |case| {
            let silence = match self.expected(case).iter().any(|line| line == "silence") {
                true => SHORT_SILENCE,
                false => LONG_SILENCE,
            };
            json!({ "url": self.url(&served.server, case), "silence": silence })
        };
        self.cases(served.adapter).map(place).collect()
    }

    fn url(&self, server: &Server, case: &str) -> String {
        let shape = match self.kind {
            Kind::Api { shape, .. } => shape,
            _ => "plain",
        };
        format!("http://{}/{shape}/{case}", server.address)
    }

    fn expected(&self, case: &str) -> Vec<String> {
        match self.exception(case) {
            Some(known) => known.sees.iter().map(ToString::to_string).collect(),
            None => expected(self.kind, case),
        }
    }

    fn exception(&self, case: &str) -> Option<&Exception> {
        let mut exceptions = self.exceptions.iter();
        exceptions.find(|known| known.cases.contains(&case))
    }
}

/// Replaces the ids of a hub, which are never the same, by their numbers. An id that came without an
/// event is 0.
fn number_ids(seen: &mut [String]) {
    let mut ids: Vec<String> = Vec::new();
    for line in seen.iter_mut() {
        if let Some((before, id)) = line.rsplit_once(" #") {
            let known = ids.iter().position(|known| known == id);
            let number = known.unwrap_or_else(|| {
                ids.push(id.to_owned());
                ids.len() - 1
            }) + 1;
            *line = format!("{before} #{number}");
        } else if let Some(asked) = line.strip_prefix("asked ") {
            let number = |id: &str| match ids.iter().position(|known| known == id) {
                Some(index) => (index + 1).to_string(),
                None if id == "-" => "-".to_owned(),
                None => "0".to_owned(),
            };
            let numbers: Vec<_> = asked.split(", ").map(number).collect();
            *line = format!("asked {}", numbers.join(", "));
        }
    }
}
