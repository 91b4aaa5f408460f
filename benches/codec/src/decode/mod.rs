//! Decoding: all decoders on all corpora in all chunk sizes.

mod conformance;
mod input;
mod limits;
mod peers;
mod plan;
mod report;

use std::time::Instant;

use sse_bench_report::{Contender, Samples, interleave};

use self::input::Input;
use self::limits::LIMITS;
use self::peers::{PEERS, Peer};
use self::plan::{CHUNKS, COUNTED_LEN, MAIN_CHUNK, MOST_COUNTED, Measured};
pub(crate) use self::plan::{PART, kinds, peers};
use crate::attempt::attempt;
use crate::corpus::{Corpus, KINDS};
use crate::node::{self, Node};
use crate::selection::Selection;

const CORPUS_LEN: usize = 16 << 20;
const QUICK_CORPUS_LEN: usize = 128 << 10;

const ROUNDS: usize = 7;
const MAIN_ROUNDS: usize = 11;

/// A round of one contender should not take longer, in seconds: who is slow gets the beginning of
/// the stream only. The costs are for each byte, so this does not change what is compared.
const PATIENCE: f64 = 0.2;

/// Runs what is selected. `Err` if something went wrong, or somebody disagrees who must not.
pub(crate) fn run(selection: &Selection) -> Result<(), String> {
    let peers: Vec<_> = PEERS
        .iter()
        .filter(|peer| peer.is_ours() || selection.selects(peer.name, peers()))
        .collect();
    let (departures, ours_holds) = conformance::table();
    if !ours_holds {
        return Err(format!("our decoder breaks a rule:\n{departures}"));
    }

    let mut node = Node::start();
    if let Err(reason) = &node {
        eprintln!("{}: {reason}", node::NAME);
    }
    let len = if selection.quick {
        QUICK_CORPUS_LEN
    } else {
        CORPUS_LEN
    };
    let (mut measured, mut disagreements) = (Vec::new(), Vec::new());
    for kind in KINDS {
        if !selection.selects(kind.name, kinds()) {
            continue;
        }
        let corpus = kind.generate(len);
        let little = kind.generate(QUICK_CORPUS_LEN);
        for (chunk, chunk_len) in CHUNKS {
            eprintln!("decode {}, chunks of {chunk}", kind.name);
            // Cut finely or not at all, some take minutes for the whole.
            let is_main = chunk_len == MAIN_CHUNK;
            let judged = if is_main { &corpus } else { &little };
            let who = disagreeing(judged, chunk_len, &peers, node.as_mut().ok());
            disagreements.extend(who.into_iter().map(|name| (name, kind.name, chunk)));
            if selection.quick {
                continue;
            }
            measured.push(Measured {
                corpus: kind.name,
                chunk,
                samples: measure(&corpus, chunk_len, &peers, node.as_mut().ok()),
            });
        }
    }
    drop(node);
    if let Some(ours) = disagreements.iter().find(|(name, ..)| peers::is_ours(name)) {
        return Err(format!(
            "our decoder does not give the events of the corpus: {ours:?}"
        ));
    }
    report::write(selection, &measured, &departures, &disagreements)
        .map_err(|error| error.to_string())
}

/// Those whose events are not those that the corpus was made of.
fn disagreeing(
    corpus: &Corpus,
    chunk_len: usize,
    peers: &[&Peer],
    node: Option<&mut Node>,
) -> Vec<&'static str> {
    let input = Input::new(corpus.bytes.clone(), chunk_len);
    let mut who: Vec<_> = peers
        .iter()
        .filter(|peer| {
            let digest = attempt(|| (peer.digest)(&input));
            digest != Some(corpus.expected)
        })
        .map(|peer| peer.name)
        .collect();
    if let Some(node) = node {
        let digest = node
            .load(&corpus.bytes, chunk_len)
            .and_then(|()| node.digest());
        if digest.ok() != Some(corpus.expected) {
            who.push(node::NAME);
        }
    }
    who
}

fn measure(corpus: &Corpus, chunk_len: usize, peers: &[&Peer], node: Option<&mut Node>) -> Samples {
    let whole = Input::new(corpus.bytes.clone(), chunk_len);
    let mut contenders: Vec<_> = LIMITS
        .iter()
        .map(|limit| contender(limit.name, limit.pass, whole.clone()))
        .collect();
    for peer in peers {
        let input = shortened(&whole, peer.consume);
        contenders.push(contender(peer.name, peer.consume, input));
    }
    if let Some(node) = node {
        let len = whole.bytes().len();
        let decode = move || {
            node.decode().unwrap_or_else(|error| {
                eprintln!("{}: {error}", node::NAME);
                f64::NAN
            })
        };
        contenders.push(Contender::reporting(node::NAME, decode).per(as_f64(len)));
    }
    let rounds = if chunk_len == MAIN_CHUNK {
        MAIN_ROUNDS
    } else {
        ROUNDS
    };
    interleave(&mut contenders, rounds)
}

fn contender(name: &str, decode: fn(&Input), input: Input) -> Contender<'static> {
    let len = as_f64(input.bytes().len());
    Contender::new(name, move || decode(&input)).per(len)
}

/// As much of the input as `decode` gets through within its time, but not less than 1/64. For
/// those whose time grows with the square of a line's or a chunk's length, that is in their
/// favour.
fn shortened(input: &Input, decode: fn(&Input)) -> Input {
    let whole = input.bytes().len();
    let mut len = whole / 64;
    while len < whole {
        let begun = Instant::now();
        decode(&input.prefix(len));
        if begun.elapsed().as_secs_f64() * 2.0 > PATIENCE {
            break;
        }
        len *= 2;
    }
    input.prefix(len)
}

#[allow(clippy::cast_precision_loss, reason = "lengths of some megabytes")]
fn as_f64(len: usize) -> f64 {
    len as f64
}

/// One decoder on a stream that is the beginning of a corpus, `times` over: to be counted from
/// outside. The difference of two such runs is that of a decoder which has been at work before.
pub(crate) fn once(name: &str, corpus: &str, times: u64) -> Result<(), String> {
    let kind = KINDS.iter().find(|kind| kind.name == corpus);
    let peer = PEERS.iter().find(|peer| peer.name == name);
    let (Some(kind), Some(peer)) = (kind, peer) else {
        return Err("no such corpus or decoder".to_owned());
    };
    let bytes = kind.generate(COUNTED_LEN).bytes;
    let times = usize::try_from(times)
        .unwrap_or(usize::MAX)
        .min(MOST_COUNTED);
    // Whatever the times, it takes the same to get here.
    let stream = Input::new(bytes.repeat(MOST_COUNTED).into(), MAIN_CHUNK);
    (peer.consume)(&stream.prefix(bytes.len() * times));
    Ok(())
}
