//! A soak of one subject: servers, clients, and what is left when the clients are gone.

mod nodes;
mod outcome;
mod progress;

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use sse_engines::{Server, nats, redis};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

pub(crate) use self::nodes::Nodes;
pub use self::nodes::Resources;
pub use self::outcome::Outcome;
pub use self::progress::Progress;
use crate::allocator::Allocator;
use crate::child::Child;
use crate::messages::{ClientsCommand, ClientsState, ServerCommand};
use crate::subject::{Engine, Subject};

/// How long clients may take to come back, to receive the rest, and servers to notice that all are gone.
const PATIENCE: Duration = Duration::from_secs(180);

/// The time between two looks at the servers.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long servers rest before their memory is read.
const REST: Duration = Duration::from_secs(1);

/// What is soaked, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is soaked.
    pub subject: Subject,
    /// How many clients there are at a time.
    pub clients: usize,
    /// How long they come and go.
    pub time: Duration,
    /// How many times as fast as usual everything happens.
    pub pace: u32,
    /// The servers' allocator.
    pub allocator: Allocator,
    /// What the randomness of the clients begins with.
    pub seed: u64,
}

/// Runs a soak by processes of `program`. `show` is called from time to time.
///
/// # Errors
///
/// When it cannot be carried out. What was found wrong is in the outcome.
pub async fn run(
    program: &Path,
    plan: &Plan,
    mut show: impl FnMut(&Progress<'_>),
) -> io::Result<Outcome> {
    let engine = match plan.subject.engine {
        None => None,
        Some(Engine::Redis) => {
            let server = Server::start(redis::in_memory).await;
            let url = redis::url(server.port());
            Some((server, url))
        }
        Some(Engine::Nats) => {
            let server = Server::start(nats::durable).await;
            let url = nats::url(server.port());
            Some((server, url))
        }
    };
    let url = engine.as_ref().map(|(_, url)| &**url);
    let mut nodes = Nodes::start(program, plan, url).await?;
    nodes.fill().await?;
    sleep(REST).await;
    let mut outcome = Outcome::new(plan.clone(), nodes.resources().await?);

    nodes.ask(ServerCommand::Publish).await?;
    let mut clients = start_clients(program, plan, nodes.ports())?;
    let begun = Instant::now();
    let mut watch = Watch {
        nodes: &mut nodes,
        outcome: &mut outcome,
        begun,
        show: &mut show,
    };
    watch.until(&mut clients, plan.time, |_| false).await?;
    // On a slow machine, it may take longer until there was one of each.
    let with_gaps = plan.subject.engine.is_none();
    let has_all = |state: &ClientsState| state.has_all_kinds(with_gaps);
    watch.until(&mut clients, PATIENCE, has_all).await?;

    clients.send(&ClientsCommand::Settle).await?;
    let all = plan.clients as u64;
    let settled = watch
        .until(&mut clients, PATIENCE, |it| it.settled == all)
        .await?;
    watch.nodes.ask(ServerCommand::Stop).await?;
    watch.nodes.ask(ServerCommand::PublishLast).await?;
    let last = watch.nodes.last();
    clients.send(&ClientsCommand::Await(last)).await?;
    let complete = watch
        .until(&mut clients, PATIENCE, |it| it.complete == all)
        .await?;
    watch.outcome.complete = watch.outcome.clients.complete;
    // Handlers of streams that clients have left may be noticed last.
    let exact = watch
        .nodes
        .wait(PATIENCE, |nodes| nodes.handlers() == all)
        .await?;
    if !settled {
        let settled = watch.outcome.clients.settled;
        watch
            .outcome
            .complain(format!("{settled} of {all} clients have come back"));
    } else if complete && !exact {
        let handlers = watch.nodes.handlers();
        watch
            .outcome
            .complain(format!("{handlers} handlers for {all} streams"));
    }

    clients.send(&ClientsCommand::Leave).await?;
    // Its last line is about all that came before.
    while let Ok(state) = clients.receive().await {
        outcome.clients = state;
    }
    clients.ends().await?;
    let at_start = outcome.start.descriptors;
    let are_free = |nodes: &Nodes| nodes.handlers() == 0 && nodes.descriptors == at_start;
    nodes.wait(PATIENCE, are_free).await?;
    // The raw TCP server frees what is left of connections that have ended when the next one comes.
    for port in nodes.ports() {
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?);
    }
    nodes.wait(PATIENCE, are_free).await?;
    nodes.fill().await?;
    sleep(REST).await;
    outcome.end = nodes.resources().await?;
    outcome.handlers = nodes.started();
    outcome.handlers_left = nodes.handlers();
    outcome.panics = nodes.panics();
    outcome.unpublished = nodes.unpublished();
    Ok(outcome)
}

fn start_clients(program: &Path, plan: &Plan, ports: Vec<u16>) -> io::Result<Child> {
    let mut arguments = vec![
        "clients".to_owned(),
        plan.subject.protocol.to_string(),
        plan.clients.to_string(),
        plan.pace.to_string(),
        plan.seed.to_string(),
    ];
    arguments.extend(ports.iter().map(ToString::to_string));
    Child::start(program, arguments, Allocator::System)
}

/// Follows clients and servers, and shows how they are.
struct Watch<'a, S> {
    nodes: &'a mut Nodes,
    outcome: &'a mut Outcome,
    begun: Instant,
    show: &'a mut S,
}

impl<S: FnMut(&Progress<'_>)> Watch<'_, S> {
    /// Follows them until the clients are as they should be, or until a time has passed. Returns
    /// whether they are so.
    async fn until(
        &mut self,
        clients: &mut Child,
        time: Duration,
        is_reached: impl Fn(&ClientsState) -> bool,
    ) -> io::Result<bool> {
        let deadline = Instant::now() + time;
        loop {
            self.outcome.clients = clients.receive().await?;
            let now = self.nodes.resources().await?;
            self.outcome.peak = self.outcome.peak.max(now);
            let is_over = is_reached(&self.outcome.clients);
            (self.show)(&Progress {
                plan: &self.outcome.plan,
                passed: self.begun.elapsed(),
                clients: &self.outcome.clients,
                handlers: self.nodes.handlers(),
                resources: now,
            });
            if is_over || Instant::now() >= deadline {
                return Ok(is_over);
            }
        }
    }
}
