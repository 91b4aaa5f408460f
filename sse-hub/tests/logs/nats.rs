//! The suite over NATS JetStream: a server for each case, and a connection for each node.

use sse_engines::{Server, nats};
use sse_hub::Hub;
use sse_hub::nats::NatsOptions;

use crate::suite::{self, Drivers, Engine, Keeps};

struct Nats {
    server: Server,
    keeps: Keeps,
    drivers: Drivers,
}

impl Engine for Nats {
    async fn start(keeps: Keeps) -> Self {
        Self {
            server: Server::start(nats::durable).await,
            keeps,
            drivers: Drivers::default(),
        }
    }

    async fn node(&self) -> Hub {
        let history = self.keeps.history.unwrap_or(100_000);
        let engine = NatsOptions::new()
            .max_events(u32::try_from(history).expect("a small number"))
            .connect(nats::url(self.server.port()))
            .await
            .expect("a connection");
        let (hub, driver) = suite::builder(self.keeps).engine(engine).build();
        self.drivers.spawn(driver);
        hub
    }
}

crate::conformance!(Nats);
