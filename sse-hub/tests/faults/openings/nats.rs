//! Many topics in NATS JetStream.

use sse_engines::{Port, Server, nats};
use sse_hub::nats::NatsOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cases;
use crate::openings::{Calls, Engine, PATIENCE, openings};

/// A server, and the port at which it tells its counters.
struct Nats {
    server: Server,
    counters: Port,
}

impl Nats {
    /// Returns its counters, as the text of an object of JSON.
    async fn counters(&self) -> serde_json::Value {
        let stream = TcpStream::connect(self.counters.address()).await;
        let mut stream = stream.expect("connected");
        let request = b"GET /varz HTTP/1.0\r\n\r\n";
        stream.write_all(request).await.expect("written");
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer).await;
        read.expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }
}

impl Engine for Nats {
    async fn start() -> Self {
        let counters = Port::take();
        let port = counters.number().to_string();
        let server = Server::start(move |at, folder| {
            let mut command = nats::durable(at, folder);
            command.args(["-m", &port]);
            command
        });
        Self {
            server: server.await,
            counters,
        }
    }

    async fn connect(&self) -> impl sse_hub::Engine {
        let engine = NatsOptions::new().answer_within(PATIENCE);
        let engine = engine.connect(nats::url(self.server.port())).await;
        engine.expect("connected")
    }

    async fn calls(&self) -> Calls {
        let counters = self.counters().await;
        let counter = |name: &str| {
            let count = counters[name].as_u64().expect("a number");
            (
                name.to_owned(),
                usize::try_from(count).expect("a small number"),
            )
        };
        // Messages that clients have sent, each a request; and subscriptions that are there.
        ["in_msgs", "subscriptions"].map(counter).into()
    }

    async fn version(&self) -> String {
        <crate::nats::Nats as cases::Engine>::version(self.server.port()).await
    }
}

openings!(Nats);
