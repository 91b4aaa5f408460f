//! The server of axum: its rooms, and who is refused one. In memory and in paused time.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use sse_hub::Hub;
use sse_session::Limiter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::attacks::read_until;
use crate::axum_server::Site;
use crate::axum_server::connections::{Connections, listen};
use crate::network;

struct Rooms {
    hub: Hub,
    connections: Arc<Connections>,
}

impl Rooms {
    /// Rooms of a hub with one topic at most, and two streams of a network.
    fn new() -> Self {
        let hub = Hub::builder().max_topics(1).build();
        let site = Site::new(hub.clone(), Limiter::new(100, 2));
        let connections = Arc::new(Connections::new(site));
        Self { hub, connections }
    }

    /// Asks for a room. Returns the head of the response.
    async fn ask(&self, room: &str, address: &str, id: Option<&str>) -> (String, Client) {
        let (mut client, server) = duplex(4096);
        let network = network(address.parse().expect("an address"));
        let serving = Arc::clone(&self.connections).serve_one(TokioIo::new(server), network);
        let server = tokio::spawn(serving);
        let id = id.map(|id| format!("Last-Event-ID: {id}\r\n"));
        let id = id.unwrap_or_default();
        let request = format!("GET /rooms/{room} HTTP/1.1\r\nHost: test\r\n{id}\r\n");
        client.write_all(request.as_bytes()).await.expect("sent");
        let head = read_until(&mut client, "\r\n\r\n").await;
        (head, (client, server))
    }

    async fn publish(&self, data: &str) {
        let published = self.hub.publish("room:lobby", data).await;
        published.expect("published");
    }
}

/// A connection, and its server.
type Client = (DuplexStream, JoinHandle<()>);

async fn leave((client, server): Client) {
    drop(client);
    server.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_client_comes_back_to_its_room_and_misses_nothing() {
    let rooms = Rooms::new();
    let (head, mut client) = rooms.ask("lobby", "192.0.2.7", None).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    rooms.publish("one").await;
    read_until(&mut client.0, "data: one\nid: ").await;
    let id = read_until(&mut client.0, "\n\n").await;
    leave(client).await;
    rooms.publish("two").await;
    let (_, mut client) = rooms.ask("lobby", "192.0.2.8", Some(id.trim_end())).await;
    let events = read_until(&mut client.0, "data: two\n").await;
    assert!(
        !events.contains("one") && !events.contains("gap"),
        "{events}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_clients_of_a_network_have_so_many_streams() {
    let rooms = Rooms::new();
    let mut open = Vec::new();
    for _ in 0..2 {
        let (head, client) = rooms.ask("lobby", "2001:db8::7", None).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        open.push(client);
    }
    let (head, _client) = rooms.ask("lobby", "2001:db8::8", None).await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    assert!(head.contains("\r\nretry-after: 5\r\n"), "{head}");
    let (head, _other) = rooms.ask("lobby", "2001:db8:0:1::7", None).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    // One leaves, and another one comes.
    leave(open.remove(0)).await;
    let (head, _client) = rooms.ask("lobby", "2001:db8::8", None).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

/// The network is that of the connection.
#[tokio::test]
async fn a_client_over_tcp_is_counted_by_its_address() {
    let connections = Rooms::new().connections;
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(connections.serve(listener));
    let mut open = Vec::new();
    for status in ["200", "200", "429"] {
        let mut client = TcpStream::connect(address).await.expect("a connection");
        let request = b"GET /rooms/lobby HTTP/1.1\r\nHost: test\r\n\r\n";
        client.write_all(request).await.expect("sent");
        let mut head = [0; 12];
        client.read_exact(&mut head).await.expect("a response");
        assert_eq!(head[9..], *status.as_bytes());
        open.push(client);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_beyond_those_of_the_hub_is_refused_and_counts_no_stream() {
    let rooms = Rooms::new();
    rooms.publish("one").await;
    for _ in 0..5 {
        let (head, _client) = rooms.ask("attic", "192.0.2.7", None).await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains("\r\nretry-after: "), "{head}");
    }
    let (head, _client) = rooms.ask("lobby", "192.0.2.7", None).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}
