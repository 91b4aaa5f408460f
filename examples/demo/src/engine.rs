//! What the chat is kept in, when several processes are to be one.
//!
//! The hub and all that uses it stay as they are; one line is another.

use sse_hub::Hub;
use sse_hub::nats::NatsOptions;
use sse_hub::redis::RedisOptions;
use sse_hyper::BoxError;

use crate::arguments::Engine;
use crate::chat::{Chat, MAX_AGE, MAX_MESSAGES};

/// The chat on `engine`, or in this process alone.
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
