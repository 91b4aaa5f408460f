//! Which servers an engine in Redis connects to, and what it does when they change.

use std::time::Duration;

use sse_engines::{Port, Proxy, Server, redis};
use sse_hub::redis::{ConnectError, RedisEngine, RedisOptions};
use sse_hub::{Engine as _, EngineError, Hub, Position, PublishError};

use crate::redis::{ask_until, node};
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

#[cfg(feature = "redis-rustls")]
#[tokio::test]
async fn connecting_with_tls_to_a_server_without_it_fails_with_a_reason() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let url = redis::url(server.port()).replace("redis://", "rediss://");
        let refused = RedisEngine::connect(&url).await;
        let refused = refused.expect_err("refused");
        assert!(matches!(refused, ConnectError::TlsTimedOut), "{refused:?}");
        assert!(refused.to_string().contains("expected a port with TLS"));
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
    async fn node(&self) -> Hub {
        let engine = RedisEngine::connect(&redis::url(self.proxy.port())).await;
        let (hub, driver) = Hub::builder().engine(engine.expect("connected")).build();
        self.drivers.spawn(driver);
        hub
    }

    /// Promotes the replica and demotes the primary. No connection is cut, and new ones go to the new
    /// primary.
    async fn fail_over(&self) {
        let len = "XLEN sse:{a}";
        let all = redis::ask(self.primary.port(), len).await;
        ask_until(&self.replica, len, |answer| Some(answer) == all.as_deref()).await;
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

/// What the documentation says is enough for a user.
const RULES: &str = "resetchannels ~sse:* &0:sse:{* +hello +eval +evalsha +subscribe +unsubscribe \
                     +time +exists +xinfo|stream +xrange +xrevrange +xadd +xtrim +pexpire +get +set +publish";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_the_documented_permissions_can_do_everything_and_with_less_is_refused() {
    within_bounds(async {
        let user = format!("user default on nopass ~* &* +@all\nuser app on >secret {RULES}");
        let server = Server::start(redis::with_users(redis::in_memory, &user)).await;
        let url = redis::url(server.port()).replace("://", "://app:secret@");
        let engine = RedisEngine::connect(&url).await;
        let drivers = Drivers::default();
        let (hub, driver) = Hub::builder().engine(engine.expect("connected")).build();
        drivers.spawn(driver);
        let mut client = Client::new(&hub, &["a"], None).await;
        let publish = |data: &'static str| hub.publish("a", data).key(data);
        for data in ["1", "1", "2"] {
            publish(data).await.expect("published");
        }
        assert_eq!(client.data(2).await, ["1", "2"]);
        let mut late = Client::begin(hub.subscribe(["a"]).from_start()).await;
        assert_eq!(late.data(2).await, ["1", "2"]);

        for (less, missing) in [
            ("resetchannels", "PUBLISH"),
            ("&0:sse:{* -publish", "PUBLISH"),
            ("+publish -xadd", "XADD"),
            ("+xadd resetkeys ~other:*", "key"),
            ("resetkeys ~sse:* -subscribe", "subscribe"),
            ("+subscribe -evalsha", "evalsha"),
            ("+evalsha -eval", "eval"),
        ] {
            let set = redis::ask(server.port(), &format!("ACL SETUSER app {less}")).await;
            assert_eq!(set.as_deref(), Some("+OK\r\n"), "{less}");
            let forgotten = redis::ask(server.port(), "SCRIPT FLUSH").await;
            assert_eq!(forgotten.as_deref(), Some("+OK\r\n"));
            let refused = RedisEngine::connect(&url).await;
            assert!(
                matches!(&refused, Err(ConnectError::NotPermitted(why)) if why.contains(missing)),
                "{less}: {refused:?}"
            );
        }
        let set = redis::ask(server.port(), "ACL SETUSER app +eval").await;
        assert_eq!(set.as_deref(), Some("+OK\r\n"));
        RedisEngine::connect(&url).await.expect("connected");
    })
    .await;
}

#[tokio::test]
async fn topics_that_no_hub_accepts_are_refused() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let engine = RedisEngine::connect(&redis::url(server.port())).await;
        let engine = engine.expect("connected");
        let long = "x".repeat(513);
        for topic in ["", &long] {
            let refused = [
                engine.append(topic, b"x", None).await.err(),
                engine.open(topic).await.err(),
                engine.read(topic, Position::OLDEST).await.err(),
                engine
                    .mark_loss(topic, Position::OLDEST, Position::OLDEST)
                    .await
                    .err(),
            ];
            for refused in refused {
                assert!(
                    matches!(refused, Some(EngineError::Refused(_))),
                    "{refused:?}"
                );
            }
        }
        let keys = redis::ask(server.port(), "DBSIZE").await;
        assert_eq!(keys.as_deref(), Some(":0\r\n"));
        let longest = "x".repeat(512);
        let appended = engine.append(&longest, b"x", None).await;
        appended.expect("appended");
    })
    .await;
}

#[cfg(not(feature = "redis-rustls"))]
#[tokio::test]
async fn a_url_that_asks_for_tls_is_refused_without_the_feature() {
    let refused = RedisEngine::connect("rediss://127.0.0.1:1/").await;
    assert!(
        matches!(refused, Err(ConnectError::WithoutTls)),
        "{refused:?}"
    );
}

#[cfg(feature = "redis-rustls")]
mod tls {
    use std::process::{Command, Output};

    use sse_engines::Certificate;

    use super::*;

    /// Has the URL of the server, in a process of its own, whose certificates are in another variable.
    const URL: &str = "SSE_TEST_REDIS_TLS";

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_with_tls_is_used_if_its_certificate_is_trusted() {
        within_bounds(async {
            let certificate = Certificate::new();
            let server = redis::with_tls(redis::in_memory, &certificate);
            let server = Server::start(server).await;
            let url = redis::tls_url(server.port());
            let untrusted = RedisEngine::connect(&url).await;
            assert!(
                matches!(untrusted, Err(ConnectError::Server(_))),
                "{untrusted:?}"
            );

            let trusted = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
            let trusted = trusted.join(format!("redis-{}.pem", server.port()));
            std::fs::write(&trusted, certificate.pem()).expect("written");
            let node = std::env::current_exe().expect("this program");
            let mut node = Command::new(node);
            node.args(["--exact", "redis_connection::tls::node", "--nocapture"])
                .env(URL, url)
                .env("SSL_CERT_FILE", &trusted);
            let Output { status, stderr, .. } = node.output().expect("its end");
            std::fs::remove_file(&trusted).expect("removed");
            assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        })
        .await;
    }

    /// What that process runs; nothing unless it is one.
    #[tokio::test]
    async fn node() {
        let Ok(url) = std::env::var(URL) else {
            return;
        };
        within_bounds(async {
            let engine = RedisEngine::connect(&url).await.expect("connected");
            let drivers = Drivers::default();
            let (hub, driver) = Hub::builder().engine(engine).build();
            drivers.spawn(driver);
            let mut client = Client::new(&hub, &["a"], None).await;
            hub.publish("a", "encrypted").await.expect("published");
            assert_eq!(client.data(1).await, ["encrypted"]);
        })
        .await;
    }
}
