//! The test that a client sees what it should.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sse_browser::Browser;

use crate::client::{Client, Kind, Runtime};
use crate::driver::{self, Saw};
use crate::expected::expected;
use crate::installed;
use crate::page;
use crate::server::{Adapter, Server};
use crate::site::Site;

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
    "compressed",
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
    let known = [CASES, CASES_OF_EVENT_SOURCES, CASES_OF_THE_HUB].concat();
    let mut listed = client.exceptions.iter().flat_map(|listed| listed.cases);
    let unknown = listed.find(|case| !known.contains(case));
    assert!(unknown.is_none(), "there is no case {unknown:?}");

    let mut served = Vec::new();
    for adapter in client.adapters() {
        served.push(Served::start(*adapter).await);
    }
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    let mut saw = |url: &str, line: String| {
        let mut sites = served.iter();
        let (site, case) = sites.find_map(|served| served.case(url)).expect("a URL");
        site.seen(case).push(&line);
        lines.entry(url.to_owned()).or_default().push(line);
    };
    run(client, &served, &mut saw).await;

    let mut wrong = Vec::new();
    for Served {
        adapter,
        site,
        server,
    } in &served
    {
        for case in client.cases(*adapter) {
            let seen = lines.remove(&client.url(server, case));
            let mut seen = seen.unwrap_or_default();
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
        let server = {
            let site = Arc::clone(&site);
            Server::start(adapter, move |request| site.answer(request)).await
        };
        Self {
            adapter,
            site,
            server,
        }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Returns the site and the case at a URL, if it is on this server.
    fn case<'a>(&self, url: &'a str) -> Option<(&Site, &'a str)> {
        let path = url.strip_prefix(&self.origin())?;
        let case = path.rsplit('/').next()?;
        Some((&self.site, case))
    }
}

/// Runs the client on all servers, and calls `saw` with what its user sees.
async fn run(client: &Client, served: &[Served], saw: &mut Saw<'_>) {
    let places: Vec<_> = served.iter().map(|served| client.places(served)).collect();
    match client.runtime {
        Runtime::Node => driver::run(driver::node(), client.driver, &places.concat(), saw).await,
        Runtime::Python => {
            driver::run(driver::python(), client.driver, &places.concat(), saw).await;
        }
        Runtime::Chromium => {
            let browser = Browser::start().await.expect("a browser");
            // One after the other, as each is an origin of its own.
            for (served, places) in served.iter().zip(&places) {
                page::run(&browser, &served.origin(), client.driver, places, saw).await;
            }
            browser.close().await.expect("the browser ends");
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

    fn cases(&self, adapter: Adapter) -> impl Iterator<Item = &'static str> {
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
