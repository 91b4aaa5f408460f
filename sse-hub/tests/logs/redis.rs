//! The suite over Redis, a server of its own for each case.

use sse_hub::Hub;
use sse_hub::redis::RedisOptions;

use crate::servers::{Server, redis};
use crate::suite::{self, Drivers, Engine, Keeps};

struct Redis {
    server: Server,
    keeps: Keeps,
    drivers: Drivers,
}

impl Engine for Redis {
    async fn start(keeps: Keeps) -> Self {
        Self {
            server: Server::start(redis::in_memory).await,
            keeps,
            drivers: Drivers::default(),
        }
    }

    async fn node(&self) -> Hub {
        let mut options = RedisOptions::new();
        if let Some(events) = self.keeps.history {
            options = options.max_events(events);
        }
        let log = options.connect(&redis::url(self.server.port())).await;
        let keeps = self.keeps;
        let hub = Hub::builder()
            .log(log.expect("connected"))
            .topics(move |name| suite::options(name, keeps))
            .build();
        self.drivers.drive(&hub);
        hub
    }
}

crate::conformance!(Redis);
