//! What keeps the events: a server's program, or none.

use std::fmt;
use std::path::Path;
use std::process::Command;

use sse_engines::{Server, nats, redis};

use crate::result::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A channel of tokio's, for comparison.
    Channel,
    /// The hub without an engine.
    Embedded,
    Program(Program),
}

/// A server's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) kind: Kind,
    path: String,
    /// Its name and version.
    name: String,
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As Redis, which Valkey is too.
    Redis,
    Nats,
}

impl Engine {
    /// Returns what stands for it on the command line.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Channel => "channel",
            Self::Embedded => "embedded",
            Self::Program(program) => &program.path,
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "channel" => Self::Channel,
            "embedded" => Self::Embedded,
            program => Self::Program(Program::find(program)?),
        })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel | Self::Embedded => f.write_str(self.word()),
            Self::Program(program) => f.write_str(&program.name),
        }
    }
}

impl Program {
    /// Asks a program for its version, which says what it is.
    pub(crate) fn find(path: &str) -> Result<Self> {
        let output = Command::new(path).arg("--version").output();
        let output = output.map_err(|error| format!("cannot run {path}: {error}"))?;
        // "Redis server v=7.0.15 sha=…", "Valkey server v=9.1.2 sha=…", "nats-server: v2.9.10".
        let output = String::from_utf8_lossy(&output.stdout);
        let mut words = output.split_whitespace();
        let first = words.next().unwrap_or_default();
        let version = words.find_map(|word| word.strip_prefix("v=").or(word.strip_prefix('v')));
        let version =
            version.ok_or_else(|| format!("{path} does not say its version: {output}"))?;
        let (kind, product) = match first {
            "nats-server:" => (Kind::Nats, "NATS"),
            product => (Kind::Redis, product),
        };
        Ok(Self {
            kind,
            path: path.to_owned(),
            name: format!("{product} {version}"),
        })
    }

    /// Starts a server. With `is_spacious`, one whose memory is collected as garbage does that a
    /// quarter as often.
    pub(crate) async fn start(&self, is_spacious: bool) -> Server {
        let program = self.clone();
        Server::start(move |port, folder| {
            let mut command = program.command(port, folder);
            if is_spacious {
                command.env("GOGC", "400");
            }
            command
        })
        .await
    }

    fn command(&self, port: u16, folder: &Path) -> Command {
        let usual = match self.kind {
            Kind::Redis => redis::in_memory(port, folder),
            Kind::Nats => nats::durable(port, folder),
        };
        let mut command = Command::new(&self.path);
        command.args(usual.get_args());
        command
    }
}
