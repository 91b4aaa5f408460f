//! The suite over a hub without an engine: one process, so all nodes are the same one.

use sse_hub::Hub;

use crate::suite::{self, Engine, Keeps};

struct Embedded(Hub);

impl Engine for Embedded {
    async fn start(keeps: Keeps) -> Self {
        // The window is the history.
        let keeps = Keeps {
            window: keeps.history.unwrap_or(100_000),
            ..keeps
        };
        Self(suite::builder(keeps).build())
    }

    async fn node(&self) -> Hub {
        self.0.clone()
    }
}

crate::conformance!(Embedded);
