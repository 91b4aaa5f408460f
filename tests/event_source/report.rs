//! What is compared: the behaviour of one client in each case and in each race, as text.

use std::collections::BTreeMap;

use crate::cases::cases;
use crate::races::{CONTROL, races};
use crate::server::Script;

/// The behaviour of the client, by the name of the case.
pub(crate) type Report = BTreeMap<String, String>;

/// Writes the report on a client: its requests, and its log for each case.
pub(crate) fn report(script: &Script, logs: &[Vec<String>]) -> Report {
    let mut report = Report::new();
    let mut add = |name: String, what: String| {
        assert!(!report.contains_key(&name), "duplicate name {name}");
        report.insert(name, what);
    };
    let headers: Vec<_> = script.headers().into_iter().collect();
    add("request headers".to_owned(), headers.join(", "));
    for (index, (case, log)) in cases().into_iter().zip(logs).enumerate() {
        let [requests, log] = [&script.requests(index), log].map(|lines| join(lines));
        add(case.name, format!("{requests} -> {log}"));
    }
    for (index, race) in races().into_iter().enumerate() {
        let before = script.before_the_control(index);
        for stream in (0..race.streams().len()).filter(|stream| *stream != CONTROL) {
            let is_before = if before.contains(&stream) {
                "yes"
            } else {
                "no"
            };
            add(race.question(stream), is_before.to_owned());
        }
    }
    report
}

/// Joins lines into one, with a count of those that repeat.
fn join(lines: &[String]) -> String {
    let runs = lines.chunk_by(PartialEq::eq).map(|run| match run.len() {
        1 => run[0].clone(),
        times => format!("{times} x {}", run[0]),
    });
    runs.collect::<Vec<_>>().join(", ")
}
