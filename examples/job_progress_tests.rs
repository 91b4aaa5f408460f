//! Pages that watch a job, over sockets.

use std::net::TcpListener;

use futures_util::TryStreamExt as _;
use sse_eventsource::{Backoff, EventSource};

use super::*;

/// Starts a server, and returns its URL.
fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let hub = web::Data::new(hub());
    let app = move || App::new().app_data(hub.clone()).configure(routes);
    let server = Server::build().workers(1).disable_signals();
    let server = server.listen("jobs", listener, move || BoundedHttp::new().tcp(app()));
    tokio::spawn(server.expect("a server").run());
    url
}

/// Returns what a page gets until it is not to come back, with 204.
async fn watched(job: &str) -> Vec<String> {
    let soon = Backoff::short().reconnection_time(Duration::from_millis(100));
    let page = EventSource::get(job).backoff(soon);
    let events = page.build().expect("valid");
    let shown = events.map_ok(|event| format!("{} {}", event.event(), event.data()));
    shown.try_collect().await.expect("an end in order")
}

#[actix_web::test]
async fn pages_see_the_newest_state_then_each_change_and_the_result() {
    let server = start();
    let request = reqwest::Client::new().post(format!("{server}/jobs"));
    let response = request.send().await.expect("a response");
    assert_eq!(response.status(), 202);
    let path = response.headers()["location"].to_str().expect("a path");
    let job = format!("{server}{path}");

    let mut first = EventSource::get(&job).build().expect("valid");
    while let Some(event) = first.try_next().await.expect("no failure") {
        if event.data() == "50" {
            break;
        }
    }
    // A page that comes now does not see what was before.
    let late = watched(&job).await;
    let (last, states) = late.split_last().expect("a result");
    assert_eq!(last, "done /results/1.pdf");
    let states = states
        .iter()
        .map(|state| state.strip_prefix("progress ").expect("a state"));
    let states: Vec<u32> = states
        .map(|state| state.parse().expect("a number"))
        .collect();
    assert!(
        states.is_sorted_by(|a, b| a < b) && states[0] >= 50,
        "{states:?}"
    );
    // One that comes after the end sees the result alone.
    assert_eq!(watched(&job).await, ["done /results/1.pdf"]);
    for unknown in ["0", "1000", "x"] {
        let response = reqwest::get(format!("{server}/jobs/{unknown}")).await;
        assert_eq!(response.expect("a response").status(), 404);
    }
}
