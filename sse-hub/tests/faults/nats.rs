//! The faults of NATS JetStream.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::ConsumerErrorKind;
use futures_util::StreamExt as _;
use sse_engines::nats;
use sse_hub::nats::NatsOptions;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cases::{ANSWER_WITHIN, Engine, Keeps, data};

pub(crate) struct Nats;

impl Engine for Nats {
    fn command(port: u16, folder: &Path) -> Command {
        nats::durable(port, folder)
    }

    fn unsafe_command(port: u16, folder: &Path) -> Command {
        nats::durable(port, folder)
    }

    async fn connect(port: u16, keeps: Keeps) -> impl sse_hub::Engine {
        NatsOptions::new()
            .max_events(u32::try_from(keeps.history).expect("a small number"))
            .answer_within(ANSWER_WITHIN)
            .connect(nats::url(port))
            .await
            .expect("connected")
    }

    async fn answers(port: u16) -> bool {
        let answer = timeout(Duration::from_millis(500), ping(port)).await;
        answer.is_ok_and(|answer| answer.as_deref() == Some("PONG\r\n"))
    }

    async fn wipe(port: u16) {
        let client = async_nats::connect(nats::url(port)).await;
        let jetstream = async_nats::jetstream::new(client.expect("connected"));
        jetstream.delete_stream("SSE").await.expect("deleted");
    }

    async fn events(port: u16) -> Vec<String> {
        let client = async_nats::connect(nats::url(port))
            .await
            .expect("connected");
        let jetstream = async_nats::jetstream::new(client);
        let stream = jetstream.get_stream("SSE").await.expect("the stream");
        let count = stream.cached_info().state.messages;
        let consumer = loop {
            match stream.create_consumer(OrderedConfig::default()).await {
                Ok(consumer) => break consumer,
                // A cluster may still lack the leader that creates them.
                Err(error) if error.kind() == ConsumerErrorKind::TimedOut => {}
                Err(error) => panic!("no consumer: {error:?}"),
            }
        };
        let messages = consumer.messages().await;
        let messages = messages
            .expect("messages")
            .take(usize::try_from(count).expect("few"));
        let data = |message: Result<Message, _>| {
            let payload = message.expect("a message").payload.to_vec();
            // A mark has none.
            (!payload.is_empty()).then(|| {
                let event = String::from_utf8(payload).expect("text");
                data(&event).to_owned()
            })
        };
        messages
            .map(data)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn version(port: u16) -> String {
        let client = async_nats::connect(nats::url(port))
            .await
            .expect("connected");
        format!("NATS {}", client.server_info().version)
    }
}

/// What the server says to a ping, over a connection of its own.
async fn ping(port: u16) -> Option<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let mut stream = BufStream::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let ping = b"CONNECT {\"verbose\":false}\r\nPING\r\n";
    stream.write_all(ping).await.ok()?;
    stream.flush().await.ok()?;
    line.clear();
    stream.read_line(&mut line).await.ok()?;
    Some(line)
}

crate::faults!(Nats);
