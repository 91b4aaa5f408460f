//! What servers of NATS can be: with TLS, with permissions, stopping, or not ready.

use std::sync::Arc;
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{self, stream};
use futures_util::future::join_all;
use sse_engines::{Certificate, Port, Server, nats};
use sse_hub::nats::{ConnectError, NatsEngine, NatsOptions};
use sse_hub::{Engine, EngineError, Entry, Live, Page, Position};

use super::{Nodes, append, event, has_version, read_all};
use crate::suite::within_bounds;

fn has_reason(refused: &Result<NatsEngine, ConnectError>, reason: &str) -> bool {
    matches!(refused, Err(ConnectError::Unsuitable(found)) if found.contains(reason))
}

#[tokio::test]
async fn names_that_no_hub_takes_are_refused_by_the_engine_itself() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let at = append(&engine, "a", 0).await;
        for name in ["", &"ø".repeat(2_000)] {
            for refused in [
                engine.append(name, b"data\n\n", None).await.map(drop),
                engine.open(name).await.map(drop),
                engine.read(name, at).await.map(drop),
                engine.mark_loss(name, at, at).await.map(drop),
            ] {
                let is_refused = matches!(refused, Err(EngineError::Refused(_)));
                assert!(is_refused, "{refused:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_in_which_single_messages_can_vanish_is_refused() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        drop(nodes.engine(NatsOptions::new()).await);
        let jetstream = nodes.jetstream().await;
        let stream = jetstream.get_stream("SSE").await.expect("the stream");
        let suitable = stream.cached_info().config.clone();
        let url = nats::url(nodes.server.port());
        let in_memory = stream::Config {
            name: "MEMORY".to_owned(),
            storage: stream::StorageType::Memory,
            subjects: vec!["memory.log.*".to_owned()],
            republish: Some(stream::Republish {
                source: "memory.log.*".to_owned(),
                destination: "memory.live.{{wildcard(1)}}".to_owned(),
                headers_only: false,
            }),
            ..suitable.clone()
        };
        jetstream.create_stream(in_memory).await.expect("made");
        let options = NatsOptions::new().stream("MEMORY");
        let refused = options.subject_prefix("memory").connect(&url).await;
        assert!(has_reason(&refused, "files"), "{refused:?}");
        if !has_version(
            &jetstream.client(),
            2,
            11,
            "a_stream_with_allow_msg_ttl_is_refused",
        ) {
            return;
        }
        let mut config = serde_json::to_value(&suitable).expect("JSON");
        config["allow_msg_ttl"] = true.into();
        let changed = jetstream.request("STREAM.UPDATE.SSE", &config).await;
        let changed: serde_json::Value = changed.expect("an answer");
        assert_eq!(changed["error"], serde_json::Value::Null, "{changed}");
        let refused = NatsOptions::new().connect(&url).await;
        assert!(has_reason(&refused, "time to live"), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn once_a_mirror_was_noticed_the_stream_itself_is_read() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        // Of another topic alone, so that it lacks what is asked for.
        let source = stream::Source {
            name: "SSE".to_owned(),
            filter_subject: Some("sse.log.other".to_owned()),
            ..stream::Source::default()
        };
        let mirror = stream::Config {
            name: "COPY".to_owned(),
            mirror: Some(source),
            ..stream::Config::default()
        };
        let jetstream = nodes.jetstream().await;
        jetstream.create_stream(mirror).await.expect("created");
        append(&engine, "other", 0).await;
        // It answers from when it has caught up.
        let source = jetstream.get_stream("SSE").await.expect("a stream");
        loop {
            let answer = source.direct_get_last_for_subject("sse.log.other").await;
            let answer = answer.expect("an answer");
            let stream = answer.headers.get_last(async_nats::header::NATS_STREAM);
            if stream.is_some_and(|stream| stream.as_str() == "COPY") {
                break;
            }
        }
        // With what it has, so that the engine notices it.
        for _ in 0..40 {
            drop(engine.read("other", Position::OLDEST).await);
        }
        let mut at = Vec::new();
        for number in 0..3 {
            at.push(append(&engine, "a", number).await);
        }
        for _ in 0..40 {
            let (all, _) = read_all(&engine, "a", Position::OLDEST).await;
            assert_eq!(all, [event(0), event(1), event(2)]);
            let opened = engine.open("a").await.expect("opened");
            assert_eq!(opened.head, at[2]);
            let (left, _) = read_all(&engine, "a", at[1]).await;
            assert_eq!(left, [event(2)]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_replaced_by_an_unsuitable_one_is_not_used() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        append(&engine, "a", 0).await;
        let jetstream = nodes.jetstream().await;
        let mut stream = jetstream.get_stream("SSE").await.expect("a stream");
        let mut config = stream.info().await.expect("its config").config.clone();
        jetstream.delete_stream("SSE").await.expect("deleted");
        // Nothing of it would arrive live.
        config.republish = None;
        jetstream.create_stream(&config).await.expect("created");
        nodes.server.kill();
        nodes.server.restart().await;
        let refused = loop {
            match engine.append("a", b"data: 1\n\n", None).await {
                Err(EngineError::Refused(reason)) => break reason,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Ok(at) => panic!("appended at {at:?}"),
            }
        };
        assert!(refused.contains("republish"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn nodes_that_connect_at_once_to_a_server_without_the_stream_all_succeed() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let url = &nats::url(nodes.server.port());
        for round in 0..40 {
            let connecting = (0..8).map(|_| {
                let options = NatsOptions::new().stream(&format!("S{round}"));
                let options = options.max_bytes(1024 * 1024);
                options.subject_prefix(&format!("s{round}")).connect(url)
            });
            for engine in join_all(connecting).await {
                engine.expect("connected");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_with_tls_is_used_with_its_certificate_and_not_without() {
    within_bounds(async {
        let certificate = Certificate::new();
        let server = Server::start(nats::with_tls(nats::durable, &certificate)).await;
        let folder = tempfile::tempdir().expect("a folder");
        let trusted = folder.path().join("trusted.pem");
        std::fs::write(&trusted, certificate.pem()).expect("written");
        let url = nats::tls_url(server.port());

        let client = ConnectOptions::new().add_root_certificates(trusted);
        let connected = NatsOptions::new().connect_with(client, &url).await;
        let engine = connected.expect("connected");
        let first = append(&engine, "a", 0).await;
        append(&engine, "a", 1).await;
        assert_eq!(read_all(&engine, "a", first).await.0, [event(1)]);

        let refused = NatsOptions::new().connect(&url).await;
        assert!(
            matches!(refused, Err(ConnectError::Connection(_))),
            "{refused:?}"
        );
    })
    .await;
}

/// The permissions that the documentation of `NatsEngine` names.
const PERMISSIONS: &str = r#"
authorization {
  users: [
    { user: admin, password: a }
    {
      user: node, password: n
      permissions: {
        publish: [
          "sse.log.*"
          "$JS.API.STREAM.CREATE.SSE"
          "$JS.API.STREAM.INFO.SSE"
          "$JS.API.STREAM.MSG.GET.SSE"
          "$JS.API.DIRECT.GET.SSE"
          "$JS.API.DIRECT.GET.SSE.>"
        ]
        subscribe: ["sse.live.*", "_INBOX.>"]
      }
    }
  ]
}
"#;

#[tokio::test]
async fn the_documented_permissions_are_enough() {
    within_bounds(async {
        let server = Server::start(nats::with_config(nats::durable, PERMISSIONS)).await;
        let (denied, mut denials) = tokio::sync::mpsc::unbounded_channel();
        let client = |user: &str, password: &str| {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        };
        let url = nats::url(server.port());
        let connected = NatsOptions::new()
            .connect_with(client("node", "n"), &url)
            .await;
        let engine = connected.expect("connected");
        let start = engine.open("a").await.expect("opened").head;
        let interrupted = std::future::poll_fn(|cx| engine.poll_live(cx)).await;
        assert!(matches!(interrupted, Live::Interrupted), "{interrupted:?}");
        let kept = append(&engine, "a", 0).await;
        let keyed = engine.append("a", b"data\n\n", Some("key")).await;
        let again = engine.append("a", b"data\n\n", Some("key")).await;
        assert_eq!(keyed.expect("appended"), again.expect("known"));
        let live = std::future::poll_fn(|cx| engine.poll_live(cx)).await;
        assert!(
            matches!(&live, Live::Entry(entry) if entry.position == kept),
            "{live:?}"
        );
        engine.mark_loss("a", kept, kept).await.expect("marked");
        let (entries, _) = read_all(&engine, "a", start).await;
        assert_eq!(entries.len(), 3, "{entries:?}");
        assert_eq!(entries[2], Entry::Loss);
        let unknown = engine.read("a", Position::new(1, 1)).await;
        assert!(matches!(unknown, Ok(Page::Unknown)), "{unknown:?}");

        // It cannot forge what comes from the stream.
        let other = client("node", "n").event_callback(move |event| {
            let _ = denied.send(event.to_string());
            std::future::ready(())
        });
        let other = other.connect(&url).await.expect("connected");
        let forged = other.publish("sse.live.a", "data: forged\n\n".into()).await;
        forged.expect("sent");
        while let Some(event) = denials.recv().await {
            if event.contains("ermissions") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_without_jetstream_is_refused_at_once_and_left_for_one_that_has_it() {
    within_bounds(async {
        let without = Server::start(nats::without_jetstream).await;
        let with = Server::start(nats::durable).await;
        let begin = tokio::time::Instant::now();
        let refused = NatsOptions::new().connect(nats::url(without.port())).await;
        assert!(
            matches!(refused, Err(ConnectError::Stream(_))),
            "{refused:?}"
        );
        assert!(begin.elapsed() < Duration::from_secs(2), "it did not wait");

        let mut server = with;
        let urls = [nats::url(server.port()), nats::url(without.port())];
        let servers: Vec<async_nats::ServerAddr> =
            urls.iter().map(|url| url.parse().expect("a URL")).collect();
        let client = ConnectOptions::new().retain_servers_order();
        let connected = NatsOptions::new().connect_with(client, servers).await;
        let engine = Arc::new(connected.expect("connected"));
        append(&*engine, "a", 0).await;
        let driving = Arc::clone(&engine);
        let driver = tokio::spawn(async move {
            loop {
                std::future::poll_fn(|cx| driving.poll_live(cx)).await;
            }
        });
        // The client goes to the other one.
        server.kill();
        while engine.append("a", b"data\n\n", None).await.is_ok() {}
        server.restart().await;
        while engine.append("a", b"data\n\n", None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        driver.abort();
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_going_to_end_is_left_for_another_one() {
    within_bounds(async {
        let first = Server::start(nats::durable).await;
        let second = Server::start(nats::durable).await;
        let servers: Vec<async_nats::ServerAddr> = [&first, &second]
            .map(|server| nats::url(server.port()).parse().expect("a URL"))
            .to_vec();
        let client = ConnectOptions::new().retain_servers_order();
        let connected = NatsOptions::new().connect_with(client, servers).await;
        let engine = Arc::new(connected.expect("connected"));
        let position = append(&*engine, "a", 0).await;
        let driving = Arc::clone(&engine);
        let driver = tokio::spawn(async move {
            loop {
                std::future::poll_fn(|cx| driving.poll_live(cx)).await;
            }
        });
        // Its connections would last for two minutes, without JetStream.
        let id = first.id().to_string();
        let signalled = std::process::Command::new("kill")
            .args(["-USR2", &id])
            .status();
        assert!(signalled.expect("run").success());
        let left = async {
            // The other one has another stream.
            while !matches!(engine.read("a", position).await, Ok(Page::Unknown)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // The server itself closes no connection in the first ten seconds.
        let left = tokio::time::timeout(Duration::from_secs(8), left).await;
        left.expect("it is left");
        append(&*engine, "a", 1).await;
        driver.abort();
    })
    .await;
}

#[tokio::test]
async fn a_publish_waits_for_a_new_leader() {
    within_bounds(async {
        let ports = Arc::new([Port::take(), Port::take(), Port::take()]);
        let server = |number| {
            let ports = Arc::clone(&ports);
            Server::start(move |port, folder: &std::path::Path| {
                let ports = ports.each_ref().map(Port::number);
                nats::in_cluster(port, folder, ports, number)
            })
        };
        let mut servers = [server(0).await, server(1).await, server(2).await];
        let urls = servers.each_ref().map(|server| nats::url(server.port()));
        let options = NatsOptions::new().replicas(3);
        // Until they have found each other.
        let engine = loop {
            let options = options.clone().answer_within(Duration::from_secs(2));
            match options.connect(&urls[..]).await {
                Ok(engine) => break engine,
                Err(ConnectError::Stream(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        };
        append(&engine, "a", 0).await;
        let client = async_nats::connect(&urls[..]).await.expect("connected");
        let stream = jetstream::new(client).get_stream("SSE").await;
        let info = stream.expect("the stream").cached_info().cluster.clone();
        let leader = info.and_then(|cluster| cluster.leader).expect("a leader");
        let leader: usize = leader.parse().expect("a number");

        let other = &urls[(leader + 1) % 3];
        let options = options.answer_within(Duration::from_secs(30));
        let engine = options.connect(other).await.expect("connected");
        append(&engine, "a", 1).await;
        let client = async_nats::connect(other).await.expect("connected");
        let mut watching = jetstream::new(client);
        watching.set_timeout(Duration::from_millis(200));
        servers[leader].kill();
        // What is sent to the leader before its end is noticed gets no answer.
        loop {
            let sent = watching
                .publish("sse.log.b", "x".into())
                .await
                .expect("sent");
            match sent.await {
                Err(error) if error.kind() == PublishErrorKind::TimedOut => {}
                _ => break,
            }
        }
        let appended = engine.append("a", b"data: 2\n\n", None).await;
        appended.expect("appended");
    })
    .await;
}
