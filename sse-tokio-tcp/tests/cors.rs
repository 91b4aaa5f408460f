//! What pages of other origins get, by the bytes on their connections.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use sse_tokio_tcp::{
    Cors, Methods, Request, Response, Router, SendError, Server, Sse, SseOptions, with_sse,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

async fn hello(_: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

async fn echo(request: Request<Bytes>) -> Response {
    Response::new(
        request
            .into_body()
            .to_vec()
            .escape_ascii()
            .to_string()
            .into(),
    )
}

/// Returns the status of a response and its headers that are about CORS.
async fn answer(cors: Option<Cors>, request: &str) -> (u16, Vec<String>) {
    let options = SseOptions::new()
        .header("vary", "Accept")
        .expect("a header");
    let methods = Methods::new()
        .get(with_sse(hello).options(options))
        .post(echo);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = match cors {
        Some(cors) => Server::new().cors(cors),
        None => Server::new(),
    };
    let server = tokio::spawn(server.serve(listener, Router::new().route("/", methods)));
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut response = String::new();
    client.read_to_string(&mut response).await.expect("an end");
    server.abort();
    let (head, _) = response.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.expect("a status").parse().expect("a number");
    let about_cors = |line: &&str| line.starts_with("access-control-") || line.starts_with("vary:");
    (
        status,
        lines.filter(about_cors).map(str::to_owned).collect(),
    )
}

fn cors() -> Cors {
    Cors::new(["https://app.example", "https://admin.example:8443"]).expect("origins")
}

/// One that says all that can be said.
fn detailed() -> Cors {
    cors()
        .credentials()
        .headers(["Authorization", "last-event-id"])
        .expect("names")
        .methods([Method::DELETE, Method::PUT])
        .max_age(Duration::from_millis(600_900))
}

fn request(method: &str, path: &str, fields: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

const APP: &str = "Origin: https://app.example\r\n";

#[tokio::test]
async fn a_page_of_an_allowed_origin_reads_any_response() {
    for (expected, request, is_stream) in [
        (200, request("GET", "/", APP), true),
        (200, request("HEAD", "/", APP), true),
        (
            200,
            request("POST", "/", &format!("{APP}Content-Length: 0\r\n")),
            false,
        ),
        (404, request("GET", "/nowhere", APP), false),
        (405, request("DELETE", "/", APP), false),
        (411, request("POST", "/", APP), false),
        (
            413,
            request("POST", "/", &format!("{APP}Content-Length: 99999999\r\n")),
            false,
        ),
    ] {
        let (status, lines) = answer(Some(cors()), &request).await;
        let mut wanted = vec![
            "vary: Origin",
            "access-control-allow-origin: https://app.example",
        ];
        if is_stream {
            wanted.insert(0, "vary: Accept");
        }
        assert_eq!((status, lines), (expected, strings(&wanted)), "{request}");
    }
    let other = "Origin: https://admin.example:8443\r\n";
    let (status, lines) = answer(Some(detailed()), &request("GET", "/", other)).await;
    let wanted = strings(&[
        "vary: Accept",
        "vary: Origin",
        "access-control-allow-origin: https://admin.example:8443",
        "access-control-allow-credentials: true",
    ]);
    assert_eq!((status, lines), (200, wanted));
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().copied().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_preflight_is_answered_at_every_path_with_what_is_allowed() {
    let asked = "Access-Control-Request-Method: DELETE\r\n\
                 Access-Control-Request-Headers: authorization\r\n";
    for path in ["/", "/nowhere", "*"] {
        let request = request("OPTIONS", path, &format!("{APP}{asked}"));
        let (status, lines) = answer(Some(cors()), &request).await;
        let wanted = [
            "vary: Origin",
            "access-control-allow-origin: https://app.example",
        ];
        assert_eq!((status, lines), (204, strings(&wanted)));
        let (status, lines) = answer(Some(detailed()), &request).await;
        let wanted = [
            "vary: Origin",
            "access-control-allow-origin: https://app.example",
            "access-control-allow-credentials: true",
            "access-control-allow-headers: authorization, last-event-id",
            "access-control-allow-methods: DELETE, PUT",
            "access-control-max-age: 600",
        ];
        let (mut lines, mut wanted) = (lines, strings(&wanted));
        lines.sort();
        wanted.sort();
        assert_eq!((status, lines), (204, wanted));
    }
}

#[tokio::test]
async fn a_page_of_any_other_origin_is_refused() {
    let twice = format!("{APP}{APP}");
    for fields in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: *\r\n",
        "Origin:\r\n",
        "Origin: http://app.example\r\n",
        "Origin: https://app.example:8443\r\n",
        "Origin: https://app.example.evil.example\r\n",
        "Origin: https://app.example/\r\n",
        "Origin: HTTPS://app.example\r\n",
        "Origin: https://app.example https://evil.example\r\n",
        "Origin: \u{ff}\r\n",
        &twice,
    ] {
        let preflight = format!("{fields}Access-Control-Request-Method: GET\r\n");
        for request in [
            request("GET", "/", fields),
            request("HEAD", "/", fields),
            request("POST", "/", &format!("{fields}Content-Length: 0\r\n")),
            request("OPTIONS", "/", &preflight),
        ] {
            let (status, lines) = answer(Some(detailed()), &request).await;
            assert_eq!(
                (status, lines),
                (403, strings(&["vary: Origin"])),
                "{request}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_without_an_origin_is_served_and_its_response_is_not_for_pages() {
    let (status, lines) = answer(Some(detailed()), &request("GET", "/", "")).await;
    assert_eq!(
        (status, lines),
        (200, strings(&["vary: Accept", "vary: Origin"]))
    );
    // It is no preflight.
    let (status, lines) = answer(Some(detailed()), &request("OPTIONS", "/", APP)).await;
    assert_eq!((status, lines.len()), (405, 3));
}

#[tokio::test]
async fn without_the_option_nothing_is_checked_or_added() {
    let (status, lines) = answer(
        None,
        &request("GET", "/", "Origin: https://evil.example\r\n"),
    )
    .await;
    assert_eq!((status, lines), (200, strings(&["vary: Accept"])));
}
