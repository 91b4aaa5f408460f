//! The command line of a benchmark. The program is the load generator, and starts itself again as
//! each of its servers. Options of a single benchmark are parsed there.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::server;

/// The result of a benchmark. An error ends the program.
pub type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Runs a benchmark. With the arguments `serve SERVER [CORE]` this process is one of `servers`, and
/// `serve` gets its two sockets; otherwise `measure` gets the arguments.
pub fn main<S: Copy + AsRef<str>>(
    servers: &[S],
    serve: impl FnOnce(S, TcpListener, UdpSocket) -> io::Result<()>,
    measure: impl FnOnce(&[&str]) -> Result,
) -> ExitCode {
    let serve = |name: &str, core: Option<&str>| -> Result {
        let server = named(servers, name).ok_or_else(|| format!("no server {name}"))?;
        let (listener, datagrams) = server::start(core.map(str::parse).transpose()?)?;
        Ok(serve(server, listener, datagrams)?)
    };
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve", server] => serve(server, None),
        ["serve", server, core] => serve(server, Some(core)),
        _ => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments of a load generator with the servers `S` and the runs `R`.
#[derive(Clone, Debug)]
pub struct Arguments<S: 'static, R: 'static> {
    quick: bool,
    rounds: Option<usize>,
    output: Option<PathBuf>,
    servers: Choice<S>,
    runs: Choice<R>,
}

impl<S: Copy + AsRef<str>, R: Copy + AsRef<str>> Arguments<S, R> {
    /// Creates arguments that select all of these servers and runs.
    #[must_use]
    pub const fn new(servers: &'static [S], runs: &'static [R]) -> Self {
        Self {
            quick: false,
            rounds: None,
            output: None,
            servers: Choice::of(servers),
            runs: Choice::of(runs),
        }
    }

    /// Takes an argument, with the `value` that follows it if it has one. Returns whether it is known.
    ///
    /// # Errors
    ///
    /// When the value is missing or invalid.
    pub fn take<'a>(
        &mut self,
        argument: &str,
        value: impl FnOnce() -> Result<&'a str, String>,
    ) -> Result<bool> {
        match argument {
            "--quick" => self.quick = true,
            "--rounds" => self.rounds = Some(value()?.parse()?),
            "--output" => self.output = Some(value()?.into()),
            "--server" => return Ok(self.servers.choose(value()?)),
            name => return Ok(self.runs.choose(name)),
        }
        Ok(true)
    }

    /// Returns whether to check only that everything works.
    pub const fn quick(&self) -> bool {
        self.quick
    }

    /// Returns how often to repeat each measurement; without it, each has its own number.
    pub const fn rounds(&self) -> Option<usize> {
        self.rounds
    }

    /// Returns the folder for the report.
    pub const fn output(&self) -> Option<&PathBuf> {
        self.output.as_ref()
    }

    /// Returns the selected servers.
    pub fn servers(&self) -> &[S] {
        self.servers.get()
    }

    /// Returns the selected runs.
    pub fn runs(&self) -> &[R] {
        self.runs.get()
    }
}

/// The values that were named, or all.
#[derive(Clone, Debug)]
struct Choice<T: 'static> {
    all: &'static [T],
    named: Vec<T>,
}

impl<T: Copy + AsRef<str>> Choice<T> {
    const fn of(all: &'static [T]) -> Self {
        Self {
            all,
            named: Vec::new(),
        }
    }

    /// Adds the value of this name. Returns whether there is one.
    fn choose(&mut self, name: &str) -> bool {
        let found = named(self.all, name);
        self.named.extend(found);
        found.is_some()
    }

    fn get(&self) -> &[T] {
        if self.named.is_empty() {
            self.all
        } else {
            &self.named
        }
    }
}

fn named<T: Copy + AsRef<str>>(all: &[T], name: &str) -> Option<T> {
    all.iter().copied().find(|it| it.as_ref() == name)
}
