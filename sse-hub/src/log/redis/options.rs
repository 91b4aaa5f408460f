//! What can be set about a log in Redis, and connecting.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError};
use sse_session::BoxError;

use crate::log::redis::RedisLog;
use crate::log::redis::inbox;
use crate::log::redis::keys::Keys;
use crate::log::redis::link::Link;
use crate::log::redis::script::{self, History};
use crate::log::redis::supervisor;

/// What a [`RedisLog`] is like. All nodes that share topics must have the same options, but for
/// [`answer_within`](Self::answer_within).
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_hub::Hub;
/// use sse_hub::redis::RedisOptions;
///
/// # async fn connect() -> Result<Hub, Box<dyn std::error::Error>> {
/// let log = RedisOptions::new()
///     .prefix("shop")
///     .max_events(50_000)
///     .max_age(Duration::from_secs(3600))
///     .connect("redis://127.0.0.1/")
///     .await?;
/// Ok(Hub::builder().log(log).build())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they connect"]
pub struct RedisOptions {
    prefix: String,
    history: History,
    answer_within: Duration,
}

impl RedisOptions {
    /// The defaults.
    pub fn new() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            prefix: "sse".to_owned(),
            history: History {
                max_events: 10_000,
                max_age: 60 * MINUTE,
                forget_after: 24 * 60 * MINUTE,
                key_age: 10 * MINUTE,
            },
            answer_within: Duration::from_secs(3),
        }
    }

    /// Sets what the names of all keys begin with; `sse` by default. A topic's stream is
    /// `prefix:{topic}`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Sets how many events of each topic are kept at least; 10,000 by default. Redis lets go of
    /// whole nodes of a stream, so it may keep some hundred more.
    pub const fn max_events(mut self, events: usize) -> Self {
        self.history.max_events = if events == 0 { 1 } else { events };
        self
    }

    /// Sets how long events are kept at least, unless they are too many; an hour by default. They
    /// are let go of when something newer is published, and may be kept for a sixteenth longer.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.history.max_age = age;
        self
    }

    /// Sets after which time without an event a topic is forgotten altogether; a day by default,
    /// and never less than two maximal ages. A client that comes back to it is told of a gap, as
    /// are those that are still there when the next event comes.
    pub const fn forget_after(mut self, time: Duration) -> Self {
        self.history.forget_after = time;
        self
    }

    /// Sets how long idempotency keys are remembered; ten minutes by default. Each takes about 150
    /// bytes in Redis meanwhile, and their number is not limited.
    pub const fn remember_keys(mut self, age: Duration) -> Self {
        self.history.key_age = age;
        self
    }

    /// Sets how long an answer of Redis is waited for; three seconds by default. When that has
    /// passed, publishing and subscribing fail.
    pub const fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }

    /// Connects to a server, as [`RedisLog::connect`] does.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the URL is wrong or the server does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
    pub async fn connect(self, url: &str) -> Result<RedisLog, ConnectError> {
        let info = connection_info(url, self.answer_within).map_err(ConnectError::url)?;
        let database = info.redis_settings().db();
        let client = Client::open(info).map_err(ConnectError::url)?;
        let (inbox, outlet) = inbox::queue();
        let link = Link::new(
            client,
            Keys::new(&self.prefix, database),
            script::append(&self.history, database),
            script::open(&self.history),
            inbox,
            self.answer_within,
        );
        link.commands
            .connect()
            .await
            .map_err(ConnectError::server)?;
        let live = supervisor::connect(&link)
            .await
            .map_err(ConnectError::server)?;
        link.set_live(Some(live.commands()));
        let supervisor = Box::pin(supervisor::supervise(link.clone(), live));
        Ok(RedisLog::new(link, outlet, supervisor))
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self::new()
    }
}

fn connection_info(url: &str, answer_within: Duration) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info()?;
    // Messages and answers come over one connection only in the third version.
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    // Otherwise a connection whose other end has vanished would be kept for a quarter of an hour.
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(answer_within);
    #[cfg(not(target_os = "linux"))]
    let _ = answer_within;
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

/// Why no connection to Redis was made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of Redis.
    Url(BoxError),
    /// The server was not reached, does not answer, or refuses.
    Server(BoxError),
}

impl ConnectError {
    fn url(error: RedisError) -> Self {
        Self::Url(error.into())
    }

    fn server(error: RedisError) -> Self {
        Self::Server(error.into())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url(_) => "URL is not one of Redis",
            Self::Server(_) => "Redis cannot be connected to",
        })
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) | Self::Server(error) => Some(&**error),
        }
    }
}
