//! Small streams that decoders get wrong, with the events that the standard requires. Each is decoded
//! whole and byte by byte.

use bytes::Bytes;
use sse_bench_report::Table;

use super::input::Input;
use super::peers::{PEERS, Peer};
use crate::attempt::attempt;

struct Rule {
    name: &'static str,
    stream: &'static [u8],
    /// Name, last event ID, data.
    events: &'static [(&'static str, &'static str, &'static str)],
}

/// The rules of HTML § 9.2.5 and 9.2.6.
const RULES: [Rule; 16] = [
    Rule {
        name: "a byte order mark at the start is skipped",
        stream: b"\xEF\xBB\xBFdata: a\n\n",
        events: &[("message", "", "a")],
    },
    Rule {
        name: "a second one is part of the field's name",
        stream: b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n",
        events: &[("message", "", "b")],
    },
    Rule {
        name: "CR alone ends a line",
        stream: b"data: a\rdata: b\r\rdata: c\r\r",
        events: &[("message", "", "a\nb"), ("message", "", "c")],
    },
    Rule {
        name: "CRLF ends one line",
        stream: b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
        events: &[("message", "", "a\nb"), ("message", "", "c")],
    },
    Rule {
        name: "line ends can be mixed",
        stream: b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\n",
        events: &[("message", "", "a\nb\nc"), ("message", "", "d")],
    },
    Rule {
        name: "one space after the colon is removed, and only one",
        stream: b"data:a\n\ndata:  b\n\n",
        events: &[("message", "", "a"), ("message", "", " b")],
    },
    Rule {
        name: "a line without a colon is a field without a value",
        stream: b"data\n\ndata\ndata\n\n",
        events: &[("message", "", ""), ("message", "", "\n")],
    },
    Rule {
        name: "empty data is dispatched",
        stream: b"data:\n\ndata: \n\n",
        events: &[("message", "", ""), ("message", "", "")],
    },
    Rule {
        name: "without data nothing is dispatched, and the name is forgotten",
        stream: b"event: a\n\ndata: b\n\n",
        events: &[("message", "", "b")],
    },
    Rule {
        name: "an id stays for the events that follow",
        stream: b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
        events: &[
            ("message", "1", "a"),
            ("message", "1", "b"),
            ("message", "", "c"),
        ],
    },
    Rule {
        name: "an id without data counts",
        stream: b"id: 1\n\ndata: a\n\n",
        events: &[("message", "1", "a")],
    },
    Rule {
        name: "an id with NUL is ignored",
        stream: b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n",
        events: &[("message", "1", "a"), ("message", "1", "b")],
    },
    Rule {
        name: "field names are taken literally",
        stream: b"Data: a\n data: b\ndata : c\nxdata: d\ndata: e\n\n",
        events: &[("message", "", "e")],
    },
    Rule {
        name: "comments are ignored, also inside an event",
        stream: b": a\ndata: b\n:\n:c\ndata: d\n\n:\n\n",
        events: &[("message", "", "b\nd")],
    },
    Rule {
        name: "an incomplete event at the end is discarded",
        stream: b"data: a\n\ndata: b\n",
        events: &[("message", "", "a")],
    },
    Rule {
        name: "invalid UTF-8 is replaced",
        stream: b"data: a\xFF\xE2\x82b\n\ndata: c\n\n",
        events: &[("message", "", "a\u{FFFD}\u{FFFD}b"), ("message", "", "c")],
    },
];

/// Returns the indexes of the rules that `peer` breaks.
fn broken(peer: &Peer) -> Vec<usize> {
    let holds = |rule: &Rule| {
        [1, usize::MAX].into_iter().all(|chunk_len| {
            let input = Input::new(Bytes::from_static(rule.stream), chunk_len);
            // A peer that panics breaks the rule as well.
            let events = attempt(|| (peer.keep)(&input).0);
            let expected = rule.events.iter();
            events.is_some_and(|events| {
                events
                    .iter()
                    .map(|(event, id, data)| (event.as_str(), id.as_str(), data.as_str()))
                    .eq(expected.copied())
            })
        })
    };
    (0..RULES.len())
        .filter(|index| !holds(&RULES[*index]))
        .collect()
}

/// Returns the table of the rules that each peer breaks, and whether ours breaks none.
pub(super) fn table() -> (Table, bool) {
    let mut table = Table::new(
        "Departures from the standard",
        ["peer", "events", "rules broken"],
    );
    let mut ours_holds = true;
    for peer in &PEERS {
        let broken = broken(peer);
        ours_holds &= !peer.is_ours() || broken.is_empty();
        let numbers: Vec<_> = broken.iter().map(|index| (index + 1).to_string()).collect();
        table.row([peer.name, peer.events, &numbers.join(", ")]);
    }
    let rules: Vec<_> = (1..)
        .zip(&RULES)
        .map(|(number, rule)| format!("{number}. {}", rule.name))
        .collect();
    table
        .note("Each rule is a small stream, decoded whole and byte by byte (HTML § 9.2.5, 9.2.6):");
    table.note(rules.join("\n"));
    for peer in PEERS.iter().filter(|peer| !peer.remark.is_empty()) {
        table.note(format!("{}: {}.", peer.name, peer.remark));
    }
    (table, ours_holds)
}
