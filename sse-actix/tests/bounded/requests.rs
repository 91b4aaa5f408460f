//! Requests that do not open a stream, sent ahead of their responses.

use std::time::Duration;

use sse_actix::BoundedHttp;

use crate::server::{Client, Response, Streams, get, post, post_in_chunks, within_limit};

/// Requests with all kinds of bodies, in which there are empty lines and whole requests, and the
/// responses to them.
fn mixed() -> (String, Vec<Response>) {
    let tricky = "\r\n\r\nGET /not HTTP/1.1\r\n\r\n0\r\n\r\n\n\n";
    let echoed = |body: &str| (200, body.to_owned());
    let requests = [
        (get("/a"), echoed("")),
        (post(tricky), echoed(tricky)),
        (post(""), echoed("")),
        (get("/b"), echoed("")),
        (post_in_chunks(&[tricky, "x", "0\r\n\r\n"]), {
            echoed(&format!("{tricky}x0\r\n\r\n"))
        }),
        (post_in_chunks(&[]), echoed("")),
        // Empty lines before a request, and lines that end with LF alone.
        (format!("\r\n\r\n{}", get("/c")), echoed("")),
        (get("/d").replace("\r\n", "\n"), echoed("")),
        (post("end"), echoed("end")),
    ];
    let input = requests.iter().map(|(request, _)| &**request).collect();
    (
        input,
        requests.into_iter().map(|(_, response)| response).collect(),
    )
}

#[actix_web::test]
async fn requests_sent_ahead_are_answered_in_order_wherever_they_are_cut() {
    within_limit(async {
        let (input, expected) = mixed();
        let streams = Streams::new();
        let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, streams.routes()).await;
        for cut in 0..=input.len() {
            client.send(&input[..cut]).await;
            client.taken().await;
            client.send(&input[cut..]).await;
            for expected in &expected {
                assert_eq!(&client.response().await, expected, "cut at {cut}");
            }
            assert_eq!(streams.requests(), (cut + 1) * expected.len());
        }
    })
    .await;
}

#[actix_web::test]
async fn requests_that_arrive_byte_by_byte_are_answered() {
    within_limit(async {
        let (input, expected) = mixed();
        let client = Client::connect(BoundedHttp::new(), 1, Streams::new().routes()).await;
        let (mut read, mut write) = tokio::io::split(client.io);
        let sending = async {
            tokio::io::AsyncWriteExt::write_all(&mut write, input.as_bytes())
                .await
                .expect("sent");
        };
        let receiving = async {
            let mut received = Vec::new();
            let last = &expected.last().expect("a response").1;
            while !received.ends_with(last.as_bytes()) {
                tokio::io::AsyncReadExt::read_buf(&mut read, &mut received)
                    .await
                    .expect("no reset");
            }
            String::from_utf8(received).expect("UTF-8")
        };
        let ((), received) = tokio::join!(sending, receiving);
        assert_eq!(
            received.matches("HTTP/1.1 200 OK\r\n").count(),
            expected.len()
        );
    })
    .await;
}

#[actix_web::test]
async fn thousands_of_requests_sent_ahead_are_answered() {
    within_limit(async {
        const REQUESTS: usize = 2_000;
        let streams = Streams::new();
        let mut client = Client::connect(BoundedHttp::new(), 1024 * 1024, streams.routes()).await;
        client.send(get("/").repeat(REQUESTS)).await;
        for _ in 0..REQUESTS {
            assert_eq!(client.response().await, (200, String::new()));
        }
        assert_eq!(streams.requests(), REQUESTS);
    })
    .await;
}

#[actix_web::test]
async fn a_request_that_is_no_http_is_refused_and_ends_the_connection() {
    within_limit(async {
        for (input, status) in [("GET\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400)] {
            let streams = Streams::new();
            let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, streams.routes()).await;
            client
                .send(format!("{}{input}{}", get("/a"), get("/b")))
                .await;
            assert_eq!(client.response().await.0, 200);
            assert_eq!(client.response().await.0, status, "{input:?}");
            client.ends().await;
            assert_eq!(streams.requests(), 1);
        }
    })
    .await;
}

/// The handler of a request is asked about the next one only when its response is complete.
#[actix_web::test]
async fn one_request_is_with_the_handlers_at_a_time() {
    use actix_web::{HttpResponse, web};
    use std::{cell::Cell, rc::Rc};

    within_limit(async {
        let (running, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let routes = {
            let (running, most) = (Rc::clone(&running), Rc::clone(&most));
            move |config: &mut web::ServiceConfig| {
                config.default_service(web::to(move || {
                    let (running, most) = (Rc::clone(&running), Rc::clone(&most));
                    async move {
                        running.set(running.get() + 1);
                        most.set(most.get().max(running.get()));
                        tokio::task::yield_now().await;
                        running.set(running.get() - 1);
                        HttpResponse::Ok().body("x".repeat(100_000))
                    }
                }));
            }
        };
        let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, routes).await;
        client.send(get("/").repeat(20)).await;
        for _ in 0..20 {
            assert_eq!(client.response().await.1.len(), 100_000);
        }
        assert_eq!(most.get(), 1);
    })
    .await;
}

/// A response whose client does not read it holds up the requests behind it, and no memory.
#[actix_web::test]
async fn nothing_is_read_after_a_request_whose_response_waits_for_its_client() {
    use actix_web::{HttpResponse, web};

    within_limit(async {
        let routes = |config: &mut web::ServiceConfig| {
            config.default_service(web::to(async || {
                HttpResponse::Ok().body("x".repeat(100_000))
            }));
        };
        let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, routes).await;
        let first = get("/");
        client.send(&first).await;
        client.taken().await;
        client.send(get("/").repeat(400)).await;
        let taken = client.taken().await;
        assert!(taken <= first.len() + 16 * 1024, "{taken} bytes");
        for _ in 0..401 {
            assert_eq!(client.response().await.1.len(), 100_000);
        }
    })
    .await;
}

/// Errors of middleware do not pass through the application's responses.
#[actix_web::test]
async fn an_error_of_middleware_is_answered_and_so_is_what_follows() {
    use actix_http::Protocol;
    use actix_service::ServiceFactory as _;
    use actix_web::dev::Service as _;
    use actix_web::{App, error, web};

    within_limit(async {
        let app = App::new()
            .wrap_fn(|request, next| {
                let refused = request.path() == "/refused";
                let response = (!refused).then(|| next.call(request));
                async move {
                    match response {
                        Some(response) => response.await,
                        None => Err(error::ErrorForbidden("refused")),
                    }
                }
            })
            .default_service(web::to(async || "ok"));
        let service = BoundedHttp::new().connection(app);
        let service = service.new_service(()).await.expect("a service");
        let (io, server) = tokio::io::duplex(64 * 1024);
        actix_web::rt::spawn(async move { service.call((server, Protocol::Http1, None)).await });
        let mut client = Client::over(io);
        client.send(get("/a") + &get("/refused") + &get("/b")).await;
        for expected in [(200, "ok"), (403, "refused"), (200, "ok")] {
            let (status, body) = client.response().await;
            assert_eq!((status, &*body), expected);
        }
    })
    .await;
}

/// Sends the beginning of a second request, and a byte of the rest now and then. Returns whether the
/// connection ends in time.
async fn ends_within_the_head_timeout(beginning: &str, rest: &str) -> bool {
    // actix's deadlines are those of the system's clock, so there is one connection for each test.
    tokio::time::pause();
    let http = BoundedHttp::new()
        .keep_alive(Duration::from_secs(3_600))
        .client_request_timeout(Duration::from_secs(5));
    let mut client = Client::connect(http, 64 * 1024, Streams::new().routes()).await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.0, 200);
    client.send(beginning).await;
    for byte in rest.chars() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.send(byte.to_string()).await;
    }
    let left = Duration::from_secs(6) - Duration::from_secs(rest.len() as u64);
    tokio::time::timeout(left, client.ends()).await.is_ok()
}

/// actix itself limits the time of the first head alone, and answers 408 then.
#[actix_web::test]
async fn a_later_head_that_is_not_complete_in_time_ends_the_connection() {
    assert!(ends_within_the_head_timeout("G", "").await);
}

#[actix_web::test]
async fn a_later_head_that_comes_byte_by_byte_ends_the_connection() {
    assert!(ends_within_the_head_timeout("GET / HTTP/1.1\r\n", "Host").await);
}

#[actix_web::test]
async fn an_idle_connection_has_no_head_that_is_late() {
    assert!(!ends_within_the_head_timeout("", "").await);
}

#[actix_web::test]
async fn empty_lines_that_nothing_follows_end_the_connection() {
    assert!(ends_within_the_head_timeout("\r\n", "\r\n\r\n").await);
}

#[actix_web::test]
async fn a_head_that_is_too_long_ends_the_connection() {
    within_limit(async {
        let with_header = |len: usize| {
            let end = format!("X: {}\r\n\r\n", "x".repeat(len));
            get("/").replace("\r\n\r\n", &format!("\r\n{end}"))
        };
        for (http, len) in [
            (BoundedHttp::new(), 16 * 1024),
            (BoundedHttp::new().h1_max_head_size(60_000), 60_000),
        ] {
            let streams = Streams::new();
            let mut client = Client::connect(http, 1024 * 1024, streams.routes()).await;
            client.send(with_header(len - 100)).await;
            assert_eq!(client.response().await.0, 200);
            client.send(with_header(len + 32 * 1024)).await;
            client.ends().await;
            assert_eq!(streams.requests(), 1);
        }
    })
    .await;
}
