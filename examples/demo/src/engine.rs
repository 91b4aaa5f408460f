//! The engine of the chat, which several processes share.
//!
//! With an engine, only the line that builds the hub changes.

use sse_hub::Hub;
use sse_hub::nats::NatsOptions;
use sse_hub::redis::RedisOptions;
use sse_hyper::BoxError;

use crate::arguments::Engine;
use crate::chat::{Chat, MAX_AGE, MAX_MESSAGES};

/// Returns the chat on `engine`, or in this process alone.
pub(crate) async fn chat_on(engine: Option<Engine>) -> Result<Chat, BoxError> {
    Ok(match engine {
        None => Chat::new(),
        Some(Engine::Redis(url)) => {
            let redis = RedisOptions::new()
                .prefix("sse-demo")
                .max_events(MAX_MESSAGES)
                .max_age(MAX_AGE);
            Chat::on_engine(Hub::builder().log(redis.connect(&url).await?))
        }
        Some(Engine::Nats(url)) => {
            let nats = NatsOptions::new()
                .stream("SSE-DEMO")
                .subject_prefix("sse-demo")
                .max_events(MAX_MESSAGES.try_into()?)
                .max_age(MAX_AGE);
            Chat::on_engine(Hub::builder().log(nats.connect(&url).await?))
        }
    })
}
