//! A node, and the servers of its engine.

use std::time::Duration;

use sse_bench_process::kernel;
use sse_engines::Server;
use sse_hub::{Hub, Retention, TopicOptions};
use tokio::task::JoinHandle;

use crate::connect::connect;
use crate::engine::{Engine, Kind};
use crate::result::Result;
use crate::sample::Sample;

/// The servers of an engine; none for the embedded hub.
pub(crate) struct Servers {
    engine: Engine,
    shards: usize,
    servers: Vec<Server>,
}

/// A hub in this process.
pub(crate) struct Node {
    pub(crate) hub: Hub,
    driver: Option<JoinHandle<()>>,
}

impl Servers {
    /// Starts the servers of a sample.
    pub(crate) async fn start(sample: &Sample) -> Self {
        let mut servers = Vec::new();
        if let Engine::Program(program) = &sample.engine {
            let count = match program.kind {
                Kind::Redis => sample.shards,
                Kind::Nats => 1,
            };
            for _ in 0..count {
                servers.push(program.start(sample.is_spacious).await);
            }
        }
        Self {
            engine: sample.engine.clone(),
            shards: sample.shards,
            servers,
        }
    }

    /// Starts a node with them.
    pub(crate) async fn node(&self) -> Result<Node> {
        self.node_at(&self.ports()).await
    }

    /// Starts a node with them that finds them at other ports.
    pub(crate) async fn node_at(&self, ports: &[u16]) -> Result<Node> {
        let retention = Retention::new().max_events(20_000).max_bytes(16 << 20);
        let builder = Hub::builder().topics(move |_| TopicOptions::new().retention(retention));
        match &self.engine {
            Engine::Channel => Err("a channel has no hub".into()),
            Engine::Embedded => Ok(Node {
                hub: builder.build(),
                driver: None,
            }),
            Engine::Program(program) => {
                let (hub, driver) = connect(program.kind, ports, self.shards, builder).await?;
                Ok(Node {
                    hub,
                    driver: Some(tokio::spawn(driver)),
                })
            }
        }
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.servers.iter().map(Server::port).collect()
    }

    /// Returns the CPU time that this process and the servers have taken so far.
    pub(crate) fn cpu_times(&self) -> Result<[Duration; 2]> {
        let servers = self
            .servers
            .iter()
            .map(|server| kernel::cpu_time(server.id()));
        let servers = servers.sum::<Result<_, _>>()?;
        Ok([kernel::cpu_time(std::process::id())?, servers])
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(driver) = &self.driver {
            driver.abort();
        }
    }
}
