//! The engine of the chat, which several processes share.
//!
//! With an engine, only the line that builds the hub changes.

use sse_hub::nats::NatsOptions;
use sse_hub::redis::RedisOptions;
use sse_hub::{Driver, Hub};
use sse_hyper::BoxError;

use crate::arguments::Engine;
use crate::chat::{Chat, MAX_AGE, MAX_MESSAGES};

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
    let (chat, driver) = Chat::on_engine(hub);
    Ok((chat, Some(driver)))
}
