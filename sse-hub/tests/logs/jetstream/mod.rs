//! What only NATS JetStream has: its stream, its subjects, its own ways to lose something.

mod losses;
mod servers;

use std::pin::pin;
use std::time::Duration;

use async_nats::jetstream;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_engines::{Server, nats};
use sse_hub::nats::{ConnectError, NatsEngine, NatsOptions};
use sse_hub::{Driver, Engine, EngineError, Entry, Hub, Page, Position, PublishError};
use tokio::task::JoinSet;

use crate::suite::{Client, publish, within_bounds};

/// Hubs on one server.
struct Nodes {
    server: Server,
    drivers: JoinSet<()>,
}

impl Nodes {
    async fn start() -> Self {
        Self {
            server: Server::start(nats::durable).await,
            drivers: JoinSet::new(),
        }
    }

    async fn engine(&self, options: NatsOptions) -> NatsEngine {
        let engine = options.connect(nats::url(self.server.port())).await;
        engine.expect("connected")
    }

    async fn undriven(&self, options: NatsOptions) -> (Hub, Driver) {
        let engine = self.engine(options).await;
        Hub::builder().engine(engine).build()
    }

    async fn node(&mut self, options: NatsOptions) -> Hub {
        let (hub, driver) = self.undriven(options).await;
        self.drivers.spawn(driver);
        hub
    }

    /// A client of the same server that is no hub.
    async fn jetstream(&self) -> jetstream::Context {
        let client = async_nats::connect(nats::url(self.server.port())).await;
        jetstream::new(client.expect("connected"))
    }
}

/// Whether a server has what came with a version. If not, that is printed, for a test that is left out.
fn has_version(client: &async_nats::Client, major: i64, minor: i64, test: &str) -> bool {
    let has_it = client.is_server_compatible(major, minor, 0);
    if !has_it {
        let version = client.server_info().version;
        println!("LEFT OUT: {test}: needs {major}.{minor}, the server is {version}");
    }
    has_it
}

/// Reads all that follows a position, and returns the events and the number of pages.
async fn read_all(engine: &impl Engine, topic: &str, mut after: Position) -> (Vec<Entry>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    loop {
        let page = engine.read(topic, after).await.expect("a page");
        let (Page::Entries(entries) | Page::Last(entries)) = page else {
            panic!("{page:?}");
        };
        pages += 1;
        let Some((last, _)) = entries.last() else {
            return (all, pages);
        };
        after = *last;
        all.extend(entries.into_iter().map(|(_, entry)| entry));
    }
}

async fn append(engine: &impl Engine, topic: &str, number: u32) -> Position {
    let event = format!("data: {number}\n\n");
    let appended = engine.append(topic, event.as_bytes(), None).await;
    appended.expect("appended")
}

fn event(number: u32) -> Entry {
    Entry::Event(format!("data: {number}\n\n").into())
}

#[tokio::test]
async fn a_page_is_read_by_one_request_from_a_server_that_has_batches() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let client = nodes.jetstream().await.client();
        if !has_version(&client, 2, 11, "a_page_is_read_by_one_request") {
            return;
        }
        let options = NatsOptions::new().max_events(10_000);
        let engine = nodes.engine(options).await;
        for number in 0..2_000 {
            append(&engine, "a", number).await;
        }
        let requests = client.subscribe("$JS.API.DIRECT.GET.SSE").await;
        let mut requests = requests.expect("subscribed");
        client.flush().await.expect("subscribed");
        let (events, pages) = read_all(&engine, "a", Position::OLDEST).await;
        assert_eq!(events, (0..2_000).map(event).collect::<Vec<_>>());
        // One for the page, and one for whether it follows the position, or for what was trimmed meanwhile.
        assert!(pages <= 5, "{pages}");
        client.flush().await.expect("answered");
        let mut count = 0;
        while let Some(Some(_)) = requests.next().now_or_never() {
            count += 1;
        }
        assert!(count <= 2 * pages, "{count} requests for {pages} pages");
    })
    .await;
}

#[tokio::test]
async fn a_page_has_no_hole_though_the_topic_is_trimmed_while_it_is_read() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        // Each entry is a request of its own, so that a page takes long.
        let options = NatsOptions::new().max_events(16).live_capacity(1);
        let engine = nodes.engine(options).await;
        let mut published = 0;
        let mut publish = pin!(async {
            loop {
                append(&engine, "a", published).await;
                published += 1;
            }
        });
        for round in 0..40 {
            let read = async {
                if round % 2 == 0 {
                    return Some(engine.read("a", Position::OLDEST).await);
                }
                let oldest = numbers_of(engine.read("a", Position::OLDEST).await)?;
                Some(engine.read("a", oldest.first()?.0).await)
            };
            let page = tokio::select! {
                biased;
                () = &mut publish => unreachable!(),
                page = read => page,
            };
            // Or it was trimmed.
            if let Some(numbers) = page.and_then(numbers_of) {
                let is_gapless = numbers.windows(2).all(|two| two[1].1 == two[0].1 + 1);
                assert!(is_gapless, "{numbers:?}");
            }
        }
        // The last one may be on its way.
        let left = numbers_of(engine.read("a", Position::OLDEST).await).expect("a page");
        assert!((15..=17).contains(&left.len()), "{left:?}");
    })
    .await;
}

/// Returns the positions and the numbers of the events of a page, if it has not been trimmed.
fn numbers_of(page: Result<Page, EngineError>) -> Option<Vec<(Position, u32)>> {
    let (Page::Entries(entries) | Page::Last(entries)) = page.expect("a page") else {
        return None;
    };
    let entries = entries.into_iter();
    Some(entries.map(|(at, entry)| (at, number(&entry))).collect())
}

fn number(entry: &Entry) -> u32 {
    let Entry::Event(event) = entry else {
        panic!("{entry:?}");
    };
    let event = std::str::from_utf8(event).expect("text");
    let number = event.strip_prefix("data: ").expect("data").trim_end();
    number.parse().expect("a number")
}

#[tokio::test]
async fn pages_are_bounded_by_bytes_and_by_the_room_for_messages() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        for (capacity, len, at_most) in [
            (1, 10, 512),
            (2, 10, 512),
            (7, 10, 512),
            (4_096, 100_000, 4),
        ] {
            let topic = format!("{capacity} {len}");
            let options = NatsOptions::new().live_capacity(capacity);
            let engine = nodes.engine(options).await;
            let event = format!("data: {}\n\n", "x".repeat(len));
            for _ in 0..20 {
                let appended = engine.append(&topic, event.as_bytes(), None).await;
                appended.expect("appended");
            }
            let page = engine.read(&topic, Position::OLDEST).await;
            let Ok(Page::Entries(entries) | Page::Last(entries)) = page else {
                panic!("{page:?}");
            };
            assert!((1..=at_most).contains(&entries.len()), "{}", entries.len());
            let (events, _) = read_all(&engine, &topic, Position::OLDEST).await;
            assert_eq!(events, vec![Entry::Event(event.into()); 20]);
        }
    })
    .await;
}

#[tokio::test]
async fn topics_of_any_name_are_distinguished() {
    within_bounds(async {
        let long = "ø.*>".repeat(102);
        let names = [
            "a", "a.b", "a.*", "a.>", ">", "*", "$SYS", "%", "%61", " ", "\r\n", "A", &long,
        ];
        let mut nodes = Nodes::start().await;
        let first = nodes.node(NatsOptions::new()).await;
        let second = nodes.node(NatsOptions::new()).await;
        let mut clients = Vec::new();
        for name in names {
            clients.push(Client::new(&first, &[name], None).await);
        }
        for name in names {
            let published = second.publish(name, name.escape_debug().to_string());
            published
                .key(name.get(..4).unwrap_or(name))
                .await
                .expect(name);
        }
        for (name, client) in names.iter().zip(&mut clients) {
            let data = client.data(1).await;
            assert_eq!(data, [name.escape_debug().to_string()]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_is_known_after_the_server_was_killed() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let hub = nodes.node(NatsOptions::new()).await;
        let mut client = Client::new(&hub, &["a"], None).await;
        let first = hub.publish("a", "once").key("1").await.expect("published");
        nodes.server.kill();
        nodes.server.restart().await;
        let again = loop {
            if let Ok(position) = hub.publish("a", "once").key("1").await {
                break position;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(first, again);
        publish(&hub, "a", "then").await;
        assert_eq!(client.data(2).await, ["once", "then"]);
    })
    .await;
}

#[tokio::test]
async fn a_quiet_topic_goes_on_without_a_gap_when_its_history_is_too_old() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let options = NatsOptions::new().max_age(Duration::from_secs(1));
        let listening = nodes.node(options.clone()).await;
        let publishing = nodes.node(options.clone()).await;
        let mut client = Client::new(&listening, &["quiet"], None).await;
        publish(&publishing, "quiet", "before").await;
        // Others are not quiet, so that the stream does not end with it.
        publish(&publishing, "other", "x").await;
        assert_eq!(client.data(1).await, ["before"]);
        let id = client.id.clone();

        let stream = nodes.jetstream().await.get_stream("SSE").await;
        let mut stream = stream.expect("the stream");
        while stream.info().await.expect("its state").state.messages > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        publish(&publishing, "quiet", "after").await;
        assert_eq!(client.data(1).await, ["after"]);
        let mut resumed = Client::new(&listening, &["quiet"], Some(&id)).await;
        assert_eq!(resumed.data(1).await, ["after"]);

        // A node that has not used the topic cannot know that, and sends a gap.
        let fresh = nodes.node(options).await;
        let mut resumed = Client::new(&fresh, &["quiet"], Some(&id)).await;
        assert_eq!(resumed.gap().await, "unknown");
    })
    .await;
}

#[tokio::test]
async fn live_messages_that_did_not_fit_are_read_without_another_one() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let (hub, driver) = nodes.undriven(NatsOptions::new().live_capacity(4)).await;
        let publishing = nodes.node(NatsOptions::new()).await;
        let mut client = Client::new(&hub, &["a", "b"], None).await;
        for number in 0..50 {
            publish(&publishing, "a", number).await;
        }
        // The driver has not run yet.
        nodes.drivers.spawn(driver);
        let expected: Vec<_> = (0..50).map(|number| number.to_string()).collect();
        assert_eq!(client.data(50).await, expected);
        publish(&publishing, "b", "live").await;
        assert_eq!(client.data(1).await, ["live"]);
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_was_deleted_is_created_again_and_is_a_gap() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let first = nodes.node(NatsOptions::new()).await;
        let second = nodes.node(NatsOptions::new()).await;
        let mut clients = [
            Client::new(&first, &["a"], None).await,
            Client::new(&second, &["a"], None).await,
        ];
        for number in 0..10 {
            publish(&first, "a", number).await;
        }
        for client in &mut clients {
            client.data(10).await;
        }
        let old_id = clients[0].id.clone();
        let jetstream = nodes.jetstream().await;
        jetstream.delete_stream("SSE").await.expect("deleted");
        // The numbers begin with one again.
        publish(&first, "a", "new").await;
        for client in &mut clients {
            assert_eq!(client.gap().await, "unknown");
        }
        publish(&second, "a", "newer").await;
        for client in &mut clients {
            let mut event = client.next().await;
            // A gap may come before the deletion is complete.
            if event.data == "new" {
                event = client.next().await;
            }
            assert_eq!(event.data, "newer");
        }
        let mut resumed = Client::new(&second, &["a"], Some(&old_id)).await;
        assert_eq!(resumed.gap().await, "unknown");
    })
    .await;
}

#[tokio::test]
async fn what_does_not_come_from_the_stream_is_ignored() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let hub = nodes
            .node(NatsOptions::new().subject_prefix("app.sse"))
            .await;
        let mut client = Client::new(&hub, &["a"], None).await;
        let jetstream = nodes.jetstream().await;
        let other = jetstream.client();
        let mut live = other.subscribe("app.sse.live.a").await.expect("subscribed");
        other
            .publish("app.sse.live.a", "data: forged\n\n".into())
            .await
            .expect("sent");
        other.flush().await.expect("sent");
        live.next().await.expect("a live message");
        // Not an event, but it has its place in the stream.
        let stored = jetstream.publish("app.sse.log.a", "no event".into()).await;
        stored.expect("sent").await.expect("stored");
        publish(&hub, "a", "true").await;
        assert_eq!(client.data(1).await, ["true"]);
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_too_long_for_the_server_is_refused_at_once() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let hub = nodes.node(NatsOptions::new()).await;
        // The server takes a mebibyte.
        let refused = hub.publish("a", "x".repeat(1024 * 1024)).await;
        assert!(
            matches!(
                refused,
                Err(PublishError::TooLong {
                    limit: 0x10_0000,
                    ..
                })
            ),
            "{refused:?}"
        );
        for name in ["", &"ø".repeat(2_000)] {
            let refused = hub.publish(name, "x").await;
            assert!(
                matches!(refused, Err(PublishError::Topic(_))),
                "{refused:?}"
            );
        }
        publish(&hub, "a", "short").await;
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_not_suitable_is_refused() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let jetstream = nodes.jetstream().await;
        let config = jetstream::stream::Config {
            name: "SSE".to_owned(),
            subjects: vec!["sse.log.*".to_owned()],
            ..jetstream::stream::Config::default()
        };
        jetstream.create_stream(config).await.expect("made");
        let url = nats::url(nodes.server.port());
        let refused = NatsOptions::new().connect(&url).await;
        assert!(
            matches!(refused, Err(ConnectError::Unsuitable(_))),
            "{refused:?}"
        );
        let refused = NatsOptions::new().subject_prefix("a.>").connect(&url).await;
        assert!(
            matches!(refused, Err(ConnectError::SubjectPrefix(_))),
            "{refused:?}"
        );
        // Its subjects are taken.
        let refused = NatsOptions::new().stream("OTHER").connect(&url).await;
        assert!(
            matches!(refused, Err(ConnectError::Stream(_))),
            "{refused:?}"
        );
    })
    .await;
}
