//! Reads an event stream from stdin and prints each event as a line of JSON.
//!
//! `curl -N http://localhost:3000/ticks | decode` prints events as they arrive. With `--all`,
//! comments and retry fields are printed too. `--chunk N` decodes the stream in chunks of N bytes.

use std::error::Error;
use std::io::{Read, Write};
use std::process::ExitCode;

use serde_json::json;
use sse_codec::{Decoder, Item};

#[derive(serde::Serialize)]
struct Event<'a> {
    event: &'a str,
    data: &'a str,
    id: &'a str,
}

fn main() -> ExitCode {
    match arguments().and_then(|(chunk_len, all)| decode(chunk_len, all)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("decode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(usize, bool), Box<dyn Error>> {
    let (mut chunk_len, mut all) = (64 * 1024, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--all" => all = true,
            "--chunk" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                chunk_len = number
                    .filter(|len| *len > 0)
                    .ok_or("--chunk takes a number of bytes")?;
            }
            other => {
                return Err(format!(
                    "unknown argument {other:?}; the options are --chunk N and --all"
                )
                .into());
            }
        }
    }
    Ok((chunk_len, all))
}

fn decode(chunk_len: usize, all: bool) -> Result<(), Box<dyn Error>> {
    let (mut stdin, mut stdout) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut decoder = Decoder::new().report_comments(all).report_retry(all);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = stdin.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        for chunk in buffer[..len].chunks(chunk_len) {
            let mut items = decoder.feed(chunk);
            while let Some(item) = items.next()? {
                let line = match item {
                    Item::Event(event) => serde_json::to_string(&Event {
                        event: event.event(),
                        data: event.data(),
                        id: event.last_event_id(),
                    })?,
                    // `json!` takes no `u128`; the decoder returns at most `u64::MAX` milliseconds.
                    Item::Retry(time) => {
                        json!({ "retry": u64::try_from(time.as_millis())? }).to_string()
                    }
                    Item::Comment(text) => json!({ "comment": text }).to_string(),
                    _ => continue,
                };
                writeln!(stdout, "{line}")?;
                stdout.flush()?;
            }
        }
    }
}
