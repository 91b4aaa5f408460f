//! What is measured: hubs, with and without an engine.

use std::time::Duration;

use sse_engines::{Server, nats, redis};
use sse_hub::nats::NatsEngine;
use sse_hub::redis::RedisEngine;
use sse_hub::{Hub, Retention, TopicOptions};
use tokio::task::JoinHandle;

use crate::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A channel of tokio's, for comparison.
    Channel,
    Embedded,
    Redis,
    Nats,
    /// Its server, whose memory is collected as garbage, does that a quarter as often.
    SpaciousNats,
}

impl Subject {
    pub(crate) const ALL: [Self; 4] = [Self::Channel, Self::Embedded, Self::Redis, Self::Nats];

    /// Those with a server.
    pub(crate) const ENGINES: [Self; 2] = [Self::Redis, Self::Nats];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Embedded => "embedded",
            Self::Redis => "Redis",
            Self::Nats => "NATS",
            Self::SpaciousNats => "NATS, GOGC=400",
        }
    }
}

/// A node, and the server of its engine.
pub(crate) struct Node {
    pub(crate) hub: Hub,
    driver: Option<JoinHandle<()>>,
    server: Option<Server>,
}

impl Node {
    /// A hub; a channel has none.
    pub(crate) async fn start(subject: Subject) -> Result<Self> {
        let retention = Retention::new().max_events(10_000);
        let builder = Hub::builder().topics(move |_| TopicOptions::new().retention(retention));
        let ((hub, driver), server) = match subject {
            Subject::Channel => return Err("a channel has no hub".into()),
            Subject::Embedded => {
                return Ok(Self {
                    hub: builder.build(),
                    driver: None,
                    server: None,
                });
            }
            Subject::Redis => {
                let server = Server::start(redis::in_memory).await;
                let engine = RedisEngine::connect(&redis::url(server.port())).await?;
                (builder.engine(engine).build(), server)
            }
            Subject::Nats | Subject::SpaciousNats => {
                let is_spacious = subject == Subject::SpaciousNats;
                let server = Server::start(move |port, folder| {
                    let mut command = nats::durable(port, folder);
                    if is_spacious {
                        command.env("GOGC", "400");
                    }
                    command
                })
                .await;
                let engine = NatsEngine::connect(nats::url(server.port())).await?;
                (builder.engine(engine).build(), server)
            }
        };
        Ok(Self {
            hub,
            driver: Some(tokio::spawn(driver)),
            server: Some(server),
        })
    }

    /// The processor time that this process and the engine's have taken so far.
    pub(crate) fn processor_times(&self) -> Result<[Duration; 2]> {
        let of_server = self
            .server
            .as_ref()
            .map(|server| taken(&server.id().to_string()));
        Ok([taken("self")?, of_server.transpose()?.unwrap_or_default()])
    }
}

/// The processor time that a process has taken, by the kernel's account; in steps of 10 ms.
fn taken(process: &str) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is a name in brackets, which may have spaces; the fourteenth and the
    // fifteenth are what is looked for.
    let (_, fields) = stat
        .rsplit_once(") ")
        .ok_or("not the form of a stat file")?;
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(driver) = &self.driver {
            driver.abort();
        }
    }
}
