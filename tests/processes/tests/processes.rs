//! What a program has started ends with it, and with the process that started it.

#![cfg(unix)]

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use sse_processes::Process;

/// A program that starts another one and waits for it. Both keep the standard output open, so that its
/// end is the end of both.
const TWO: &str = "sleep 1000 & echo started; wait";

/// The environment variable of the process that starts a program and is killed.
const IS_STARTER: &str = "SSE_PROCESSES_STARTER";

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    command
}

/// Reads up to the line that says that both programs run.
fn both_run(output: ChildStdout) -> BufReader<ChildStdout> {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    while line.trim() != "started" {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).expect("a line"),
            0,
            "an early end"
        );
    }
    output
}

fn end(mut output: BufReader<ChildStdout>) -> io::Result<usize> {
    output.read_to_end(&mut Vec::new())
}

#[test]
fn a_dropped_process_ends_with_what_it_has_started() {
    let mut process = Process::start(shell(TWO).stdout(Stdio::piped())).expect("started");
    let output = both_run(process.take_stdout().expect("a pipe"));
    assert_eq!(process.ended().expect("its state"), None);
    drop(process);
    end(output).expect("the end of both");
}

#[test]
fn what_a_program_has_started_ends_even_if_the_program_ended_before() {
    let script = "sleep 1000 & echo started";
    let mut process = Process::start(shell(script).stdout(Stdio::piped())).expect("started");
    let output = both_run(process.take_stdout().expect("a pipe"));
    while process.ended().expect("its state").is_none() {
        std::thread::yield_now();
    }
    drop(process);
    end(output).expect("the end of the other");
}

#[test]
fn a_program_that_signals_its_group_does_not_end_its_guard() {
    let script = "trap '' TERM; kill -s TERM 0; sleep 1000 & echo started; wait";
    let mut process = Process::start(shell(script).stdout(Stdio::piped())).expect("started");
    let output = both_run(process.take_stdout().expect("a pipe"));
    drop(process);
    end(output).expect("the end of both");
}

#[test]
fn a_program_that_does_not_exist_is_an_error() {
    let started = Process::start(&mut Command::new("no-such-program"));
    assert_eq!(
        started.expect_err("not started").kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn programs_end_with_the_process_that_started_them_however_it_is_ended() {
    for signal in ["INT", "TERM", "KILL"] {
        let mut starter = start_starter();
        let output = both_run(starter.stdout.take().expect("a pipe"));
        let killed = shell(&format!("kill -s {signal} {}", starter.id())).status();
        assert!(killed.expect("kill runs").success());
        assert!(!starter.wait().expect("its end").success());
        end(output).expect("the end of all");
    }
}

/// Starts this program again, as the process that starts a program.
fn start_starter() -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "a_starter", "--nocapture"])
        .env(IS_STARTER, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started")
}

/// What the process that starts a program runs; nothing in others.
#[test]
fn a_starter() {
    if env::var_os(IS_STARTER).is_some() {
        let _process = Process::start(&mut shell(TWO)).expect("started");
        loop {
            std::thread::park();
        }
    }
}
