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

/// How long a round of one contender should take at most, in seconds. A slow contender decodes only
/// the beginning of the stream; costs are per byte, so they remain comparable.
const MAX_ROUND: f64 = 0.2;

/// Runs the selected measurements.
///
/// # Errors
///
/// When our decoder breaks a rule or gives other events, or when the report cannot be written.
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
            // In very small chunks or none, some peers take minutes for the whole corpus.
            let is_main = chunk_len == MAIN_CHUNK;
            let judged = if is_main { &corpus } else { &little };
            let names = disagreeing(judged, chunk_len, &peers, node.as_mut().ok());
            disagreements.extend(names.into_iter().map(|name| (name, kind.name, chunk)));
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

/// Returns the decoders whose events differ from those of the corpus.
fn disagreeing(
    corpus: &Corpus,
    chunk_len: usize,
    peers: &[&Peer],
    node: Option<&mut Node>,
) -> Vec<&'static str> {
    let input = Input::new(corpus.bytes.clone(), chunk_len);
    let mut names: Vec<_> = peers
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
            names.push(node::NAME);
        }
    }
    names
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

/// Returns as much of the input as `decode` decodes within [`MAX_ROUND`], but at least 1/64. This
/// favours decoders whose time grows with the square of the length of a line or chunk.
fn shortened(input: &Input, decode: fn(&Input)) -> Input {
    let whole = input.bytes().len();
    let mut len = whole / 64;
    while len < whole {
        let begun = Instant::now();
        decode(&input.prefix(len));
        if begun.elapsed().as_secs_f64() * 2.0 > MAX_ROUND {
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

/// Runs one decoder on the beginning of a corpus, repeated `times` times, for valgrind to count. The
/// difference of two such runs is the cost in a decoder that has decoded before.
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
    // The cost up to here does not depend on `times`.
    let stream = Input::new(bytes.repeat(MOST_COUNTED).into(), MAIN_CHUNK);
    (peer.consume)(&stream.prefix(bytes.len() * times));
    Ok(())
}
