//! nginx as a server of HTTP/2 over TLS.

use std::time::Duration;

use http::Version;
use sse_eventsource::{EventSource, HttpClient};
use sse_eventsource_testing::Identity;
use sse_hyper::SseOptions;
use sse_nginx::Nginx;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::upstream::{self, Upstream};
use crate::{Reader, VERSIONS, locations, short_backoff};

/// An nginx that speaks HTTP/2 over TLS in front of these upstreams, the client's trust in it, and
/// the folder with its certificate.
fn over_http2(upstreams: &[Upstream]) -> (Nginx, Identity, TempDir) {
    let identity = Identity::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, identity.certificate_pem()).expect("written");
    std::fs::write(&key, identity.key_pem()).expect("written");
    let tls = format!(
        "ssl_certificate {}; ssl_certificate_key {};",
        certificate.display(),
        key.display()
    );
    let server = tls + &locations(upstreams, "h2", "");
    let nginx = Nginx::start_with("ssl http2", &server).expect("nginx");
    (nginx, identity, folder)
}

fn read_over_http2(nginx: &Nginx, identity: &Identity, path: &str) -> Reader {
    let url = format!("https://localhost:{}{path}", nginx.address().port());
    let client = HttpClient::new().tls_config(identity.trust());
    let source = EventSource::get(url)
        .backoff(short_backoff())
        .build_with(client);
    Reader::of(source.expect("valid"))
}

/// nginx sends the head with the first bytes of the body. The comment that opens a silent stream is
/// enough.
#[tokio::test]
async fn a_silent_stream_opens_at_once_over_http2() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let (nginx, identity, _folder) = over_http2(&upstreams);
    for upstream in &upstreams {
        for version in VERSIONS {
            let path = format!("/{}/{version}/h2", upstream.name);
            let mut reader = read_over_http2(&nginx, &identity, &path);
            while reader.comments == 0 {
                reader.next().await;
            }
            assert_eq!(reader.version, Some(Version::HTTP_2), "{path}");
            assert_eq!((reader.opened, reader.last), (1, 0), "{path}");
            assert!(reader.lost.is_empty(), "{path}: {:?}", reader.lost);
        }
    }
}

/// This is why there is such a comment.
#[tokio::test]
async fn a_silent_stream_without_a_comment_opens_with_its_first_event_over_http2() {
    if sse_nginx::skipped() {
        return;
    }
    let options = SseOptions::new()
        .without_opening_comment()
        .without_keep_alive();
    let upstreams = upstream::all_with(options).await;
    let (nginx, identity, _folder) = over_http2(&upstreams);
    for upstream in &upstreams {
        let path = format!("/{}/1.1/h2", upstream.name);
        let mut reader = read_over_http2(&nginx, &identity, &path);
        let opened = async {
            while reader.opened == 0 {
                reader.next().await;
            }
        };
        let early = timeout(Duration::from_millis(300), opened).await;
        assert!(early.is_err(), "{path}");
        upstream.publish(1);
        reader.read_to(1).await;
        assert_eq!((reader.opened, reader.comments), (1, 0), "{path}");
    }
}

#[tokio::test]
async fn nginx_speaks_http2_over_tls() {
    if sse_nginx::skipped() {
        return;
    }
    let upstreams = upstream::all(None).await;
    let (mut nginx, identity, _folder) = over_http2(&upstreams);
    for upstream in &upstreams {
        let path = format!("/{}/1.1/h2", upstream.name);
        let mut reader = read_over_http2(&nginx, &identity, &path);
        for number in 1..=3 {
            upstream.publish(number);
            reader.read_to(number).await;
        }
        assert_eq!(reader.version, Some(Version::HTTP_2), "{path}");
        nginx.restart().expect("started");
        upstream.publish(5);
        reader.read_to(5).await;
        assert_eq!(reader.lost, ["cut"], "{path}");
        nginx.reload().expect("reloaded");
        while reader.lost.len() < 2 {
            reader.next().await;
        }
        upstream.publish(7);
        reader.read_to(7).await;
    }
}
