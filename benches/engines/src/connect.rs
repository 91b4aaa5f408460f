//! Hubs with an engine. This is all that depends on the interface of the engines, so that the program
//! can also be built for another commit.

use sse_engines::nats::url as nats_url;
use sse_engines::redis::url as redis_url;
use sse_hub::nats::NatsOptions;
use sse_hub::nats::async_nats::ConnectOptions;
use sse_hub::redis::RedisOptions;
use sse_hub::{Driver, Hub, HubBuilder};

use crate::engine::Kind;
use crate::result::Result;

/// How many events of a topic the engines keep: more than any sample publishes to one.
const HISTORY: u32 = 20_000;

/// Connects a hub to the servers at these ports, with so many shards: one in each of several servers of
/// Redis, or all in one of NATS.
pub(crate) async fn connect(
    kind: Kind,
    ports: &[u16],
    shards: usize,
    builder: HubBuilder,
) -> Result<(Hub, Driver)> {
    let [port, ..] = ports else {
        return Err("a hub with an engine needs a server".into());
    };
    let redis = RedisOptions::new().max_events(HISTORY as usize);
    let nats = NatsOptions::new().max_events(HISTORY);
    let builder = match (kind, shards) {
        (Kind::Redis, 1) => builder.engine(redis.connect(&redis_url(*port)).await?),
        (Kind::Redis, _) => {
            let urls = ports.iter().copied().map(redis_url);
            builder.engine(redis.connect_sharded(urls).await?)
        }
        (Kind::Nats, 1) => builder.engine(nats.connect(nats_url(*port)).await?),
        (Kind::Nats, _) => {
            let client = ConnectOptions::new();
            let partitioned = nats.connect_partitioned(shards, client, nats_url(*port));
            builder.engine(partitioned.await?)
        }
    };
    Ok(builder.build())
}
