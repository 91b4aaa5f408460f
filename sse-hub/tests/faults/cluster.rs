//! Several NATS servers that have the same stream.

use std::sync::Arc;
use std::time::Duration;

use sse_engines::{Port, Server, nats};
use sse_hub::Hub;
use sse_hub::nats::{ConnectError, NatsOptions};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cases::{Engine as _, assert_exact};
use crate::load::{Begin, Crowd, Load, Node, Place};
use crate::nats::Nats;

/// Three servers that have the same stream.
async fn cluster() -> [Server; 3] {
    let ports = Arc::new([Port::take(), Port::take(), Port::take()]);
    let server = |number| {
        let ports = Arc::clone(&ports);
        Server::start(move |port, folder| {
            let ports = ports.each_ref().map(Port::number);
            nats::in_cluster(port, folder, ports, number)
        })
    };
    // They wait for each other only after they listen.
    [server(0).await, server(1).await, server(2).await]
}

/// A node that is connected to any of the servers.
async fn node(urls: &[String], drivers: &mut JoinSet<()>) -> Hub {
    let options = NatsOptions::new()
        .replicas(3)
        .max_events(1_000_000)
        .answer_within(Duration::from_secs(2))
        // Some servers refuse a key that came just before the end of a leader, although its event
        // was not stored, until they have forgotten it.
        .remember_keys(Duration::from_secs(20));
    // Until they have found each other.
    let engine = loop {
        match options.clone().connect(urls).await {
            Ok(engine) => break engine,
            Err(ConnectError::Stream(_)) => sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("{error:?}"),
        }
    };
    let (hub, driver) = Hub::builder().engine(engine).build();
    drivers.spawn(driver);
    hub
}

/// The number of the server that decides what is stored.
async fn leader(urls: &[String]) -> usize {
    let client = async_nats::connect(urls).await.expect("connected");
    let jetstream = async_nats::jetstream::new(client);
    let stream = jetstream.get_stream("SSE").await.expect("the stream");
    let cluster = stream.cached_info().cluster.as_ref();
    let leader = cluster.and_then(|cluster| cluster.leader.as_ref());
    leader.expect("a leader").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_leader_is_killed_loses_nothing() {
    let case = async {
        let mut servers = cluster().await;
        let urls = servers.each_ref().map(|server| nats::url(server.port()));
        let mut drivers = JoinSet::new();
        let mut hubs = Vec::new();
        for _ in 0..3 {
            hubs.push(node(&urls, &mut drivers).await);
        }
        let begin = Begin::of(&hubs[0]).await;
        let places: Vec<_> = hubs.into_iter().map(Place::of).collect();
        let nodes = places.iter().cloned().map(Node::Place).collect();

        let load = Load::begin(places, nodes, Crowd::Few, &begin).await;
        let server = &mut servers[leader(&urls).await];
        server.kill();
        assert!(!Nats::answers(server.port()).await, "it is dead");
        load.flows().await;
        server.restart().await;
        // The one that has just been started may lag behind.
        let leader = &servers[leader(&urls).await];
        let tally = load
            .finish::<Nats>(leader.port(), "leader of a cluster killed")
            .await;
        assert_exact(tally);
    };
    let within = Duration::from_secs(100);
    timeout(within, case).await.expect("it completes");
}
