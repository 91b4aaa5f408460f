//! Attempts to get around the recipes of the chapter on rights, whose very lines are compiled here.

use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use sse_session::{CancellationToken, SendError, Sse, SseOptions, SseStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

mod revocation {
    include!("../src/guide/rights/revocation.rs");
}

mod tickets {
    include!("../src/guide/rights/tickets.rs");
}

mod cors {
    include!("../src/guide/rights/cors.rs");
}

mod csrf {
    include!("../src/guide/rights/csrf.rs");
}

mod localhost {
    include!("../src/guide/rights/localhost.rs");
}

mod topics {
    include!("../src/guide/rights/topics.rs");
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// Sends a secret each second, whatever becomes of it.
async fn secrets(sse: Sse) {
    loop {
        let _ = sse.send("secret").await;
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_a_session_has_ended() {
    let sessions = revocation::Sessions::new(CancellationToken::new());
    sessions.log_in("ada", DAY);
    sessions.log_in("bob", DAY);
    let open = |secret: &str| {
        let options = SseOptions::new().without_keep_alive();
        let options = sessions.admit(secret, options)?;
        Some(Box::pin(SseStream::new(&options, None, secrets)))
    };
    let mut ada = open("ada").expect("a session");
    let mut bob = open("bob").expect("a session");
    let unpolled = open("ada").expect("a session");
    for stream in [&mut ada, &mut bob] {
        let piece = stream.next().await.expect("a piece").expect("no failure");
        assert_eq!(piece, "data: secret\n\n");
    }
    advance(Duration::from_secs(10)).await;
    sessions.log_out("ada");

    // Not even what the handler would send when it is polled now, nor in a stream that has not begun.
    assert!(ada.next().now_or_never().expect("an end").is_none());
    let mut unpolled = unpolled;
    assert!(unpolled.next().now_or_never().expect("an end").is_none());
    // The old secret opens nothing, and a new session of the same name does not revive the old streams.
    assert!(open("ada").is_none());
    assert!(open("").is_none());
    sessions.log_in("ada", DAY);
    assert!(ada.next().await.is_none());
    // The others go on.
    assert!(bob.next().await.expect("a piece").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_between_the_check_and_the_stream_sends_nothing() {
    let sessions = revocation::Sessions::new(CancellationToken::new());
    sessions.log_in("ada", DAY);
    let options = sessions.admit("ada", SseOptions::new()).expect("a session");
    sessions.log_out("ada");
    let mut stream = pin!(SseStream::new(&options, None, secrets));
    assert!(stream.next().await.is_none());

    // A second login with the same secret is another session.
    sessions.log_in("ada", DAY);
    let options = sessions.admit("ada", SseOptions::new()).expect("a session");
    sessions.log_in("ada", DAY);
    let mut stream = pin!(SseStream::new(&options, None, secrets));
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_handle_in_another_task_cannot_send_after_the_session_either() {
    let sessions = revocation::Sessions::new(CancellationToken::new());
    sessions.log_in("ada", DAY);
    let options = sessions.admit("ada", SseOptions::new()).expect("a session");
    let (give, mut given) = mpsc::unbounded_channel();
    let mut stream = Box::pin(SseStream::new(&options, None, move |sse: Sse| async move {
        give.send(sse.clone()).expect("a receiver");
        sse.closed().await;
    }));
    assert!(stream.next().await.expect("the opening comment").is_ok());
    let sse = given.recv().await.expect("a handle");
    sessions.log_out("ada");
    assert!(stream.next().await.is_none());
    assert!(matches!(sse.send("secret").await, Err(SendError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn no_stream_outlives_its_session_and_an_expired_one_opens_none() {
    let sessions = revocation::Sessions::new(CancellationToken::new());
    let start = Instant::now();
    sessions.log_in("ada", Duration::from_secs(600));
    let mut streams = JoinSet::new();
    for _ in 0..20 {
        let options = sessions.admit("ada", SseOptions::new()).expect("a session");
        let mut stream = Box::pin(SseStream::new(&options, None, secrets));
        streams.spawn(async move {
            while stream.next().await.is_some() {}
            start.elapsed()
        });
    }
    for elapsed in streams.join_all().await {
        // Timers are rounded up to milliseconds.
        assert!(elapsed <= Duration::from_millis(600_002), "{elapsed:?}");
    }
    sleep(Duration::from_secs(600)).await;
    assert!(sessions.admit("ada", SseOptions::new()).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_signal_of_the_server_ends_the_streams_of_all_sessions() {
    let stop = CancellationToken::new();
    let sessions = revocation::Sessions::new(stop.clone());
    sessions.log_in("ada", DAY);
    let options = sessions.admit("ada", SseOptions::new()).expect("a session");
    stop.cancel();
    let mut stream = pin!(SseStream::new(&options, None, secrets));
    assert!(stream.next().await.is_none());
}

#[test]
fn only_a_page_of_the_list_may_read_with_cookies() {
    let answer = |lines: &[(&'static str, &str)]| {
        let options = cors::for_page(SseOptions::new(), &headers(lines))?;
        Some(options.response_headers())
    };
    for page in ["https://app.example", "https://admin.example:8443"] {
        let headers = answer(&[("origin", page)]).expect("allowed");
        assert_eq!(headers["access-control-allow-origin"], page);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "Origin");
    }
    let headers = answer(&[]).expect("not a page of another origin");
    assert!(!headers.contains_key("access-control-allow-origin"));
    assert!(!headers.contains_key("access-control-allow-credentials"));
    assert_eq!(headers["vary"], "Origin");

    for origin in [
        "",
        "*",
        "null",
        "http://app.example",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://evil.example/https://app.example",
        "https://app.example:443",
        "https://app.example:8443",
        "https://app.example/",
        "https://app.example, https://evil.example",
        "https://app.example https://evil.example",
        "https://user@app.example",
        "HTTPS://APP.EXAMPLE",
        "https://аpp.example",
    ] {
        assert_eq!(answer(&[("origin", origin)]), None, "{origin}");
    }
    let twice = [
        ("origin", "https://app.example"),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(answer(&twice), None);
    assert_eq!(answer(&[twice[1], twice[0]]), None);
}

#[test]
fn only_an_own_page_publishes() {
    const OWN: &str = "https://app.example";
    let may = |lines: &[(&'static str, &str)]| csrf::is_from_own_page(&headers(lines), OWN);
    for lines in [
        &[("sec-fetch-site", "same-origin"), ("origin", OWN)][..],
        &[("sec-fetch-site", "same-origin")],
        &[("origin", OWN)],
    ] {
        assert!(may(lines), "{lines:?}");
    }
    for lines in [
        // Says nothing: a program, or a browser of old with a form.
        &[][..],
        &[("referer", "https://app.example/")],
        // A form or a `fetch` of another site, of a subdomain, of a sandboxed frame, of the address bar.
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        &[("sec-fetch-site", "cross-site"), ("origin", OWN)],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://blog.app.example"),
        ],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("sec-fetch-site", "")],
        &[("origin", "http://app.example")],
        &[("origin", "https://app.example.evil.example")],
        &[("origin", "https://app.example:444")],
        &[("origin", OWN), ("origin", "https://evil.example")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("sec-fetch-site", "Same-Origin")],
    ] {
        assert!(!may(lines), "{lines:?}");
    }
}

#[test]
fn a_server_on_localhost_answers_nothing_that_was_meant_for_another_name() {
    let is_local = |target: &str, lines: &[(&'static str, &str)]| {
        let mut request = Request::new(());
        *request.uri_mut() = target.parse().expect("a target");
        *request.headers_mut() = headers(lines);
        localhost::is_local(&request, 3000)
    };
    for host in [
        "localhost:3000",
        "127.0.0.1:3000",
        "[::1]:3000",
        "LocalHost:3000",
    ] {
        assert!(is_local("/", &[("host", host)]), "{host}");
        assert!(is_local(&format!("http://{host}/"), &[]), "{host}: HTTP/2");
        assert!(
            is_local(&format!("http://{host}/"), &[("host", host)]),
            "{host}"
        );
        let origin = format!("http://{host}");
        assert!(
            is_local("/", &[("host", host), ("origin", &origin)]),
            "{host}"
        );
    }
    for host in [
        "",
        "localhost",
        "localhost:80",
        "localhost:30000",
        "localhost.:3000",
        "evil.example:3000",
        "localhost.evil.example:3000",
        "evil-localhost:3000",
        "127.0.0.1.nip.io:3000",
        "127.0.0.1.evil.example:3000",
        "127.1:3000",
        "0.0.0.0:3000",
        "2130706433:3000",
        "[::ffff:127.0.0.1]:3000",
        "[::]:3000",
        "localhost:3000.evil.example",
        "localhost:3000@evil.example",
        "evil.example@localhost:3000",
        "localhost:3000, evil.example:3000",
    ] {
        assert!(!is_local("/", &[("host", host)]), "{host}");
    }
    let good = ("host", "localhost:3000");
    // A target that is a whole URL, and HTTP/2: the name is not in `Host` alone.
    assert!(!is_local("http://evil.example:3000/", &[good]));
    assert!(!is_local("http://evil.example:3000/", &[]));
    assert!(!is_local(
        "http://localhost:3000/",
        &[("host", "evil.example:3000")]
    ));
    assert!(!is_local("http://evil.example@localhost:3000/", &[good]));
    // Two of them, or none, as in HTTP/1.0.
    assert!(!is_local("/", &[good, ("host", "evil.example:3000")]));
    assert!(!is_local("/", &[]));
    // The name is right, and the page is not: no rebinding, but a plain request of another origin.
    for origin in [
        "null",
        "",
        "https://evil.example",
        "http://localhost",
        "http://localhost:4000",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "http://localhost:3000/",
        "file://",
    ] {
        assert!(!is_local("/", &[good, ("origin", origin)]), "{origin}");
    }
    let page = ("origin", "http://localhost:3000");
    assert!(!is_local(
        "/",
        &[good, page, ("origin", "https://evil.example")]
    ));
}

#[test]
fn a_request_names_no_topic_that_it_was_not_granted() {
    let rooms = ["blue", "red", "a-1"];
    let granted = |room: &str| rooms.contains(&room);
    let topics = |query: &str| topics::topics(query, granted);
    let one = |topic: &str| Some(vec![topic.to_owned()]);
    assert_eq!(topics("room=blue"), one("room:blue"));
    assert_eq!(topics("x=1&room=a-1&lastEventId=7"), one("room:a-1"));
    let both = vec!["room:red".to_owned(), "room:blue".to_owned()];
    assert_eq!(topics("room=red&room=blue"), Some(both));
    for query in [
        "",
        "room",
        "room=",
        "room=green",
        "room=blue&room=green",
        "room=blue&room=",
        "ROOM=blue",
        "room=Blue",
        "room=blue%00",
        "room=%62lue",
        "room=blue+",
        "room=blue,red",
        "room=room:blue",
        "room=blue:private:eve",
        "private=eve",
        "room=../private",
        "room=..",
        "room=blue\r\nevent: x",
        "room=blue/",
        "room=bl\u{fc}e",
        "room=b\u{217c}ue",
    ] {
        assert_eq!(topics(query), None, "{query}");
    }
    // Neither long names nor many of them, and the application is not asked for such.
    let asked = |query: &str| topics::topics(query, |room| room.len() <= 32);
    assert!(asked(&format!("room={}", "x".repeat(32))).is_some());
    assert_eq!(asked(&format!("room={}", "x".repeat(33))), None);
    assert!(asked(&["room=x"; 8].join("&")).is_some());
    assert_eq!(asked(&["room=x"; 9].join("&")), None);
    assert_eq!(topics::topics("room=%2e%2e", |_| true), None);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_opens_one_stream_and_no_later_one() {
    let tickets = tickets::Tickets::default();
    assert!(tickets.issue("first", "ada"));
    assert!(tickets.issue("second", "bob"));
    // The secret of a ticket that waits is not given to another user.
    assert!(!tickets.issue("first", "eve"));
    assert_eq!(tickets.redeem("").as_deref(), None);
    assert_eq!(tickets.redeem("First").as_deref(), None);
    assert_eq!(tickets.redeem("first").as_deref(), Some("ada"));
    assert_eq!(tickets.redeem("first"), None);

    advance(Duration::from_secs(30)).await;
    assert_eq!(tickets.redeem("second"), None);
}

#[tokio::test(start_paused = true)]
async fn tickets_that_are_not_used_take_bounded_room_for_a_bounded_time() {
    let tickets = tickets::Tickets::default();
    let mut issued = 0;
    while tickets.issue(&issued.to_string(), "eve") {
        issued += 1;
    }
    assert_eq!(issued, 10_000);
    advance(Duration::from_secs(29)).await;
    assert!(!tickets.issue("late", "ada"));
    advance(Duration::from_secs(1)).await;
    assert!(tickets.issue("later", "ada"));
    assert_eq!(tickets.redeem("later").as_deref(), Some("ada"));
}
