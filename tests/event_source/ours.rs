//! The log of `sse-eventsource` for each case, with the default settings except the random wait, in
//! the words of the page.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use sse_eventsource::{Backoff, EventSource, ReadyState, Update, Updates};
use tokio::task::JoinSet;

use crate::server::{case_paths, race_paths};

/// Reads all cases and all races, and returns the logs of the cases.
pub(crate) async fn read_all(server: &str) -> Vec<Vec<String>> {
    let url = |path| format!("{server}{path}");
    let logs = join_all(case_paths().into_iter().map(url).map(read)).await;
    for paths in race_paths() {
        race(paths.into_iter().map(url)).await;
    }
    logs
}

/// Reads a case until it is closed.
async fn read(url: String) -> Vec<String> {
    let mut log = Vec::new();
    let mut updates = open(&url);
    while let Some(update) = updates.next().await {
        match update {
            Ok(Update::Event(event)) => log.push(format!(
                "{} \"{}\" \"{}\"",
                event.event(),
                event.data(),
                event.last_event_id()
            )),
            Ok(Update::Open(_) | Update::Disconnected { .. }) => log.push(state(&updates)),
            // A browser does not report the error.
            Ok(_) | Err(_) => {}
        }
    }
    log.push(state(&updates));
    log
}

/// Reads several streams at the same time, until the first of them is closed.
async fn race(urls: impl IntoIterator<Item = String>) {
    let mut urls = urls.into_iter();
    let control = read(urls.next().expect("a control"));
    let mut others: JoinSet<_> = urls.map(read).collect();
    control.await;
    others.shutdown().await;
}

fn open(url: &str) -> Updates {
    let backoff = Backoff::new().jitter(|_| Duration::ZERO);
    let source = EventSource::get(url).backoff(backoff).build();
    source.expect("a valid URL").into_updates()
}

fn state(updates: &Updates) -> String {
    let state = match updates.event_source().ready_state() {
        ReadyState::Connecting => "connecting",
        ReadyState::Open => "open",
        ReadyState::Closed => "closed",
    };
    state.to_owned()
}
