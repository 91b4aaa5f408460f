//! Several streams that share the topics.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, ToServerAddrs};

use crate::log::nats::client;
use crate::log::nats::engine::NatsEngine;
use crate::log::nats::error::ConnectError;
use crate::log::nats::link::Link;
use crate::log::nats::options::NatsOptions;
use crate::log::sharded::{Placement, Sharded, ShardsError};

impl NatsEngine {
    /// Connects to a server, or to a cluster, whose JetStream has the topics in so many streams, with the
    /// default options: each topic is in one of them. See [`Sharded`] for what that means, and for adding a
    /// partition later.
    ///
    /// ```no_run
    /// use sse_hub::Hub;
    /// use sse_hub::nats::NatsEngine;
    ///
    /// # async fn connect() -> Result<Hub, Box<dyn std::error::Error>> {
    /// let servers = ["nats://10.0.0.1", "nats://10.0.0.2", "nats://10.0.0.3"];
    /// let nats = NatsEngine::partitioned(6, &servers[..]).await?;
    /// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
    /// let (hub, driver) = Hub::builder().engine(nats).id_key(key).build();
    /// tokio::spawn(driver);
    /// # Ok(hub)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`NatsOptions::connect_partitioned`].
    pub async fn partitioned(
        partitions: usize,
        servers: impl ToServerAddrs,
    ) -> Result<Sharded<Self>, ShardsError<ConnectError>> {
        NatsOptions::new()
            .connect_partitioned(partitions, ConnectOptions::new(), servers)
            .await
    }
}

impl NatsOptions {
    /// Connects to the server or cluster whose JetStream has the topics in so many streams, with
    /// credentials, TLS and any other options of the client, as [`connect_with`](Self::connect_with) does.
    ///
    /// All writes to a stream go through the one server that leads it. In a cluster, several streams are led
    /// by different servers, so together they take more, and without replicas, a server that is down takes
    /// its partitions alone with it: publishing to these fails after
    /// [`answer_within`](Self::answer_within). (As long as the node's connection is to another server,
    /// [`EngineDown::Refuse`](crate::EngineDown::Refuse) does not know of it.) For several servers that are
    /// no cluster, connect to each and use [`Sharded::new`].
    ///
    /// Partition 0 is what there is without partitions: the stream `SSE` with the subjects `sse.log.*`, or
    /// as the options name them. The others are `SSE-1` with `sse-1.log.*`, and so on. Their names as shards
    /// are their numbers. Each has the limits of the options: its bytes are those of one stream, not of all
    /// together. Nodes need the [permissions](NatsEngine#the-server) for each.
    ///
    /// A node has one connection, whatever the number of partitions.
    ///
    /// # Errors
    ///
    /// [`ShardsError`] if there is no partition, if there are more than 256, or if one of them cannot be
    /// connected.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections.
    pub async fn connect_partitioned(
        self,
        partitions: usize,
        client: ConnectOptions,
        servers: impl ToServerAddrs,
    ) -> Result<Sharded<NatsEngine>, ShardsError<ConnectError>> {
        let numbers = (0..partitions).map(|number| (number.to_string(), number));
        let (placement, numbers) = Placement::new(numbers)?;
        let failed = |number: usize, error| ShardsError::Connect {
            shard: number.to_string(),
            error,
        };
        let signals: Vec<_> = numbers.iter().map(|_| Arc::default()).collect();
        let connected = client::connect(self.set_up(client), servers, signals.clone()).await;
        let client = connected.map_err(|error| failed(0, error))?;
        let mut engines = Vec::with_capacity(numbers.len());
        for (number, signal) in numbers.into_iter().zip(signals) {
            if number > 0 {
                // Positions have the millisecond in which their stream was created, and no two may have
                // the same one: a topic could move from one to the other.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let options = self.clone().for_partition(number);
            let client = client.clone();
            let connected = async {
                options.check()?;
                Link::over(options, client, signal).await
            };
            let link = connected.await.map_err(|error| failed(number, error))?;
            engines.push(NatsEngine::on(link));
        }
        Ok(Sharded::on(placement, engines))
    }

    fn for_partition(mut self, number: usize) -> Self {
        if number > 0 {
            self.stream = format!("{}-{number}", self.stream);
            self.prefix = format!("{}-{number}", self.prefix);
        }
        self
    }
}
