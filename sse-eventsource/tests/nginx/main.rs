//! nginx between the client and the three adapters: what it does to a stream, and how the client
//! handles the responses of nginx itself.

#![cfg(unix)]

mod http2;
mod upstream;

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use http::Version;
use sse_eventsource::{Backoff, ErrorKind, EventSource, Update, Updates};
use sse_nginx::Nginx;
use tokio::time::timeout;

use crate::upstream::Upstream;

/// The limit on every wait. No assertion depends on it.
const TIMEOUT: Duration = Duration::from_secs(60);

fn short_backoff() -> Backoff {
    let short = Duration::from_millis(10);
    let backoff = Backoff::new().reconnection_time(short);
    backoff
        .min_reconnection_time(short)
        .initial(short)
        .max(short)
}

fn get(nginx: &Nginx, path: &str) -> sse_eventsource::EventSourceBuilder {
    EventSource::get(format!("http://{}{path}", nginx.address())).backoff(short_backoff())
}

/// A reader, and what it has received.
struct Reader {
    updates: Updates,
    last: u64,
    opened: usize,
    version: Option<Version>,
    comments: usize,
    /// The reasons of lost connections; empty for an end in order.
    lost: Vec<String>,
}

impl Reader {
    fn new(builder: sse_eventsource::EventSourceBuilder) -> Self {
        Self::of(builder.build().expect("valid"))
    }

    fn of(source: EventSource) -> Self {
        Self {
            updates: source.into_updates(),
            last: 0,
            opened: 0,
            version: None,
            comments: 0,
            lost: Vec::new(),
        }
    }

    /// Reads the next update. Events must arrive in order, each exactly once.
    async fn next(&mut self) {
        let update = timeout(TIMEOUT, self.updates.next()).await;
        match update
            .expect("in time")
            .expect("endless")
            .expect("no final error")
        {
            Update::Open(head) => {
                self.opened += 1;
                self.version = Some(head.version);
            }
            Update::Comment(_) => self.comments += 1,
            Update::Event(event) => {
                self.last += 1;
                assert_eq!(event.data(), self.last.to_string());
            }
            Update::Disconnected { error, .. } => {
                self.lost
                    .push(error.map_or(String::new(), |error| match error.kind() {
                        ErrorKind::Status(rejected) => rejected.status().as_str().to_owned(),
                        ErrorKind::Body(_) => "cut".to_owned(),
                        ErrorKind::Request(_) => "no response".to_owned(),
                        other => panic!("{other:?}"),
                    }));
            }
            _ => {}
        }
    }

    /// Reads up to this event.
    async fn read_to(&mut self, last: u64) {
        while self.last < last {
            self.next().await;
        }
    }
}

/// Locations for each upstream: `/hyper/…`, `/tcp/…` and `/actix/…`, over both versions of HTTP.
fn locations(upstreams: &[Upstream], name: &str, directives: &str) -> String {
    let mut text = String::new();
    for Upstream {
        name: adapter,
        address,
        ..
    } in upstreams
    {
        for version in ["1.0", "1.1"] {
            write!(
                text,
                "location /{adapter}/{version}/{name} {{
                    proxy_pass http://{address};
                    proxy_http_version {version};
                    proxy_set_header Connection '';
                    {directives}
                }}\n"
            )
            .expect("written");
        }
    }
    text
}

const VERSIONS: [&str; 2] = ["1.0", "1.1"];

/// nginx buffers by default, unless the response disables it: that is what the header
/// `X-Accel-Buffering` of the adapters is for.
#[tokio::test]
async fn each_event_arrives_immediately_by_default() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let nginx = Nginx::start(
        &[
            locations(&upstreams, "default", ""),
            locations(&upstreams, "on", "proxy_buffering on;"),
            locations(&upstreams, "off", "proxy_buffering off;"),
        ]
        .concat(),
    )
    .expect("nginx");
    for upstream in &upstreams {
        for version in VERSIONS {
            for buffering in ["default", "on", "off"] {
                upstream.publish(0);
                let path = format!("/{}/{version}/{buffering}", upstream.name);
                let mut reader = Reader::new(get(&nginx, &path));
                // The next event is not published before this one has arrived.
                for number in 1..=5 {
                    upstream.publish(number);
                    reader.read_to(number).await;
                }
                assert_eq!(reader.opened, 1, "{path}");
                assert!(reader.lost.is_empty(), "{path}: {:?}", reader.lost);
            }
        }
    }
}

/// Without the header, over HTTP/1.0, which nginx speaks by default, nothing arrives until the
/// stream ends. Chunks of HTTP/1.1 are forwarded.
#[tokio::test]
async fn events_are_delayed_where_nginx_is_configured_to_buffer() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let ignored = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;";
    let nginx = Nginx::start(&locations(&upstreams, "held", ignored)).expect("nginx");
    let mut readers = Vec::new();
    for upstream in &upstreams {
        upstream.publish(3);
        let path = format!("/{}/1.0/held", upstream.name);
        readers.push(Reader::new(get(&nginx, &path)));
    }
    for (upstream, reader) in upstreams.iter().zip(&mut readers) {
        tokio::select! {
            () = reader.read_to(1) => panic!("an event arrived"),
            () = upstream.has_sent(3) => {}
        }
        let read = timeout(Duration::from_millis(100), reader.read_to(1)).await;
        assert!(read.is_err(), "event {} arrived", reader.last);
        upstream.end();
        reader.read_to(3).await;
        assert_eq!(reader.opened, 1);
    }
}

/// Without them nginx would time out.
#[tokio::test]
async fn keep_alives_arrive_and_keep_the_stream_open() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(Some(Duration::from_millis(100))).await;
    let impatient = "proxy_read_timeout 3s;";
    let nginx = Nginx::start(&locations(&upstreams, "alive", impatient)).expect("nginx");
    let paths = upstreams
        .iter()
        .flat_map(|upstream| VERSIONS.map(|version| format!("/{}/{version}/alive", upstream.name)));
    let readers = paths.map(async |path| {
        let mut reader = Reader::new(get(&nginx, &path).idle_timeout(TIMEOUT));
        // For longer than the timeout of nginx.
        while reader.comments < 35 {
            reader.next().await;
        }
        assert!(reader.lost.is_empty(), "{path}: {:?}", reader.lost);
    });
    join_all(readers).await;
}

/// nginx cuts a stream without keep-alives.
#[tokio::test]
async fn a_stream_that_nginx_has_cut_is_resumed() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let impatient = "proxy_read_timeout 1s;";
    let nginx = Nginx::start(&locations(&upstreams, "dead", impatient)).expect("nginx");
    let readers = upstreams.iter().map(async |upstream| {
        let path = format!("/{}/1.1/dead", upstream.name);
        let mut reader = Reader::new(get(&nginx, &path));
        upstream.publish(2);
        reader.read_to(2).await;
        while !reader.lost.iter().any(|lost| lost == "cut") {
            reader.next().await;
        }
        upstream.publish(4);
        reader.read_to(4).await;
        assert_eq!(reader.updates.event_source().last_event_id(), "4");
    });
    join_all(readers).await;
}

#[tokio::test]
async fn no_event_is_lost_when_nginx_is_reloaded_or_killed() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let mut nginx = Nginx::start(&locations(&upstreams, "x", "")).expect("nginx");
    let mut readers = Vec::new();
    for upstream in &upstreams {
        for version in VERSIONS {
            let path = format!("/{}/{version}/x", upstream.name);
            readers.push(Reader::new(get(&nginx, &path)));
        }
    }
    let mut published = 0;
    for round in 0..6 {
        published += 3;
        for upstream in &upstreams {
            upstream.publish(published);
        }
        for reader in &mut readers {
            reader.read_to(published).await;
        }
        if round % 2 == 0 {
            nginx.reload().expect("reloaded");
        } else {
            nginx.restart().expect("started");
        }
        // Events published meanwhile are sent when the readers resume.
        published += 2;
        for upstream in &upstreams {
            upstream.publish(published);
        }
        for reader in &mut readers {
            while reader.opened < round + 2 {
                reader.next().await;
            }
        }
    }
    for reader in &mut readers {
        reader.read_to(published).await;
    }
}

#[tokio::test]
async fn the_response_of_nginx_for_an_upstream_that_is_down_is_retried() {
    use sse_tokio_tcp::{Event, SendError, Sse};

    if sse_nginx::skipped() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // The workers of an nginx that root has started are not root.
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everybody).expect("set");
    let path = folder.path().join("upstream.sock");
    let nginx = Nginx::start(&format!(
        "location / {{ proxy_pass http://unix:{}:/; proxy_read_timeout 200ms; }}",
        path.display()
    ))
    .expect("nginx");
    let mut reader = Reader::new(get(&nginx, "/"));
    let listen = || {
        let _ = std::fs::remove_file(&path);
        let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(&path, everybody).expect("set");
        listener
    };
    let stream = async |_request, sse: Sse| {
        let id = sse.last_event_id();
        let next = id.map_or(1, |id| id.parse::<u64>().expect("an id") + 1);
        let event = Event::new().id(next.to_string());
        sse.send(event.data(next.to_string())).await?;
        Ok::<_, SendError>(())
    };

    // Nothing listens.
    while reader.lost.len() < 3 {
        reader.next().await;
    }
    assert_eq!(reader.lost, ["502"; 3]);

    // The upstream listens and does not answer.
    reader.lost.clear();
    let silent = listen();
    while !reader.lost.iter().any(|lost| lost == "504") {
        reader.next().await;
    }
    drop(silent);

    // The upstream answers, stops, and answers again.
    for expected in [2, 4] {
        let service = sse_tokio_tcp::with_sse(stream);
        let server = tokio::spawn(sse_tokio_tcp::serve(listen(), service));
        reader.read_to(expected).await;
        server.abort();
        let _ = server.await;
        std::fs::remove_file(&path).expect("removed");
        reader.lost.clear();
        while !reader.lost.iter().any(|lost| lost == "502") {
            reader.next().await;
        }
    }
}

#[tokio::test]
async fn nginx_may_compress_and_each_event_arrives_immediately() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let compressing = "gzip on; gzip_types text/event-stream; gzip_min_length 0;";
    let nginx = Nginx::start(&locations(&upstreams, "gzip", compressing)).expect("nginx");
    for upstream in &upstreams {
        let path = format!("/{}/1.1/gzip", upstream.name);
        let builder = get(&nginx, &path).compression(true);
        let mut reader = Reader::new(builder);
        for number in 1..=3 {
            upstream.publish(number);
            reader.read_to(number).await;
        }
        assert!(reader.lost.is_empty(), "{path}: {:?}", reader.lost);
    }
}
