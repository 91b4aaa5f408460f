//! Reads lines of JSON from stdin and writes an event stream to stdout, the inverse of `decode`.
//!
//! Each line is an object with any of `event`, `data`, `id`, `retry` (milliseconds) and `comment`.
//! A line that cannot be encoded is reported by its number, and the others are still written.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use sse_codec::{Encoder, Event};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: Option<String>,
    data: Option<String>,
    id: Option<String>,
    retry: Option<u64>,
    comment: Option<String>,
}

fn main() -> ExitCode {
    match encode() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("encode: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many lines were invalid.
fn encode() -> std::io::Result<usize> {
    let mut stdout = std::io::stdout().lock();
    let (mut out, mut invalid) = (Vec::new(), 0);
    for (number, line) in (1..).zip(std::io::stdin().lock().split(b'\n')) {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Err(reason) = encode_line(&line, &mut out) {
            eprintln!("line {number}: {reason}");
            invalid += 1;
        }
        stdout.write_all(&out)?;
        stdout.flush()?;
        out.clear();
    }
    Ok(invalid)
}

fn encode_line(line: &[u8], out: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    let line: Line = serde_json::from_slice(line)?;
    let mut event = Event::new();
    if let Some(comment) = &line.comment {
        event = event.comment(comment);
    }
    if let Some(milliseconds) = line.retry {
        event = event.retry(Duration::from_millis(milliseconds));
    }
    if let Some(name) = &line.event {
        event = event.event(name);
    }
    if let Some(id) = &line.id {
        event = event.id(id);
    }
    match &line.data {
        Some(data) => Encoder::new().encode(&event.data(data), out)?,
        None => Encoder::new().encode(&event, out)?,
    };
    Ok(())
}
