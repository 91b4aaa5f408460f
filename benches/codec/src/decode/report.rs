//! The part of the report on decoding: marks, tables and charts.

use std::io;

use sse_bench_report::{Chart, Machine, Part, Ratios, Samples, Table, Valgrind, geometric_mean};

use super::limits::{LIMITS, MEMCPY};
use super::peers::{BORROWED, OWNED, PEERS, is_ours};
use super::plan::{self, CHUNKS, COUNTED_LEN, MAIN_CHUNK, MOST_COUNTED, Measured, PART};
use crate::corpus::KINDS;
use crate::node;
use crate::selection::Selection;

/// The name of the chunk length of the marks in tables.
const MAIN: &str = "16 KiB";

type Disagreement = (&'static str, &'static str, &'static str);

/// Writes the part to the terminal, and to a folder if one was given.
pub(super) fn write(
    selection: &Selection,
    measured: &[Measured],
    departures: &Table,
    disagreements: &[Disagreement],
) -> io::Result<()> {
    let mut part = Part::new("decoding", "Decoding", &Machine::here());
    if !selection.quick {
        part.paragraph(INTRODUCTION);
        let valgrind = Valgrind::find();
        let counted = valgrind.map(|it| counts(it, selection)).transpose()?;
        part.table(&marks(measured, counted.as_deref()));
        part.table(&overview(measured));
        part.chart("throughput", &chart(measured))?;
        part.table(&against_all(measured));
        part.table(&chunk_lengths(measured));
        match &counted {
            Some(counted) => {
                let per_byte = |count: &Count| count.instructions / count.len;
                part.table(&counted_table(
                    "Instructions per byte",
                    counted,
                    per_byte,
                    2,
                ));
                let per_event = |count: &Count| count.allocations / count.events;
                part.table(&counted_table(
                    "Allocations per event",
                    counted,
                    per_event,
                    2,
                ));
            }
            None => drop(part.paragraph("Valgrind is not installed: nothing was counted.")),
        }
    }
    part.table(departures);
    part.table(&disagreement(disagreements));
    if !selection.quick {
        part.paragraph(WHAT_LIMITS);
    }
    println!("{}", part.markdown());
    let is_whole = selection.is_whole(plan::kinds()) && selection.is_whole(plan::peers());
    match &selection.out {
        Some(folder) if is_whole && !selection.quick => part.write_to(folder),
        _ => Ok(()),
    }
}

const INTRODUCTION: &str = "\
Each corpus is 16 MiB from a fixed seed, cut into chunks as they would arrive. All contenders take \
turns in one process, so a figure is always the ratio of two neighbours: the median of the rounds, \
with the smallest and largest in brackets. \"Ours\" is the decoder fed with slices; *borrowed* \
hands out `&str`s, *owned* keeps each event. The fastest peer is chosen anew for each corpus and \
chunk length. GB/s are there for orientation only.";

const WHAT_LIMITS: &str = "\
### What limits the rest

- **Long lines** (`large`): a line that comes in pieces is copied, searched and checked to be \
UTF-8, by us and by the fastest peer alike, and the check, in the widest vectors that a crate \
without `unsafe` of its own can reach, takes most of the time. Checking each piece while it is in \
the cache, copying and checking 1 KiB or 4 KiB at a time, and the other variant of the check were \
within the noise of checking once at the end.
- **Several lines** (`lines`): they have to be joined, so each line costs a copy in any decoder. \
Copying a line together with its LF, as a block of fixed length if it is no longer than that, and \
checking the joined text once is what is left of it; a third of the instructions are the masks. \
Holding the buffer in local variables for the while took more instructions, not less.
- **Line ends**: the masks are in SSE2, what every x86-64 has. Choosing wider vectors at run time, \
for 16 blocks in one call, took a tenth of the instructions off `openai` and no time; with the \
whole program compiled for AVX2 most corpora gained 2 to 15 %. Going on by `memchr2` after a first \
block without a line end is slower for lines of some 200 bytes, and skipping blocks that hold no \
control character gains nothing. Nor does one comparison for all bytes up to CR, with a look at \
each that is found; and letting the next block begin after a blank line, rather than clearing a \
bit of it, makes each block wait for the line before it.
- **Handing events over** (`tiny`): saving registers for a call and passing the event in memory \
cost more than reading it, so the path of the most common event, a line of data and a blank line, \
is inlined into the caller's loop. Names and ids are read by a call, as the code \
for them is too much to be inlined.
- **Events that are kept**: their text is a `Box<str>`, or in place up to 32 bytes, so what is left \
is `malloc` and `free`. `Bytes`, which clones could share, cost 20 to 40 % more for the text \
of one line, and `Arc<str>` by more. Sharing the memory of the chunks (`Bytes::slice`) was another \
15 to 35 % more than `Bytes` with a copy, up to 1,600 bytes, as its two atomic operations cost \
more than `malloc` and `free`; any block that events share has those. An event from the buffers is \
copied once more, since its buffer is larger than its text; and taking the buffer itself \
would need another check, as only the standard library makes a `String` of bytes, with a slower \
check.";

fn is_peer(name: &str) -> bool {
    !is_ours(name) && name != node::NAME && LIMITS.iter().all(|limit| limit.name != name)
}

/// Returns how many times as fast as the fastest peer `name` is, and the name of that peer.
fn against_fastest<'a>(samples: &'a Samples, name: &str) -> Option<(Ratios, &'a str)> {
    let fastest = samples.cheapest(is_peer)?;
    Some((samples.speed(name, fastest)?, fastest))
}

fn in_main_chunks(measured: &[Measured]) -> impl Iterator<Item = &Measured> {
    measured.iter().filter(|it| it.chunk == MAIN)
}

fn marks(measured: &[Measured], counted: Option<&[Count]>) -> Table {
    let mut table = Table::new("Marks", ["mark", "must reach", "measured", "reached"]);
    let mut mark =
        |what: &str, must: String, measured: Option<f64>, reached: &dyn Fn(f64) -> bool| {
            let (value, verdict) = match measured {
                Some(value) => (
                    format!("{value:.2}"),
                    if reached(value) { "yes" } else { "no" },
                ),
                None => ("not measured".to_owned(), ""),
            };
            table.row([what, must.as_str(), &value, verdict]);
        };
    let ratios = |name: &'static str| {
        in_main_chunks(measured)
            .filter_map(move |it| Some(against_fastest(&it.samples, name)?.0.median))
    };
    mark(
        "borrowed, geometric mean over the corpora, chunks of 16 KiB, times the fastest peer of each",
        "≥ 3".to_owned(),
        geometric_mean(ratios(BORROWED)),
        &|it| it >= 3.0,
    );
    mark(
        "owned, the same",
        "≥ 2".to_owned(),
        geometric_mean(ratios(OWNED)),
        &|it| it >= 2.0,
    );
    let every = measured
        .iter()
        .filter_map(|it| Some(against_fastest(&it.samples, BORROWED)?.0.median));
    mark(
        "borrowed, the worst of all corpora and chunk lengths, times the fastest peer",
        "≥ 1".to_owned(),
        every.min_by(f64::total_cmp),
        &|it| it >= 1.0,
    );
    for (name, most) in [(BORROWED, 0.0), (OWNED, 1.0)] {
        let worst = counted.and_then(|counted| {
            let ours = counted.iter().filter(|count| count.decoder == name);
            ours.map(|count| count.allocations / count.events)
                .max_by(f64::total_cmp)
        });
        mark(
            &format!("allocations per event, {name}, the worst corpus"),
            format!("≤ {most}"),
            worst,
            &|it| it <= most,
        );
    }
    table
}

fn overview(measured: &[Measured]) -> Table {
    let mut table = Table::new(
        "Ours against the fastest peer, chunks of 16 KiB",
        [
            "corpus",
            "fastest peer",
            "borrowed",
            "owned",
            "borrowed to memcpy",
            "≈ GB/s",
        ],
    );
    for it in in_main_chunks(measured) {
        let Some((borrowed, fastest)) = against_fastest(&it.samples, BORROWED) else {
            continue;
        };
        let owned = against_fastest(&it.samples, OWNED);
        let limit = it.samples.speed(BORROWED, MEMCPY);
        let rate = it
            .samples
            .median(BORROWED)
            .map_or(0.0, |seconds| 1e-9 / seconds);
        table.row([
            it.corpus.to_owned(),
            fastest.to_owned(),
            borrowed.to_string(),
            owned.map_or_else(String::new, |(ratios, _)| ratios.to_string()),
            limit.map_or_else(String::new, |ratios| ratios.to_string()),
            format!("{rate:.1}"),
        ]);
    }
    for kind in KINDS {
        table.note(format!("`{}`: {}.", kind.name, kind.description));
    }
    table
}

fn against_all(measured: &[Measured]) -> Table {
    let main: Vec<_> = in_main_chunks(measured).collect();
    let mut table = Table::new(
        "How many times as fast *ours, borrowed* is, chunks of 16 KiB",
        ["than"].into_iter().chain(main.iter().map(|it| it.corpus)),
    );
    let Some(first) = main.first() else {
        return table;
    };
    for name in first.samples.names().filter(|name| *name != BORROWED) {
        let cells = main.iter().map(|it| {
            it.samples
                .speed(BORROWED, name)
                .map_or_else(String::new, |ratios| ratios.to_string())
        });
        table.row([name.to_owned()].into_iter().chain(cells));
    }
    table.note("memcpy, memchr2 and UTF-8 are limits: one pass that copies, finds the line ends, or validates.");
    table
}

fn chunk_lengths(measured: &[Measured]) -> Table {
    let mut table = Table::new(
        "*Ours, borrowed* against the fastest peer, by the length of the chunks",
        ["corpus"].into_iter().chain(CHUNKS.map(|(name, _)| name)),
    );
    for kind in KINDS {
        let row: Vec<_> = measured
            .iter()
            .filter(|it| it.corpus == kind.name)
            .collect();
        if row.is_empty() {
            continue;
        }
        let cells = row
            .iter()
            .map(|it| match against_fastest(&it.samples, BORROWED) {
                Some((ratios, fastest)) => format!("{ratios} {fastest}"),
                None => String::new(),
            });
        table.row([kind.name.to_owned()].into_iter().chain(cells));
    }
    table
}

fn chart(measured: &[Measured]) -> Chart {
    let main: Vec<_> = in_main_chunks(measured).collect();
    let mut chart = Chart::new(
        "Decoding, chunks of 16 KiB: speed relative to memcpy (logarithmic)",
        "times memcpy",
        main.iter().map(|it| it.corpus),
    );
    let names = main.first().into_iter().flat_map(|it| it.samples.names());
    for name in names.filter(|name| LIMITS.iter().all(|limit| limit.name != *name)) {
        let speed = |it: &&Measured| Some(it.samples.speed(name, MEMCPY)?.median);
        chart.series(name, main.iter().map(speed));
    }
    chart
}

fn disagreement(disagreements: &[Disagreement]) -> Table {
    let mut table = Table::new(
        "Decoders with other events than those of the corpus",
        ["peer", "corpus", "chunks"],
    );
    for &(name, corpus, chunk) in disagreements {
        table.row([name, corpus, chunk]);
    }
    if disagreements.is_empty() {
        table.note("None: all decoders gave the same events, with all chunk lengths.");
    }
    table
}

/// The cost of decoding the beginning of a corpus.
struct Count {
    decoder: &'static str,
    corpus: &'static str,
    len: f64,
    events: f64,
    instructions: f64,
    allocations: f64,
}

fn counts(valgrind: Valgrind, selection: &Selection) -> io::Result<Vec<Count>> {
    let mut counts = Vec::new();
    for kind in KINDS
        .iter()
        .filter(|kind| selection.selects(kind.name, plan::kinds()))
    {
        let corpus = kind.generate(COUNTED_LEN);
        for peer in &PEERS {
            if !peer.is_ours() && !selection.selects(peer.name, plan::peers()) {
                continue;
            }
            eprintln!("count {} on {}", peer.name, kind.name);
            let arguments = ["--once", PART, peer.name, kind.name];
            #[allow(clippy::cast_precision_loss, reason = "a few thousand events")]
            counts.push(Count {
                decoder: peer.name,
                corpus: kind.name,
                len: corpus.bytes.len() as f64,
                events: corpus.expected.events as f64,
                instructions: valgrind.instructions(&arguments, 1, MOST_COUNTED as u64)?,
                allocations: valgrind.allocations(&arguments, 1, MOST_COUNTED as u64)?,
            });
        }
    }
    Ok(counts)
}

fn counted_table(
    title: &str,
    counts: &[Count],
    value: impl Fn(&Count) -> f64,
    digits: usize,
) -> Table {
    let corpora: Vec<_> = plan::kinds()
        .filter(|kind| counts.iter().any(|it| it.corpus == *kind))
        .collect();
    let mut table = Table::new(
        format!("{title}, chunks of {} KiB", MAIN_CHUNK >> 10),
        ["decoder"].into_iter().chain(corpora.iter().copied()),
    );
    for peer in &PEERS {
        let cells: Vec<_> = corpora
            .iter()
            .filter_map(|corpus| {
                counts
                    .iter()
                    .find(|it| it.corpus == *corpus && it.decoder == peer.name)
            })
            .map(|count| format!("{:.digits$}", value(count)))
            .collect();
        if !cells.is_empty() {
            table.row([peer.name.to_owned()].into_iter().chain(cells));
        }
    }
    table.note("Counted by valgrind, whose processor has AVX2 but no AVX-512, on a decoder that has decoded before.");
    table
}
