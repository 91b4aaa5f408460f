//! Encoding: all encoders in all cases.

mod cases;
mod output;
mod peers;
mod plan;
mod report;

use sse_bench_report::{Contender, Samples, interleave};
use sse_codec::Decoder;

use self::cases::{CASES, Case, Content};
use self::peers::{PEERS, Peer};
use self::plan::{Measured, does};
pub(crate) use self::plan::{PART, cases, peers};
use crate::attempt::attempt;
use crate::outcome::{Digest, Sink as _};
use crate::selection::Selection;

const ROUNDS: usize = 21;

/// How many bytes of data each contender encodes in a round.
const ROUND_LEN: usize = 4 << 20;

/// How many events are compared.
const COMPARED: u64 = 100;

/// Runs the selected measurements.
///
/// # Errors
///
/// When our encoder gives other events, or when the report cannot be written.
pub(crate) fn run(selection: &Selection) -> Result<(), String> {
    let (mut measured, mut wrong) = (Vec::new(), Vec::new());
    for case in CASES
        .iter()
        .filter(|case| selection.selects(case.name, cases()))
    {
        eprintln!("encode {}", case.name);
        let is_wrong = |peer: &&Peer| peers::is_comparable(peer.name) && !encodes(peer, case);
        wrong.extend(
            PEERS
                .iter()
                .filter(is_wrong)
                .map(|peer| (peer.name, case.name)),
        );
        if !selection.quick {
            let samples = measure(case, selection);
            measured.push(Measured { case, samples });
        }
    }
    if let Some(ours) = wrong.iter().find(|(name, _)| name.starts_with(peers::OURS)) {
        return Err(format!("our encoder does not give the events: {ours:?}"));
    }
    report::write(selection, &measured, &wrong).map_err(|error| error.to_string())
}

/// Returns whether the bytes of `peer` decode to the events of the case.
fn encodes(peer: &Peer, case: &'static Case) -> bool {
    let mut expected = Digest::default();
    let data = case.data();
    for _ in 0..COMPARED {
        match &case.content {
            Content::Event(event, id, data) => expected.event(event, id, data.as_bytes()),
            _ => expected.event("", "", data.as_bytes()),
        }
    }
    let Some(bytes) = attempt(|| (peer.keep)(case, COMPARED)) else {
        return false;
    };
    let (mut decoder, mut digest) = (Decoder::new(), Digest::default());
    let mut events = decoder.feed(&bytes);
    while let Ok(Some(event)) = events.next_event() {
        digest.event(
            event.event(),
            event.last_event_id(),
            event.data().as_bytes(),
        );
    }
    digest == expected
}

fn measure(case: &'static Case, selection: &Selection) -> Samples {
    let times = (ROUND_LEN / case.data().len()).clamp(1, 100_000) as u64;
    let mut contenders: Vec<_> = PEERS
        .iter()
        .filter(|peer| selection.selects(peer.name, peers()) || peer.name == peers::OURS)
        .filter(|peer| does(peer.name, case))
        .map(|peer| Contender::new(peer.name, || (peer.discard)(case, times)))
        .collect();
    interleave(&mut contenders, ROUNDS)
}

/// Runs one encoder in one case, `times` times, for valgrind to count.
pub(crate) fn once(name: &str, case: &str, times: u64) -> Result<(), String> {
    let case = CASES
        .iter()
        .find(|it| it.name == case)
        .ok_or("no such case")?;
    let peer = PEERS
        .iter()
        .find(|peer| peer.name == name)
        .ok_or("no such encoder")?;
    (peer.discard)(case, times);
    Ok(())
}
