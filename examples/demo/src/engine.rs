//! The engine of the chat, which several processes share.
//!
//! With an engine, only the lines that build the hub change.

use std::env;

use sse_hub::nats::NatsOptions;
use sse_hub::redis::RedisOptions;
use sse_hub::{Driver, Hub};
use sse_hyper::BoxError;

use crate::arguments::Engine;
use crate::chat::{Chat, MAX_AGE, MAX_MESSAGES};

/// The environment variable with the key of ids, which all processes on an engine share.
const ID_KEY: &str = "SSE_DEMO_ID_KEY";

/// Returns the chat on `engine`, with the driver of its hub, or in this process alone.
pub(crate) async fn chat_on(engine: Option<Engine>) -> Result<(Chat, Option<Driver>), BoxError> {
    let hub = match engine {
        None => return Ok((Chat::new(), None)),
        Some(Engine::Redis(urls)) => {
            let redis = RedisOptions::new()
                .prefix("sse-demo")
                .max_events(MAX_MESSAGES)
                .max_age(MAX_AGE);
            match &urls[..] {
                [url] => Hub::builder().engine(redis.connect(url).await?),
                urls => Hub::builder().engine(redis.connect_sharded(urls).await?),
            }
        }
        Some(Engine::Nats(url)) => {
            let nats = NatsOptions::new()
                .stream("SSE-DEMO")
                .subject_prefix("sse-demo")
                .max_events(MAX_MESSAGES.try_into()?)
                .max_age(MAX_AGE);
            Hub::builder().engine(nats.connect(&url).await?)
        }
    };
    // Not an option, as others could see it among the processes.
    let hub = match env::var(ID_KEY) {
        Ok(key) => hub.id_key(key.parse()?),
        Err(_) => hub,
    };
    let (chat, driver) = Chat::on_engine(hub);
    Ok((chat, Some(driver)))
}
