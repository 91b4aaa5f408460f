//! The command line: the addresses of the servers and the engine of the chat.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lexopt::prelude::*;
use serde::Serialize;

pub(crate) const HELP: &str = "\
The same event streams on hyper, actix-web and raw TCP, and a page that listens to them.

Usage: cargo demo [-- OPTIONS]

Options:
  --hyper ADDR   where hyper listens      [default: 127.0.0.1:3000]
  --actix ADDR   where actix-web listens  [default: 127.0.0.1:3001]
  --tcp ADDR     where raw TCP listens    [default: 127.0.0.1:3002]
  --redis URL    share the chat with the other processes that are given
                 the same Redis or Valkey, such as redis://127.0.0.1/;
                 given several times, each room is in one of the servers
  --nats URL     the same through NATS JetStream, such as nats://127.0.0.1
  -h, --help     print this

Processes that share the chat take the key of ids from SSE_DEMO_ID_KEY, 64
hexadecimal digits such as `openssl rand -hex 32` prints. It should be set.

ADDR is an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080.
Port 0 takes any free port; the real one is printed.";

/// The error for two kinds of engines, or two of NATS.
const BOTH: &str = "only one of --redis and --nats is allowed, and --nats once";

/// What the demo does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    Serve(Addresses, Option<Engine>),
    Help,
}

/// The engine that stores the chat, with its URL or URLs. Without one, this process stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Redis(Vec<String>),
    Nats(String),
}

/// One of the three servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Hyper,
    Actix,
    Tcp,
}

impl Transport {
    /// Returns the name of the server.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hyper => "hyper",
            Self::Actix => "actix-web",
            Self::Tcp => "raw TCP",
        }
    }

    /// Returns the name of the adapter.
    pub(crate) const fn adapter(self) -> &'static str {
        match self {
            Self::Hyper => "sse-hyper",
            Self::Actix => "sse-actix",
            Self::Tcp => "sse-tokio-tcp",
        }
    }

    /// Returns the option that sets the address.
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Hyper => "--hyper",
            Self::Actix => "--actix",
            Self::Tcp => "--tcp",
        }
    }
}

/// The addresses of the servers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    hyper: SocketAddr,
    actix: SocketAddr,
    tcp: SocketAddr,
}

impl Addresses {
    pub(crate) const fn of(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Hyper => self.hyper,
            Transport::Actix => self.actix,
            Transport::Tcp => self.tcp,
        }
    }
}

impl Default for Addresses {
    fn default() -> Self {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Self {
            hyper: loopback(3000),
            actix: loopback(3001),
            tcp: loopback(3002),
        }
    }
}

/// Reads the command line.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Arguments, lexopt::Error> {
    let mut addresses = Addresses::default();
    let mut engine = None;
    while let Some(argument) = parser.next()? {
        let address = match argument {
            Long("redis") => {
                let url = parser.value()?.string()?;
                match &mut engine {
                    None => engine = Some(Engine::Redis(vec![url])),
                    Some(Engine::Redis(urls)) => urls.push(url),
                    Some(Engine::Nats(_)) => return Err(BOTH.into()),
                }
                continue;
            }
            Long("nats") => {
                let url = parser.value()?.string()?;
                if engine.replace(Engine::Nats(url)).is_some() {
                    return Err(BOTH.into());
                }
                continue;
            }
            Long("hyper") => &mut addresses.hyper,
            Long("actix") => &mut addresses.actix,
            Long("tcp") => &mut addresses.tcp,
            Short('h') | Long("help") => return Ok(Arguments::Help),
            other => return Err(other.unexpected()),
        };
        *address = parser.value()?.parse()?;
    }
    Ok(Arguments::Serve(addresses, engine))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Arguments, String> {
        parse(lexopt::Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn each_server_has_its_own_address() {
        let given = ["--tcp=127.0.0.1:0", "--hyper", "[::1]:80"];
        let Ok(Arguments::Serve(addresses, None)) = parsed(&given) else {
            panic!("the arguments are valid");
        };
        assert_eq!(addresses.of(Transport::Hyper).to_string(), "[::1]:80");
        assert_eq!(addresses.of(Transport::Actix).to_string(), "127.0.0.1:3001");
        assert_eq!(addresses.of(Transport::Tcp).to_string(), "127.0.0.1:0");
        assert_eq!(parsed(&["--tcp", "[::1]:1", "-h"]), Ok(Arguments::Help));
    }

    #[test]
    fn the_chat_has_at_most_one_engine_of_one_or_several_servers() {
        for urls in [&["redis://a/"][..], &["redis://a/", "redis://b/"]] {
            let given: Vec<_> = urls.iter().flat_map(|url| ["--redis", url]).collect();
            let redis = Engine::Redis(urls.iter().copied().map(str::to_owned).collect());
            assert_eq!(
                parsed(&given),
                Ok(Arguments::Serve(Addresses::default(), Some(redis)))
            );
        }
        let nats = Engine::Nats("nats://b".to_owned());
        assert_eq!(
            parsed(&["--nats=nats://b"]),
            Ok(Arguments::Serve(Addresses::default(), Some(nats)))
        );
        for both in [
            ["--nats=nats://b", "--redis=redis://a/"],
            ["--redis=redis://a/", "--nats=nats://b"],
            ["--nats=nats://b", "--nats=nats://c"],
        ] {
            assert_eq!(
                parsed(&both).unwrap_err(),
                "only one of --redis and --nats is allowed, and --nats once"
            );
        }
    }

    #[test]
    fn an_invalid_address_is_named() {
        assert_eq!(
            parsed(&["--hyper", "3000"]).unwrap_err(),
            "cannot parse argument \"3000\": invalid socket address syntax"
        );
        assert_eq!(parsed(&["-v"]).unwrap_err(), "invalid option '-v'");
        assert!(parsed(&["--tcp"]).unwrap_err().contains("--tcp"));
    }
}
