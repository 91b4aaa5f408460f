//! The proxies of the environment variables, which need a process of their own.

use std::process::Output;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_eventsource_testing::{Identity, STREAM, Server, header};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::proxy::Proxy;
use crate::{run, sse, text};

/// A server without TLS, which answers with the request that it received.
fn server() -> Server {
    Server::start(|_, mut connection| async move {
        let head = connection.head().await;
        connection.send(answer(&head)).await;
        connection.closed().await;
    })
}

/// The same with TLS.
fn secure_server(identity: &Identity) -> Server {
    let acceptor = identity.acceptor(&["http/1.1"]);
    Server::start(move |_, connection| {
        let acceptor = acceptor.clone();
        async move {
            let mut io = acceptor.accept(connection.io).await.expect("TLS");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(io.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(head).expect("UTF-8");
            io.write_all(answer(&head).as_bytes()).await.expect("sent");
            let _ = io.read(&mut [0]).await;
        }
    })
}

fn answer(head: &str) -> String {
    let line = head.lines().next().unwrap_or_default();
    let host = header(head, "host").unwrap_or("none");
    let via = header(head, "via").unwrap_or("none");
    let leaked = header(head, "proxy-authorization").unwrap_or("none");
    format!("{STREAM}data: {line} host {host} via {via} leaked {leaked}\n\n")
}

/// Reads one event, with these variables and trust in this certificate.
fn one(url: &str, variables: &[(&str, String)], identity: Option<&Identity>) -> Output {
    let mut command = sse();
    command
        .args(["--count", "1", "--no-reconnect", url])
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let Some(identity) = identity else {
        return run(&mut command);
    };
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), identity.certificate_pem()).expect("written");
    run(command.env("SSL_CERT_FILE", file.path()))
}

/// Returns the output, with these variables.
fn read(url: &str, variables: &[(&str, String)], identity: Option<&Identity>) -> String {
    let output = one(url, variables, identity);
    let complaint = text(output.stderr);
    assert!(output.status.success(), "{variables:?}: {complaint}");
    assert_eq!(complaint, "");
    text(output.stdout)
}

#[test]
fn http_goes_through_the_proxy_of_the_environment() {
    let server = server();
    let port = server.address().port();
    let url = format!("http://nowhere.test:{port}/ticks?a=b");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start();
        let address = format!("http://user:p%40ss@localhost:{}", proxy.port());
        let event = read(&url, &[(name, address)], None);
        assert_eq!(
            event,
            format!(
                "message GET /ticks?a=b HTTP/1.1 host nowhere.test:{port} \
                 via 1.1 test leaked Basic dXNlcjpwQHNz\n"
            ),
            "{name}: this proxy forwards its own authorization"
        );
        let asked = format!("GET {url} HTTP/1.1 by Basic dXNlcjpwQHNz");
        assert_eq!(proxy.log(), [asked], "{name}");
    }
}

#[test]
fn https_goes_through_a_tunnel() {
    let identity = Identity::new();
    let server = secure_server(&identity);
    let port = server.address().port();
    let url = format!("https://nowhere.test:{port}/ticks");
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start();
        let address = format!("http://user:pass@localhost:{}", proxy.port());
        let event = read(&url, &[(name, address)], Some(&identity));
        assert_eq!(
            event,
            format!("message GET /ticks HTTP/1.1 host nowhere.test:{port} via none leaked none\n"),
            "{name}: the tunnel hides the request from the proxy, and the proxy from the server"
        );
        let asked = format!("CONNECT nowhere.test:{port} HTTP/1.1 by Basic dXNlcjpwYXNz");
        assert_eq!(proxy.log(), [asked], "{name}");
    }
}

/// A proxy cannot forward it.
#[test]
fn http2_without_tls_goes_through_a_tunnel() {
    let server = Server::start(|_, connection| async move {
        let service =
            sse_hyper::with_sse(async |request: http::Request<_>, sse: sse_hyper::Sse| {
                sse.send(format!("{:?} {}", request.version(), request.uri()))
                    .await
            });
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(connection.io), service)
            .await;
    });
    let proxy = Proxy::start();
    let port = server.address().port();
    let output = run(sse()
        .args(["--http2-prior-knowledge", "--count", "1"])
        .arg(format!("http://nowhere.test:{port}/ticks"))
        .env("http_proxy", format!("http://127.0.0.1:{}", proxy.port())));
    assert_eq!(
        text(output.stdout),
        format!("message HTTP/2.0 http://nowhere.test:{port}/ticks\n")
    );
    let asked = format!("CONNECT nowhere.test:{port} HTTP/1.1 by nobody");
    assert_eq!(proxy.log(), [asked]);
}

#[test]
fn an_https_proxy_is_connected_to_over_tls() {
    let identity = Identity::new();
    let proxy = Proxy::start_tls(identity.acceptor(&["http/1.1"]));
    let address = format!("https://localhost:{}", proxy.port());
    let environment = [("ALL_PROXY", address)];

    let plain = server();
    let url = format!("http://nowhere.test:{}/", plain.address().port());
    let event = read(&url, &environment, Some(&identity));
    assert!(event.contains("via 1.1 test"), "{event}");

    let secure = secure_server(&identity);
    let secure_url = format!("https://nowhere.test:{}/", secure.address().port());
    let event = read(&secure_url, &environment, Some(&identity));
    assert!(event.contains("via none"), "{event}");

    let tunnel = format!("CONNECT nowhere.test:{}", secure.address().port());
    assert_eq!(
        proxy.log(),
        [
            format!("GET {url} HTTP/1.1 by nobody"),
            format!("{tunnel} HTTP/1.1 by nobody"),
        ]
    );
}

#[test]
fn socks_proxies_forward_connections() {
    let identity = Identity::new();
    let (plain, secure) = (server(), secure_server(&identity));
    let (plain_port, secure_port) = (plain.address().port(), secure.address().port());
    for (scheme, credentials, host, asked, by) in [
        (
            "socks5h",
            "user:p%40ss@",
            "nowhere.test",
            "SOCKS5 nowhere.test",
            " by user:p@ss",
        ),
        (
            "socks5h",
            "",
            "nowhere.test",
            "SOCKS5 nowhere.test",
            " by nobody",
        ),
        ("socks4a", "", "nowhere.test", "SOCKS4 nowhere.test", ""),
        // For these, the client resolves the host.
        ("socks5", "", "127.0.0.1", "SOCKS5 127.0.0.1", " by nobody"),
        ("socks4", "", "localhost", "SOCKS4 127.0.0.1", ""),
    ] {
        let proxy = Proxy::start();
        let address = format!("{scheme}://{credentials}127.0.0.1:{}", proxy.port());
        let environment = [("all_proxy", address)];
        let url = format!("http://{host}:{plain_port}/");
        let event = read(&url, &environment, None);
        assert!(event.starts_with("message GET / HTTP/1.1 host "), "{event}");
        assert!(event.ends_with(" via none leaked none\n"), "{event}");
        let mut expected = vec![format!("{asked}:{plain_port}{by}")];
        // The certificate does not contain the address.
        if host != "127.0.0.1" {
            let url = format!("https://{host}:{secure_port}/");
            let event = read(&url, &environment, Some(&identity));
            assert!(event.starts_with("message GET / HTTP/1.1 host "), "{event}");
            expected.push(format!("{asked}:{secure_port}{by}"));
        }
        assert_eq!(proxy.log(), expected, "{scheme}");
    }
}

#[test]
fn no_proxy_and_the_more_specific_variable_take_precedence() {
    let server = server();
    let url = server.url();
    let (used, unused) = (Proxy::start(), Proxy::start());
    let address = |proxy: &Proxy| format!("http://localhost:{}", proxy.port());

    for (name, hosts) in [
        ("NO_PROXY", "127.0.0.1"),
        ("no_proxy", "example.com, 127.0.0.0/8"),
        ("no_proxy", "*"),
    ] {
        // The asterisk matches names only.
        let url = match hosts {
            "*" => url.replace("127.0.0.1", "localhost"),
            _ => url.clone(),
        };
        let environment = [("http_proxy", address(&unused)), (name, hosts.to_owned())];
        let event = read(&url, &environment, None);
        assert!(event.contains("via none"), "{name}={hosts}: {event}");
    }
    let environment = [
        ("all_proxy", address(&unused)),
        ("https_proxy", address(&unused)),
        ("http_proxy", address(&used)),
        ("no_proxy", "example.com".to_owned()),
    ];
    let event = read(&url, &environment, None);
    assert!(event.contains("via 1.1 test"), "{event}");
    assert_eq!(used.log().len(), 1);
    assert!(unused.log().is_empty(), "{:?}", unused.log());
}

#[test]
fn a_proxy_that_refuses_is_reported_without_its_password() {
    let proxy = Proxy::start();
    for scheme in ["http", "socks5h"] {
        let address = format!("{scheme}://bad:bad@127.0.0.1:{}", proxy.port());
        let output = one("https://nowhere.test/", &[("https_proxy", address)], None);
        assert_eq!(output.status.code(), Some(1));
        let complaint = text(output.stderr);
        let expected = format!(
            "sse: GET https://nowhere.test/: the request failed: \
             cannot connect through the proxy {scheme}://127.0.0.1:{}/: ",
            proxy.port()
        );
        assert!(complaint.starts_with(&expected), "{complaint}");
        assert!(!complaint.contains("bad"), "{complaint}");
    }
}
