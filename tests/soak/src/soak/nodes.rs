//! The server processes of a soak.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{INTERVAL, Plan, REST};
use crate::child::Child;
use crate::kernel;
use crate::messages::{ServerCommand, ServerState};

/// What the servers hold, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// The bytes that they have allocated and not freed.
    pub heap: u64,
    /// The number of pieces that these are.
    pub pieces: u64,
    /// The bytes of anonymous memory that are resident.
    pub resident: u64,
    /// The number of open descriptors.
    pub descriptors: usize,
}

impl Resources {
    /// Returns the greater one of each number.
    #[must_use]
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            heap: self.heap.max(other.heap),
            pieces: self.pieces.max(other.pieces),
            resident: self.resident.max(other.resident),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }
}

/// The servers of a soak, which share an engine if there are several.
#[derive(Debug)]
pub(crate) struct Nodes {
    nodes: Vec<(Child, ServerState)>,
    /// As last looked at.
    pub(crate) descriptors: usize,
}

impl Nodes {
    /// Starts the servers of a plan.
    pub(crate) async fn start(
        program: &Path,
        plan: &Plan,
        engine: Option<&str>,
    ) -> io::Result<Self> {
        let mut nodes = Vec::new();
        let count = plan.subject.nodes();
        for node in 0..count {
            let mut arguments = vec![
                "serve".to_owned(),
                plan.subject.transport.to_string(),
                node.to_string(),
                count.to_string(),
                plan.pace.to_string(),
            ];
            arguments.extend(engine.map(Into::into));
            let mut child = Child::start(program, arguments, plan.allocator)?;
            let state = child.receive().await?;
            plan.allocator.check(child.id())?;
            nodes.push((child, state));
        }
        Ok(Self {
            nodes,
            descriptors: 0,
        })
    }

    /// Sends a command to all of them, one after the other, and waits until it is carried out.
    pub(crate) async fn ask(&mut self, command: ServerCommand) -> io::Result<()> {
        for (child, state) in &mut self.nodes {
            *state = child.ask(&command).await?;
        }
        Ok(())
    }

    /// Has all topics take as much memory on each node as they may.
    pub(crate) async fn fill(&mut self) -> io::Result<()> {
        self.ask(ServerCommand::Fill).await?;
        if self.nodes.len() > 1 {
            // What the first node publishes reaches all from the second time on.
            self.ask(ServerCommand::Fill).await?;
            sleep(REST).await;
        }
        self.ask(ServerCommand::Unsubscribe).await
    }

    /// Looks at them.
    pub(crate) async fn resources(&mut self) -> io::Result<Resources> {
        self.ask(ServerCommand::Report).await?;
        let mut sum = Resources::default();
        for (child, state) in &self.nodes {
            sum.heap += state.heap;
            sum.pieces += state.pieces;
            sum.resident += kernel::resident(child.id())?;
            sum.descriptors += kernel::descriptors(child.id())?;
        }
        self.descriptors = sum.descriptors;
        Ok(sum)
    }

    /// Looks at them until they are so, or until a time has passed. Returns whether they are.
    pub(crate) async fn wait(
        &mut self,
        time: Duration,
        are_so: impl Fn(&Self) -> bool,
    ) -> io::Result<bool> {
        let deadline = Instant::now() + time;
        loop {
            self.resources().await?;
            if are_so(self) {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(INTERVAL).await;
        }
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(|(_, state)| state.port).collect()
    }

    /// Returns the number of the last event of each topic.
    pub(crate) fn last(&self) -> BTreeMap<String, u64> {
        let last = self.nodes.iter().flat_map(|(_, state)| &state.last);
        last.map(|(topic, number)| (topic.clone(), *number))
            .collect()
    }

    /// Returns how many handlers are running.
    pub(crate) fn handlers(&self) -> u64 {
        self.sum(|state| state.started - state.ended)
    }

    /// Returns how many handlers were started.
    pub(crate) fn started(&self) -> u64 {
        self.sum(|state| state.started)
    }

    pub(crate) fn panics(&self) -> u64 {
        self.sum(|state| state.panics)
    }

    pub(crate) fn unpublished(&self) -> u64 {
        self.sum(|state| state.unpublished)
    }

    fn sum(&self, number: impl Fn(&ServerState) -> u64) -> u64 {
        self.nodes.iter().map(|(_, state)| number(state)).sum()
    }
}
