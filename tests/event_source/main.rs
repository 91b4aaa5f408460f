//! `sse-eventsource` and a browser's `EventSource`, side by side.
//!
//! Both are answered by the same script, case by case, and must be the same in what they ask of the
//! server and in what they report: the standard's states and the events. Where they are not, it is
//! written down with the reason in `departures`, with what each of them does.

mod cases;
mod departures;
mod ours;
mod races;
mod report;
mod server;
mod theirs;

use std::sync::Arc;

use futures_util::future::join;
use tokio::task::JoinHandle;

use crate::cases::cases;
use crate::departures::DEPARTURES;
use crate::races::races;
use crate::report::{Report, report};
use crate::server::Script;

#[tokio::test]
async fn a_browser_does_as_we_do_but_for_what_is_written_down() {
    if sse_browser::skipped() {
        return;
    }
    let (ours, theirs) = join(
        observe(async |server| ours::read_all(&server).await),
        observe(async |server| theirs::read_all(&server).await),
    )
    .await;

    let mut wrong = Vec::new();
    let mut equal = 0;
    for (case, ours) in &ours {
        let theirs = &theirs[case];
        let written = DEPARTURES
            .iter()
            .find(|known| known.cases.contains(&&**case));
        match written {
            None if ours == theirs => {
                equal += 1;
                println!("{case}\n  both:   {ours}");
            }
            Some(known) if ours == known.ours && theirs == known.theirs => {
                println!("{case}: {}", known.reason);
                println!("  ours:   {ours}\n  theirs: {theirs}");
            }
            _ => wrong.push(format!("{case}\n  ours:   {ours}\n  theirs: {theirs}")),
        }
    }
    let written = DEPARTURES.iter().flat_map(|known| known.cases);
    let stale = written.filter(|case| !ours.contains_key(**case));
    wrong.extend(stale.map(|case| format!("{case}\n  there is no such case")));
    println!("{} cases, {equal} without a difference", ours.len());
    let count = wrong.len();
    assert!(
        count == 0,
        "{count} are not as written:\n{}",
        wrong.join("\n")
    );
}

/// Serves a client of its own server, and reports on it.
async fn observe(read_all: impl AsyncFnOnce(String) -> Vec<Vec<String>>) -> Report {
    let script = Arc::new(Script::new(cases(), races()));
    let (listener, address) = server::listen().await.expect("a free port");
    let server: JoinHandle<()> = tokio::spawn(server::serve(listener, Arc::clone(&script)));
    let logs = read_all(format!("http://{address}")).await;
    server.abort();
    report(&script, &logs)
}
