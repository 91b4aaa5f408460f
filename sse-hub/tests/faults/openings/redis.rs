//! Many topics in Redis.

use sse_engines::{Server, redis};
use sse_hub::redis::RedisOptions;

use crate::cases;
use crate::openings::{Calls, Engine, PATIENCE, openings};

struct Redis(Server);

impl Engine for Redis {
    async fn start() -> Self {
        Self(Server::start(redis::in_memory).await)
    }

    async fn connect(&self) -> impl sse_hub::Engine {
        let url = redis::url(self.0.port());
        let engine = RedisOptions::new()
            .answer_within(PATIENCE)
            .connect(&url)
            .await;
        engine.expect("connected")
    }

    async fn calls(&self) -> Calls {
        let info = redis::ask(self.0.port(), "INFO commandstats").await;
        let info = info.expect("an answer");
        let lines = info
            .lines()
            .filter_map(|line| line.strip_prefix("cmdstat_"));
        let calls = lines.map(|line| {
            let (name, calls) = line.split_once(":calls=").expect("a count");
            let (calls, _) = calls.split_once(',').expect("a count");
            (name.to_owned(), calls.parse().expect("a number"))
        });
        calls.collect()
    }

    async fn version(&self) -> String {
        <crate::redis::Redis as cases::Engine>::version(self.0.port()).await
    }
}

openings!(Redis);
