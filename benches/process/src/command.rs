//! The command line of a benchmark: one program that is its load generator, and each of its
//! servers where it starts itself again. What only one benchmark takes is that benchmark's own.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::server;

/// What was done, or why it was not.
pub type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Does what the command line asks for: after `serve SERVER [CORE]` this process is one of
/// `servers`, and does what `serve` does with its two sockets; else `measure` takes the arguments.
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

/// What the load generator is asked to do with the servers `S`, in the runs `R`.
#[derive(Clone, Debug)]
pub struct Arguments<S: 'static, R: 'static> {
    quick: bool,
    rounds: Option<usize>,
    output: Option<PathBuf>,
    servers: Choice<S>,
    runs: Choice<R>,
}

impl<S: Copy + AsRef<str>, R: Copy + AsRef<str>> Arguments<S, R> {
    /// Nothing was asked for yet, of these servers and runs.
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

    /// Takes an argument, and the `value` behind it if it is to have one. Tells whether it is
    /// known.
    ///
    /// # Errors
    ///
    /// When there is no value, or not such a one.
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

    /// Whether it is only to be shown that everything works.
    pub const fn quick(&self) -> bool {
        self.quick
    }

    /// How often each measurement is repeated; without it, as often as each of them needs.
    pub const fn rounds(&self) -> Option<usize> {
        self.rounds
    }

    /// The folder to write to.
    pub const fn output(&self) -> Option<&PathBuf> {
        self.output.as_ref()
    }

    /// The servers that take part.
    pub fn servers(&self) -> &[S] {
        self.servers.get()
    }

    /// What is measured.
    pub fn runs(&self) -> &[R] {
        self.runs.get()
    }
}

/// Those that were named, or all.
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

    /// Tells whether there is one with this name.
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
