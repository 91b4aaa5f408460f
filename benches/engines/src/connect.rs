//! Hubs with an engine. This is all that depends on the interface of the engines, so that the program
//! can also be built for another commit.

use sse_hub::nats::NatsOptions;
use sse_hub::redis::RedisOptions;
use sse_hub::{Driver, Hub, HubBuilder};

use crate::Result;
use crate::engine::Kind;

/// How many events of a topic the engines keep: more than any sample publishes to one.
const HISTORY: u32 = 20_000;

/// Connects a hub to servers, one for each port.
pub(crate) async fn connect(
    kind: Kind,
    ports: &[u16],
    builder: HubBuilder,
) -> Result<(Hub, Driver)> {
    let [port] = ports else {
        return Err("a hub has one server".into());
    };
    Ok(match kind {
        Kind::Redis => {
            let options = RedisOptions::new().max_events(HISTORY as usize);
            let url = sse_engines::redis::url(*port);
            builder.engine(options.connect(&url).await?).build()
        }
        Kind::Nats => {
            let options = NatsOptions::new().max_events(HISTORY);
            let url = sse_engines::nats::url(*port);
            builder.engine(options.connect(url).await?).build()
        }
    })
}
