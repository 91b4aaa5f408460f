//! Nodes in this process.

use sse_hub::{Driver, Hub, Retention, TopicOptions};
use tokio::task::{AbortHandle, JoinSet};

use crate::cases::{Engine, Keeps};
use crate::load::{Begin, Crowd, Load, Node, Place};

/// How many nodes have subscribers.
pub(crate) const NODES: usize = 3;

/// Nodes in this process, one of which only publishes.
pub(crate) struct Nodes {
    pub(crate) places: Vec<Place>,
    drivers: JoinSet<()>,
    driving: Vec<AbortHandle>,
}

impl Nodes {
    pub(crate) async fn start<E: Engine>(port: u16, keeps: Keeps) -> Self {
        let mut nodes = Self {
            places: Vec::new(),
            drivers: JoinSet::new(),
            driving: Vec::new(),
        };
        for _ in 0..=NODES {
            let (hub, driver) = node::<E>(port, keeps).await;
            nodes.places.push(Place::of(hub));
            nodes.driving.push(nodes.drivers.spawn(driver));
        }
        nodes
    }

    pub(crate) fn hub(&self, number: usize) -> Hub {
        self.places[number].hub()
    }

    /// Ends a node without notice.
    pub(crate) fn end(&self, number: usize) {
        self.driving[number].abort();
    }

    /// Starts a node again that has ended. It has nothing of what it had.
    pub(crate) async fn restart<E: Engine>(&mut self, number: usize, port: u16, keeps: Keeps) {
        let (hub, driver) = node::<E>(port, keeps).await;
        self.places[number].replace(hub);
        self.driving[number] = self.drivers.spawn(driver);
    }

    pub(crate) async fn load(&self, crowd: Crowd) -> Load {
        let begin = Begin::of(&self.hub(0)).await;
        let nodes = self.places[..NODES].iter().cloned().map(Node::Place);
        Load::begin(self.places.clone(), nodes.collect(), crowd, &begin).await
    }
}

async fn node<E: Engine>(port: u16, keeps: Keeps) -> (Hub, Driver) {
    let retention = Retention::new().max_events(keeps.window);
    Hub::builder()
        .engine(E::connect(port, keeps).await)
        .topics(move |_| TopicOptions::new().retention(retention))
        .build()
}
