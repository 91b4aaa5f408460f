//! A process with all clients.

pub(crate) mod honest;
mod http2;
mod life;
mod line;
mod received;
mod tally;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use self::http2::Shared;
use self::life::Life;
use self::line::Line;
use self::tally::Tally;
use crate::messages::ClientsCommand;
use crate::subject::Protocol;

/// How many clients share a connection of HTTP/2.
const SHARING: usize = 50;

/// How many clients come at once at the beginning, and the time until the next ones.
const COMING: usize = 20;
const COMING_INTERVAL: Duration = Duration::from_millis(10);

/// The time between two lines about the clients.
const INTERVAL: Duration = Duration::from_millis(250);

/// What a process of clients is to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) protocol: Protocol,
    /// The ports of the servers, on the loopback address.
    pub(crate) ports: Vec<u16>,
    pub(crate) clients: usize,
    pub(crate) pace: u32,
    pub(crate) seed: u64,
}

/// What the clients do.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// They come and go.
    Live,
    /// They stay.
    Settle,
    /// They stay, and wait for these events.
    Await(Arc<BTreeMap<String, u64>>),
    /// They go.
    Leave,
}

/// Runs the clients until they are to leave.
pub(crate) async fn run(options: Options) -> io::Result<()> {
    let tally = Arc::<Tally>::default();
    let (sender, phase) = watch::channel(Phase::Live);
    let mut clients = JoinSet::new();
    let mut random = fastrand::Rng::with_seed(options.seed);
    let ports: Arc<[u16]> = options.ports.into();
    let mut line = Line::Http1(Arc::clone(&ports));
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    let mut says = interval(INTERVAL);
    says.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut comes = interval(COMING_INTERVAL);
    comes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut coming = 0;
    loop {
        tokio::select! {
            _ = comes.tick(), if coming < options.clients => {
                for _ in 0..COMING.min(options.clients - coming) {
                    if options.protocol == Protocol::Http2 && coming % SHARING == 0 {
                        let port = ports[random.usize(..ports.len())];
                        line = Line::Http2(Arc::new(Shared::new(port, random.bool())));
                    }
                    let (line, tally) = (line.clone(), Arc::clone(&tally));
                    let life = Life::new(random.fork(), options.pace, line, tally, phase.clone());
                    clients.spawn(life.run());
                    coming += 1;
                }
            }
            Some(ended) = clients.join_next() => match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tally.fault(format!("a client cannot go on: {error}")),
                Err(error) => tally.fault(format!("a client has failed: {error}")),
            },
            line = commands.next_line() => match line? {
                None => return Ok(()),
                Some(line) => match serde_json::from_str(&line)? {
                    ClientsCommand::Settle => drop(sender.send_replace(Phase::Settle)),
                    ClientsCommand::Await(last) => {
                        sender.send_replace(Phase::Await(Arc::new(last)));
                    }
                    ClientsCommand::Leave => break,
                },
            },
            _ = says.tick() => say(&tally)?,
        }
    }
    sender.send_replace(Phase::Leave);
    clients.join_all().await;
    say(&tally)
}

/// Writes a line to the standard output.
fn say(tally: &Tally) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &tally.state())?;
    output.write_all(b"\n")?;
    output.flush()
}
