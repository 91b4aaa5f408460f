//! The part of the report on encoding: marks, tables and charts.

use std::io;

use sse_bench_report::{Chart, Machine, Part, Samples, Table, Valgrind};

use super::cases::{CASES, Content};
use super::peers::{AXUM, BARE_JSON, FLOOR, OURS, PEERS, TRUSTING};
use super::plan::{self, Measured, PART, does};
use crate::selection::Selection;

const INTRODUCTION: &str = "\
Each contender does what its server does for an event up to the bytes for the body. All take turns \
in one process; a figure is the ratio of two neighbours: the median of the rounds, with the \
smallest and largest in brackets. The *floor* is written by hand for the case; it splits data at \
line breaks, without which users could forge events, and checks nothing else.";

const LIMITS: &str = "\
### What limits the rest

**A line of 64 KiB** leaves the nearest cache, and what is to be done with it is little: to find \
out whether there is a line break in it, and to copy it. axum's event does the same, so what can \
be gained is bounded by the copy alone, which is no more than two to three times as fast as \
axum's event and varies by that much from one run to the next. Ours takes a third of the floor's \
instructions and a sixth of axum's, and has nothing to give up but the search: it was tried over \
the whole line before the copy, in stretches of 0.5 to 16 KiB, which the copy then finds in the \
cache (what is done now), in the same loop as the copy, block by block, and as the minimum of all \
bytes in vectors instead of a search. None was faster than what is done now. What would be is not \
to copy at all, but to hand long text on to the socket as it is; that is what an encoded frame is \
for (`Sse::send_encoded`).";

/// Writes the part to the terminal, and to a folder if one was given.
pub(super) fn write(
    selection: &Selection,
    measured: &[Measured],
    wrong: &[(&str, &str)],
) -> io::Result<()> {
    let mut part = Part::new("encoding", "Encoding", &Machine::here());
    if !selection.quick {
        part.paragraph(INTRODUCTION);
        let counted = Valgrind::find()
            .map(|it| counts(it, selection))
            .transpose()?;
        part.table(&marks(measured, counted.as_deref().unwrap_or_default()));
        part.table(&speeds(measured));
        part.chart("speed", &chart(measured))?;
        match &counted {
            Some(counted) => {
                part.table(&instructions(counted));
                part.table(&allocations(counted));
            }
            None => drop(part.paragraph("Valgrind is not installed: nothing was counted.")),
        }
        part.paragraph(LIMITS);
    }
    part.table(&wrongs(wrong));
    println!("{}", part.markdown());
    let is_whole = selection.is_whole(plan::cases()) && selection.is_whole(plan::peers());
    match &selection.out {
        Some(folder) if is_whole && !selection.quick => part.write_to(folder),
        _ => Ok(()),
    }
}

fn marks(measured: &[Measured], counted: &[Count]) -> Table {
    let mut table = Table::new(
        "Marks",
        ["mark", "case", "must reach", "measured", "reached"],
    );
    let mut mark = |what: &str, case: &str, must: &str, value: f64, reached: bool| {
        let verdict = if reached { "yes" } else { "no" };
        table.row([what, case, must, &format!("{value:.2}"), verdict]);
    };
    let mut limits = Vec::new();
    let is_json = |content: &Content| matches!(content, Content::Json(_));
    for Measured { case, samples } in measured.iter().filter(|it| !is_json(&it.case.content)) {
        for axum in AXUM {
            if let Some(speed) = samples.speed(OURS, axum) {
                let what = format!("times as fast as {axum}");
                let times = speed.median;
                mark(&what, case.name, "≥ 3", times, times >= 3.0);
            }
        }
        let [event_only, _] = AXUM;
        if let Some(limit) = samples.speed(TRUSTING, event_only) {
            limits.push(format!("{} {limit}", case.name));
        }
    }
    for case in CASES.iter() {
        let (limit, most) = if is_json(&case.content) {
            (BARE_JSON, 1.15)
        } else {
            (FLOOR, 1.2)
        };
        if let Some(ratio) = instruction_ratio(counted, case.name, OURS, limit) {
            let what = format!("instructions to those of {limit}");
            mark(&what, case.name, &format!("≤ {most}"), ratio, ratio <= most);
        }
    }
    for count in counted.iter().filter(|count| count.encoder == OURS) {
        let value = count.allocations;
        mark(
            "allocations per event",
            count.case,
            "0",
            value,
            value == 0.0,
        );
    }
    if !limits.is_empty() {
        table.note(format!(
            "How many times as fast as axum's event alone it is to copy the text without a check, which no \
             encoder may do: {}.",
            limits.join(", ")
        ));
    }
    table
}

fn speeds(measured: &[Measured]) -> Table {
    let mut table = Table::new(
        "How many times as fast *ours* is",
        ["than"]
            .into_iter()
            .chain(measured.iter().map(|it| it.case.name)),
    );
    for peer in PEERS.iter().filter(|peer| peer.name != OURS) {
        let cells: Vec<_> = measured
            .iter()
            .map(|it| {
                it.samples
                    .speed(OURS, peer.name)
                    .map_or_else(String::new, |it| it.to_string())
            })
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.row([peer.name.to_owned()].into_iter().chain(cells));
        }
    }
    for case in CASES.iter() {
        table.note(format!("`{}`: {}.", case.name, case.description));
    }
    for peer in PEERS.iter().filter(|peer| !peer.remark.is_empty()) {
        table.note(format!("{}: {}.", peer.name, peer.remark));
    }
    table
}

fn chart(measured: &[Measured]) -> Chart {
    let mut chart = Chart::new(
        "Encoding: speed relative to the hand-written floor (logarithmic)",
        "times the floor",
        measured.iter().map(|it| it.case.name),
    );
    let is_shown = |name: &&str| !name.contains("Vec") && !name.contains("serde_json");
    for name in plan::peers().filter(is_shown) {
        let speed = |samples: &Samples| Some(samples.speed(name, FLOOR)?.median);
        let values: Vec<_> = measured.iter().map(|it| speed(&it.samples)).collect();
        if values.iter().any(Option::is_some) {
            chart.series(name, values);
        }
    }
    chart
}

/// The cost of encoding one event.
struct Count {
    encoder: &'static str,
    case: &'static str,
    instructions: f64,
    allocations: f64,
}

fn counts(valgrind: Valgrind, selection: &Selection) -> io::Result<Vec<Count>> {
    let mut counts = Vec::new();
    for case in CASES
        .iter()
        .filter(|case| selection.selects(case.name, plan::cases()))
    {
        for peer in PEERS.iter().filter(|peer| does(peer.name, case)) {
            if peer.name != OURS && !selection.selects(peer.name, plan::peers()) {
                continue;
            }
            eprintln!("count {} in {}", peer.name, case.name);
            // The difference is large enough for the buffer to be sent a few times.
            let arguments = ["--once", PART, peer.name, case.name];
            counts.push(Count {
                encoder: peer.name,
                case: case.name,
                instructions: valgrind.instructions(&arguments, 200, 1200)?,
                allocations: valgrind.allocations(&arguments, 200, 1200)?,
            });
        }
    }
    Ok(counts)
}

fn count_of<'a>(counted: &'a [Count], case: &str, encoder: &str) -> Option<&'a Count> {
    counted
        .iter()
        .find(|count| count.case == case && count.encoder == encoder)
}

fn instruction_ratio(counted: &[Count], case: &str, encoder: &str, to: &str) -> Option<f64> {
    let count = count_of(counted, case, encoder)?;
    Some(count.instructions / count_of(counted, case, to)?.instructions)
}

fn counted_table(title: &str, counted: &[Count], cell: impl Fn(&Count) -> String) -> Table {
    let is_counted = |case: &&str| counted.iter().any(|count| count.case == *case);
    let cases: Vec<_> = plan::cases().filter(is_counted).collect();
    let mut table = Table::new(title, ["encoder"].into_iter().chain(cases.iter().copied()));
    for name in plan::peers().filter(|name| counted.iter().any(|count| count.encoder == *name)) {
        let cells = cases
            .iter()
            .map(|case| count_of(counted, case, name).map_or_else(String::new, &cell));
        table.row([name.to_owned()].into_iter().chain(cells));
    }
    table
}

fn instructions(counted: &[Count]) -> Table {
    let mut table = counted_table(
        "Instructions per event, and relative to the floor",
        counted,
        |count| {
            let ratio = instruction_ratio(counted, count.case, count.encoder, FLOOR);
            let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({ratio:.2})"));
            format!("{:.0}{ratio}", count.instructions)
        },
    );
    table.note("Counted by valgrind, whose processor has AVX2 but no AVX-512.");
    table
}

fn allocations(counted: &[Count]) -> Table {
    counted_table("Allocations per event", counted, |count| {
        format!("{:.2}", count.allocations)
    })
}

fn wrongs(wrong: &[(&str, &str)]) -> Table {
    let mut table = Table::new(
        "Encoders with other bytes than the events of the case",
        ["encoder", "case"],
    );
    for &(name, case) in wrong {
        table.row([name, case]);
    }
    if wrong.is_empty() {
        table.note("None: the bytes of all encoders decode to the same events.");
    }
    table
}
