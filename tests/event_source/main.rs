//! `sse-eventsource` and a browser's `EventSource`, side by side.
//!
//! Both get the same answers, case by case, and must send the same requests and report the same
//! states and events. `departures` lists the differences, each with its reason and the behaviour of
//! both.

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
async fn a_browser_behaves_the_same_except_for_the_listed_departures() {
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
        let listed = DEPARTURES
            .iter()
            .find(|known| known.cases.contains(&&**case));
        match listed {
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
    let listed = DEPARTURES.iter().flat_map(|known| known.cases);
    let stale = listed.filter(|case| !ours.contains_key(**case));
    wrong.extend(stale.map(|case| format!("{case}\n  there is no such case")));
    println!("{} cases, {equal} without a difference", ours.len());
    let count = wrong.len();
    assert!(
        count == 0,
        "{count} cases are not as listed:\n{}",
        wrong.join("\n")
    );
}

/// Starts a server for one client, and returns the report on the client.
async fn observe(read_all: impl AsyncFnOnce(String) -> Vec<Vec<String>>) -> Report {
    let script = Arc::new(Script::new(cases(), races()));
    let (listener, address) = server::listen().await.expect("a free port");
    let server: JoinHandle<()> = tokio::spawn(server::serve(listener, Arc::clone(&script)));
    let logs = read_all(format!("http://{address}")).await;
    server.abort();
    report(&script, &logs)
}
