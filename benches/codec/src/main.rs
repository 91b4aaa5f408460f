//! Decoding and encoding, measured against every peer. See `--help`, and the report in
//! `benches/REPORT.md`.

mod attempt;
mod corpus;
mod decode;
mod encode;
mod node;
mod outcome;
mod selection;

use std::env;
use std::process::ExitCode;

use crate::selection::{Selection, USAGE};

const PARTS: [&str; 2] = [decode::PART, encode::PART];

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<(), String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        // Runs under valgrind, which counts.
        ["--once", part, name, what, times] => {
            let times = times.parse().map_err(|_| "times must be a number")?;
            match *part {
                decode::PART => decode::once(name, what, times),
                encode::PART => encode::once(name, what, times),
                _ => Err(format!("there is no part {part}")),
            }
        }
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        arguments => {
            let of_decode =
                |name: &str| decode::kinds().chain(decode::peers()).any(|it| it == name);
            let of_encode =
                |name: &str| encode::cases().chain(encode::peers()).any(|it| it == name);
            let is_known = |name: &str| PARTS.contains(&name) || of_decode(name) || of_encode(name);
            let arguments = arguments.iter().map(|argument| (*argument).to_owned());
            let selection = Selection::parse(arguments, is_known)?;
            if selection.runs_part(decode::PART, &PARTS, of_decode) {
                decode::run(&selection)?;
            }
            if selection.runs_part(encode::PART, &PARTS, of_encode) {
                encode::run(&selection)?;
            }
            Ok(())
        }
    }
}
