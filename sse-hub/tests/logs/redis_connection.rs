//! Which servers an engine in Redis connects to, and what it does when they change.

use std::time::Duration;

use sse_engines::{Port, Proxy, Server, redis};
use sse_hub::PublishError;
use sse_hub::redis::{ConnectError, RedisEngine, RedisOptions};

use crate::redis::{ask_until, node, server};
use crate::suite::{Client, Drivers, within_bounds};

#[tokio::test]
async fn a_prefix_with_braces_is_refused() {
    for prefix in ["{", "a}"] {
        let options = RedisOptions::new().prefix(prefix);
        let refused = options.connect("redis://127.0.0.1:1/").await;
        assert!(matches!(refused, Err(ConnectError::Prefix)), "{refused:?}");
    }
}

#[tokio::test]
async fn connecting_fails_with_a_reason() {
    let wrong = RedisEngine::connect("http://127.0.0.1/").await;
    assert!(matches!(wrong, Err(ConnectError::Url(_))), "{wrong:?}");
    // The port is free, as nothing listens there now.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let refused = RedisEngine::connect(&redis::url(port)).await;
    assert!(
        matches!(refused, Err(ConnectError::Server(_))),
        "{refused:?}"
    );
}

#[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
#[tokio::test]
async fn connecting_with_tls_to_a_server_without_it_fails_with_a_reason() {
    within_bounds(async {
        let (server, _drivers) = server().await;
        let url = redis::url(server.port()).replace("redis://", "rediss://");
        let refused = RedisEngine::connect(&url).await;
        assert!(
            matches!(refused, Err(ConnectError::Server(_))),
            "{refused:?}"
        );
    })
    .await;
}

/// Two servers, the first of which is used through a proxy until it is [demoted](Pair::fail_over).
struct Pair {
    primary: Server,
    replica: Server,
    proxy: Proxy,
    drivers: Drivers,
}

impl Pair {
    async fn start() -> Self {
        let primary = Server::start(redis::in_memory).await;
        let replica = Server::start(redis::replica_of(primary.port())).await;
        ask_until(&replica, "INFO replication", |answer| {
            answer.contains("master_link_status:up")
        })
        .await;
        Self {
            proxy: Proxy::start(primary.port()).await,
            primary,
            replica,
            drivers: Drivers::default(),
        }
    }

    /// A node that stays connected to the demoted server unless it notices.
    async fn node(&self) -> sse_hub::Hub {
        let engine = RedisEngine::connect(&redis::url(self.proxy.port())).await;
        let (hub, driver) = sse_hub::Hub::builder()
            .engine(engine.expect("connected"))
            .build();
        self.drivers.spawn(driver);
        hub
    }

    /// Promotes the replica and demotes the primary. No connection is cut, and new ones go to the new
    /// primary.
    async fn fail_over(&self) {
        let promoted = redis::ask(self.replica.port(), "REPLICAOF NO ONE").await;
        assert_eq!(promoted.as_deref(), Some("+OK\r\n"));
        self.proxy.forward_to(self.replica.port());
        let demote = format!("REPLICAOF 127.0.0.1 {}", self.replica.port());
        let demoted = redis::ask(self.primary.port(), &demote).await;
        assert_eq!(demoted.as_deref(), Some("+OK\r\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_one_refusal_of_a_demoted_server_the_next_publish_succeeds() {
    within_bounds(async {
        let pair = Pair::start().await;
        let hub = pair.node().await;
        let mut client = Client::new(&hub, &["a"], None).await;
        hub.publish("a", "before").await.expect("published");
        assert_eq!(client.data(1).await, ["before"]);
        pair.fail_over().await;
        let refused = hub.publish("a", "refused").await;
        assert!(
            matches!(refused, Err(PublishError::Engine(_))),
            "{refused:?}"
        );
        for number in 0..3 {
            hub.publish("a", format!("{number}"))
                .await
                .expect("published");
        }
        assert_eq!(client.data(3).await, ["0", "1", "2"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_server_is_noticed_though_nothing_is_published_to_it() {
    within_bounds(async {
        let pair = Pair::start().await;
        let hub = pair.node().await;
        let mut client = Client::new(&hub, &["a"], None).await;
        hub.publish("a", "before").await.expect("published");
        assert_eq!(client.data(1).await, ["before"]);
        pair.fail_over().await;
        let other = node(&pair.replica, &pair.drivers, RedisOptions::new()).await;
        other.publish("a", "after").await.expect("published");
        // The check of the server, twice a second, and some time for the rest.
        let within = Duration::from_millis(1500);
        let after = tokio::time::timeout(within, client.data(1)).await;
        assert_eq!(after.expect("within a second"), ["after"]);
        other.publish("a", "live").await.expect("published");
        assert_eq!(client.data(1).await, ["live"]);
    })
    .await;
}

#[tokio::test]
async fn a_replica_is_refused() {
    within_bounds(async {
        let pair = Pair::start().await;
        let refused = RedisEngine::connect(&redis::url(pair.replica.port())).await;
        assert!(matches!(refused, Err(ConnectError::Replica)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_cluster_is_refused() {
    within_bounds(async {
        let server = Server::start_on(Port::with_bus(), redis::in_cluster).await;
        let refused = RedisEngine::connect(&redis::url(server.port())).await;
        assert!(
            matches!(&refused, Err(ConnectError::Mode(mode)) if mode == "cluster"),
            "{refused:?}"
        );
    })
    .await;
}
