//! Each way in which a server can be started.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sse_engines::{Certificate, Clock, Port, Server, nats, redis};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

async fn ask(server: &Server, command: &str) -> String {
    redis::ask(server.port(), command).await.expect("an answer")
}

/// Repeats a command until the answer is this one.
async fn ask_until(server: &Server, command: &str, expected: &str) {
    let asking = async {
        while ask(server, command).await != expected {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let within = timeout(Duration::from_secs(20), asking);
    within.await.expect(expected);
}

#[tokio::test]
async fn a_replica_follows_its_primary_until_it_is_promoted() {
    let primary = Server::start(redis::in_memory).await;
    let replica = Server::start(redis::replica_of(primary.port())).await;
    assert_eq!(ask(&primary, "SET key kept").await, "+OK\r\n");
    ask_until(&replica, "GET key", "$4\r\nkept\r\n").await;
    let refused = ask(&replica, "SET key lost").await;
    assert!(refused.starts_with("-READONLY "), "{refused}");
    assert_eq!(ask(&replica, "REPLICAOF NO ONE").await, "+OK\r\n");
    assert_eq!(ask(&replica, "SET key new").await, "+OK\r\n");
    assert_eq!(ask(&primary, "GET key").await, "$4\r\nkept\r\n");
}

/// The seconds since 1970 on the server's clock.
async fn time(server: &Server) -> u64 {
    let answer = ask(server, "TIME").await;
    let seconds = answer.lines().nth(2).expect("seconds");
    seconds.parse().expect("a number")
}

#[tokio::test]
async fn the_clock_of_a_server_is_put_back_and_forward_while_it_runs() {
    let clock = Clock::new();
    let server = Server::start(clock.shown_to(redis::in_memory)).await;
    let now = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("after 1970").as_secs()
    };
    let before = now();
    assert!((before..=now()).contains(&time(&server).await));
    clock.put_back(Duration::from_secs(100));
    let before = now();
    let seen = time(&server).await;
    assert!((before - 101..=now() - 99).contains(&seen), "{seen}");
    clock.put_forward(Duration::from_secs(100));
    let before = now();
    let seen = time(&server).await;
    assert!((before + 99..=now() + 101).contains(&seen), "{seen}");
}

#[tokio::test]
async fn users_may_do_what_their_file_says() {
    let users = "user app on >secret ~sse:* +ping +get\nuser default off";
    let server = Server::start(redis::with_users(redis::in_memory, users)).await;
    let refused = ask(&server, "PING").await;
    assert!(refused.starts_with("-NOAUTH "), "{refused}");
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await;
    let stream = stream.as_mut().expect("connected");
    let commands = b"AUTH app secret\r\nPING\r\nGET sse:a\r\nGET other\r\n";
    stream.write_all(commands).await.expect("written");
    let mut answers = BufReader::new(stream).lines();
    for expected in ["+OK", "+PONG", "$-1", "-NOPERM "] {
        let answer = answers.next_line().await.expect("text").expect("an answer");
        assert!(answer.starts_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_redis_of_a_cluster_says_so() {
    let server = Server::start_on(Port::with_bus(), redis::in_cluster).await;
    let hello = ask(&server, "HELLO 3").await;
    assert!(hello.contains("mode\r\n$7\r\ncluster\r\n"), "{hello}");
}

#[tokio::test]
async fn files_are_put_back() {
    let mut server = Server::start(redis::in_memory).await;
    for command in ["SET key old", "SAVE"] {
        assert_eq!(ask(&server, command).await, "+OK\r\n");
    }
    let files = server.copy_files();
    for command in ["SET key new", "SAVE"] {
        assert_eq!(ask(&server, command).await, "+OK\r\n");
    }
    server.kill();
    server.put_back(&files);
    server.restart().await;
    assert_eq!(ask(&server, "GET key").await, "$3\r\nold\r\n");
}

async fn begin_tls(stream: TcpStream, certificate: &Certificate) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from(certificate.der().to_vec());
    roots.add(trusted).expect("a certificate");
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    connector.connect(name, stream).await.expect("TLS")
}

#[tokio::test]
async fn redis_speaks_tls() {
    let certificate = Certificate::new();
    let mut server = Server::start(redis::with_tls(redis::in_memory, &certificate)).await;
    for _ in 0..2 {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).await;
        let mut stream = begin_tls(stream.expect("connected"), &certificate).await;
        stream.write_all(b"PING\r\n").await.expect("written");
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"+PONG\r\n");
        server.kill();
        server.wipe();
        server.restart().await;
    }
}

#[tokio::test]
async fn nats_speaks_tls() {
    let certificate = Certificate::new();
    let server = Server::start(nats::with_tls(nats::durable, &certificate)).await;
    let stream = TcpStream::connect(("127.0.0.1", server.port())).await;
    let mut stream = BufReader::new(stream.expect("connected"));
    let mut info = String::new();
    stream.read_line(&mut info).await.expect("text");
    assert!(info.contains("\"tls_required\":true"), "{info}");
    let mut stream = begin_tls(stream.into_inner(), &certificate).await;
    let ping = b"CONNECT {\"verbose\":false}\r\nPING\r\n";
    stream.write_all(ping).await.expect("written");
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"PONG\r\n");
}

#[tokio::test]
async fn nats_reads_a_configuration_and_may_have_no_jetstream() {
    let config = "authorization { user: app, password: secret }\n";
    let command = nats::with_config(nats::without_jetstream, config);
    let server = Server::start(command).await;
    let stream = TcpStream::connect(("127.0.0.1", server.port())).await;
    let mut info = String::new();
    let mut stream = BufReader::new(stream.expect("connected"));
    stream.read_line(&mut info).await.expect("text");
    assert!(info.contains("\"auth_required\":true"), "{info}");
    assert!(!info.contains("\"jetstream\":true"), "{info}");
}
