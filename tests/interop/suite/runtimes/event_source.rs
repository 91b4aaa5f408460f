//! The `EventSource` of Deno and of workerd; Bun has none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sse_session::{BoxError, Event, Sse, SseOptions};
use tokio::time::sleep;

use super::TIMEOUT;
use super::client::{End, get};
use super::program::{Program, Runtime};
use crate::installed::runtimes_skipped;
use crate::server::{Adapter, Answer, Server};

/// The first reconnection time. workerd takes no shorter one.
const RETRY: Duration = Duration::from_secs(1);

/// What a runtime's `EventSource` does.
struct Expected {
    /// Whether an event with empty data is dispatched.
    dispatches_empty_data: bool,
    /// The last event ID that is sent after an event was cut off between its id and its blank line.
    after_a_cut_behind_the_id: &'static str,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_has_no_event_source() {
    if runtimes_skipped() {
        return;
    }
    let program = Program::start(|port| Runtime::Bun.serve("listen", port, "")).await;
    assert_eq!(listen(&program, "events").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deno_reads_streams_as_the_standard_says() {
    let expected = Expected {
        dispatches_empty_data: true,
        after_a_cut_behind_the_id: "1",
    };
    check(Runtime::Deno, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workerd_skips_empty_data_and_takes_the_id_of_an_event_that_was_cut_off() {
    let expected = Expected {
        dispatches_empty_data: false,
        after_a_cut_behind_the_id: "2",
    };
    check(Runtime::Workerd, &expected).await;
}

async fn check(runtime: Runtime, expected: &Expected) {
    if runtimes_skipped() {
        return;
    }
    for adapter in [Adapter::Hyper, Adapter::Actix, Adapter::Tcp] {
        let site = Arc::<Site>::default();
        let served = Arc::clone(&site);
        let server = Server::start(adapter, move |request| served.answer(&request.path)).await;
        let upstream = format!("http://{}", server.address);
        let program = Program::start(|port| runtime.serve("listen", port, &upstream)).await;

        let mut happened = vec![
            json!("open"),
            json!(["message", "one", "1"]),
            json!(["named", "é漢\nsecond line", "é漢"]),
            json!(["message", "\u{2028}\u{2029}\u{85}", "é漢"]),
        ];
        if expected.dispatches_empty_data {
            happened.push(json!(["named", "", "é漢"]));
        }
        happened.extend([json!("reconnecting"), json!("open")]);
        assert_eq!(listen(&program, "events").await, Value::Array(happened));
        assert_eq!(site.ids("events"), ["-", "é漢"]);

        let happened = json!(["open", ["message", "1", "1"], "reconnecting", "closed"]);
        assert_eq!(listen(&program, "end").await, happened);

        for (case, id) in [
            ("cut-in-data", "1"),
            ("cut-behind-id", expected.after_a_cut_behind_the_id),
        ] {
            let happened = json!(["open", ["message", "1", "1"], "reconnecting", "open"]);
            assert_eq!(listen(&program, case).await, happened, "{case}");
            assert_eq!(site.ids(case), ["-", id], "{case}");
        }
    }
}

/// Returns what happened to the `EventSource` that listened to a case.
async fn listen(program: &Program, case: &str) -> Value {
    let mut response = get(program.port(), &format!("/{case}")).await;
    assert_eq!(response.end(TIMEOUT).await, End::Complete);
    serde_json::from_slice(&response.received).expect("JSON")
}

/// The cases, each asked for twice.
#[derive(Default)]
struct Site {
    /// The last event IDs of the requests for each case, `-` for none.
    ids: Mutex<HashMap<String, Vec<String>>>,
}

impl Site {
    fn answer(self: &Arc<Self>, path: &str) -> Answer {
        let case = path.trim_start_matches('/').to_owned();
        let is_second = !self.ids(&case).is_empty();
        if is_second && case == "end" {
            return Answer::NoContent;
        }
        let options = SseOptions::new()
            .retry(RETRY)
            .keep_alive(Duration::from_millis(200));
        let site = Arc::clone(self);
        let handler = move |sse: Sse| {
            site.record(&case, sse.last_event_id().unwrap_or("-"));
            Box::pin(async move {
                if is_second {
                    sse.send(Event::new().event("done").data("")).await?;
                    sse.send(Event::new().event("done").data("for workerd"))
                        .await?;
                    return Ok(());
                }
                send(&case, &sse).await
            }) as _
        };
        Answer::Stream(options, Box::new(handler))
    }

    fn record(&self, case: &str, id: &str) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.entry(case.to_owned()).or_default().push(id.to_owned());
    }

    fn ids(&self, case: &str) -> Vec<String> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.get(case).cloned().unwrap_or_default()
    }
}

/// Sends a case to the first request.
async fn send(case: &str, sse: &Sse) -> Result<(), BoxError> {
    let cut_off = match case {
        "events" => {
            sse.send(Event::new().id("1").data("one")).await?;
            // A keep-alive in the middle.
            sleep(Duration::from_millis(500)).await;
            let named = Event::new().event("named").id("é漢");
            sse.send(named.data("é漢\nsecond line")).await?;
            sse.send("\u{2028}\u{2029}\u{85}").await?;
            sse.send(Event::new().event("named").data("")).await?;
            return Err("the stream is cut".into());
        }
        "end" => {
            sse.send(Event::new().id("1").data("1")).await?;
            return Ok(());
        }
        "cut-in-data" => "data: 2",
        _ => "data: 2\nid: 2\n",
    };
    sse.send(Event::new().id("1").data("1")).await?;
    sse.send_encoded(Bytes::from_static(cut_off.as_bytes()))
        .await?;
    Err("the stream is cut".into())
}
