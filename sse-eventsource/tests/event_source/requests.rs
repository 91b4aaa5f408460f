//! What goes beyond the standard's request and response: origins that are trusted, hooks of redirects,
//! other content types, a POST that is gone on with by GET.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Method};
use sse_eventsource::{Error, ErrorKind, EventSource, EventSourceBuilder, Update};
use tokio::time::{Instant, sleep};

use crate::stack::{Stack, body, cut, events, no_jitter, open, read_all, reply, status};

fn get() -> EventSourceBuilder {
    EventSource::get("https://a.test/").backoff(no_jitter())
}

fn redirect(location: &'static str) -> crate::stack::Reply {
    reply(307, &[("location", location)], stream::empty())
}

#[tokio::test(start_paused = true)]
async fn a_trusted_origin_receives_the_credentials_and_others_do_not() {
    for (trusted, sent) in [
        ("https://b.test", ["Bearer x", "Bearer x"]),
        ("https://c.test", ["Bearer x", ""]),
    ] {
        let stack = Stack::new([redirect("https://b.test/")]);
        let builder = get()
            .header("authorization", "Bearer x")
            .trust_origin(trusted);
        let (_, error) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
        assert!(error.is_none());
        assert_eq!(stack.sent("authorization"), sent);
    }
    // The second is a URL, of the scheme `b.test`.
    for no_url in ["b.test", "b.test:443"] {
        get()
            .trust_origin(no_url)
            .build_with(Stack::new([]))
            .expect_err("no URL of HTTP");
    }
}

#[tokio::test(start_paused = true)]
async fn the_hook_of_redirects_sees_the_request_that_follows() {
    let stack = Stack::new([redirect("https://b.test/x"), redirect("https://a.test/y")]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let builder = get()
        .header("authorization", "Bearer a")
        .before_redirect(move |mut request| {
            record
                .lock()
                .expect("a lock")
                .push(request.uri().to_string());
            async move {
                if request.uri().host() == Some("b.test") {
                    let token = HeaderValue::from_static("Bearer b");
                    request.headers_mut().insert("authorization", token);
                }
                Ok(request)
            }
        });
    read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(
        *seen.lock().expect("a lock"),
        ["https://b.test/x", "https://a.test/y"]
    );
    assert_eq!(stack.sent("authorization"), ["Bearer a", "Bearer b", ""]);

    let stack = Stack::new([redirect("https://b.test/x")]);
    let builder = get().before_redirect(|_| async { Err("no".into()) });
    let (_, error) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    let kind = error.as_ref().map(Error::kind);
    assert!(matches!(kind, Some(ErrorKind::Hook(_))), "{error:?}");
    assert_eq!(
        error.expect("an error").to_string(),
        "GET https://a.test/: the hook of the application failed: no"
    );
    assert_eq!(stack.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_credentials_of_the_url_become_a_header() {
    let stack = Stack::new([]);
    let source = EventSource::get("https://u%40v:p@a.test/x").build_with(stack.clone());
    read_all(source.expect("valid")).await;
    assert_eq!(stack.requests()[0].uri(), "https://a.test/x");
    assert_eq!(stack.sent("authorization"), ["Basic dUB2OnA="]);

    // A header of one's own takes precedence.
    let stack = Stack::new([]);
    let builder = EventSource::get("https://u:p@a.test/").header("authorization", "Bearer x");
    read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(stack.sent("authorization"), ["Bearer x"]);
}

#[tokio::test(start_paused = true)]
async fn another_content_type_is_accepted_where_that_is_asked_for() {
    let accept = |builder: EventSourceBuilder| {
        builder.accept_content_type(|found| found.is_none_or(|found| found == "text/plain"))
    };
    for (headers, is_accepted) in [
        (&[][..], true),
        (&[("content-type", "text/plain")], true),
        (&[("content-type", "text/html")], false),
        (
            &[("content-type", "text/event-stream; charset=utf-8")],
            true,
        ),
    ] {
        let answer = || reply(200, headers, stream::iter([Ok("data: a\n\n")]));
        let source = accept(get())
            .build_with(Stack::new([answer()]))
            .expect("valid");
        let (data, error) = read_all(source).await;
        assert_eq!(
            (data.len() == 1, error.is_none()),
            (is_accepted, is_accepted)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_answered_by_an_id_goes_on_with_get() {
    let call = || {
        EventSource::post("https://tools.test/mcp")
            .backoff(no_jitter())
            .header("authorization", "Bearer x")
            .json(&["call"])
            .resume_with_get(true)
            .end_after(|event| event.data() == "result")
    };
    let answers = || {
        [
            events(["retry: 10\nid: 1\ndata\n\n"]),
            cut("id: 2\ndata: progress\n\n"),
            status(503),
            events(["data: result\n\n"]),
        ]
    };
    let stack = Stack::new(answers());
    let (data, error) = read_all(call().build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["", "progress", "result"]);
    assert!(error.is_none(), "{error:?}");
    let requests = stack.requests();
    let methods: Vec<_> = requests.iter().map(http::Request::method).collect();
    assert_eq!(
        methods,
        [Method::POST, Method::GET, Method::GET, Method::GET]
    );
    assert_eq!(stack.sent("last-event-id"), ["", "1", "2", "2"]);
    assert_eq!(stack.sent("content-type"), ["application/json", "", "", ""]);
    assert_eq!(stack.sent("authorization"), ["Bearer x"; 4]);
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.body().is_empty())
    );

    // Without an id there is nothing to resume: the tool must not run twice.
    let stack = Stack::new([events(["data: progress\n\n"])]);
    let (data, error) = read_all(call().build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["progress"]);
    let kind = error.as_ref().map(Error::kind);
    assert!(matches!(kind, Some(ErrorKind::Incomplete)), "{error:?}");
    assert_eq!(stack.requests().len(), 1);

    // As before where it is not asked for.
    let stack = Stack::new(answers());
    let source = call().resume_with_get(false).build_with(stack.clone());
    let (_, error) = read_all(source.expect("valid")).await;
    assert!(error.is_some());
    assert_eq!(stack.requests().len(), 1);
}

/// A GET without the id would be another stream, and the POST must not be made again.
#[tokio::test(start_paused = true)]
async fn a_post_that_cannot_be_gone_on_with_ends() {
    let call = || {
        EventSource::post("https://tools.test/mcp")
            .backoff(no_jitter())
            .body("call")
            .resume_with_get(true)
            .end_if(|event| event.data() == "result")
    };
    // The server refuses the id; no header can contain it, at once or after the first GET.
    for (answers, sent) in [
        (
            vec![events(["id: 1\ndata\n\n"]), status(400)],
            vec!["", "1"],
        ),
        (vec![events(["id: a\u{7f}b\ndata\n\n"])], vec![""]),
        (
            vec![events(["id: 1\ndata\n\n"]), cut("id: \u{7f}\ndata\n\n")],
            vec!["", "1"],
        ),
    ] {
        let stack = Stack::new(answers);
        let (_, error) = read_all(call().build_with(stack.clone()).expect("valid")).await;
        assert!(error.is_some());
        assert_eq!(stack.sent("last-event-id"), sent);
    }

    // An id of an earlier stream, which this one has not set.
    let stack = Stack::new([events(["data\n\n"])]);
    let source = call().last_event_id("7").build_with(stack.clone());
    let (_, error) = read_all(source.expect("valid")).await;
    let kind = error.as_ref().map(Error::kind);
    assert!(matches!(kind, Some(ErrorKind::Incomplete)), "{error:?}");
    assert_eq!(stack.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_get_too_and_an_error_names_its_own_request() {
    let stack = Stack::new([
        open("id: 1\ndata: a\n\n"),
        cut("id: 2\ndata: b\n\n"),
        events(["data: c\n\n"]),
    ]);
    let source = EventSource::post("https://tools.test/mcp")
        .backoff(no_jitter())
        .body("call")
        .resume_with_get(true)
        .build_with(stack.clone());
    let mut source = source.expect("valid");
    source.next().await.expect("an event").expect("no error");
    source.restart();
    source.next().await.expect("an event").expect("no error");
    let methods: Vec<_> = stack
        .requests()
        .iter()
        .map(|request| request.method().clone())
        .collect();
    assert_eq!(methods, [Method::POST, Method::GET]);

    let stack = Stack::new([cut("id: 1\ndata: a\n\n"), events(["data: b\n\n"])]);
    let source = EventSource::post("https://tools.test/mcp")
        .backoff(no_jitter())
        .resume_with_get(true)
        .build_with(stack);
    let mut updates = source.expect("valid").into_updates();
    let error = loop {
        match updates.next().await {
            Some(Ok(Update::Disconnected { error, .. })) => break error.expect("an error"),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(error.to_string().starts_with("POST "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn no_debug_output_shows_the_query_or_a_key() {
    let build = || {
        EventSource::get("https://user:pass@a.test/x?key=secret")
            .header("authorization", "Bearer secret")
            .backoff(no_jitter())
    };
    let stack = Stack::new([redirect("http://a.test/y?key=secret")]);
    let mut source = build().build_with(stack).expect("valid");
    let shown = format!("{:?} {source:?}", build());
    let error = source
        .next()
        .await
        .expect("an item")
        .expect_err("not https");
    for text in [shown, error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("secret") && !text.contains("pass"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn comments_do_not_count_as_events() {
    let seconds = Duration::from_secs;
    let comments = stream::unfold(0, move |count| async move {
        sleep(seconds(2)).await;
        let text = if count == 5 { "data: a\n\n" } else { ":\n" };
        Some((Ok(text), count + 1))
    });
    let source = get()
        .idle_timeout(seconds(5))
        .event_timeout(seconds(30))
        .build_with(Stack::new([body(comments)]))
        .expect("valid");
    let start = Instant::now();
    let mut updates = source.into_updates();
    let error = loop {
        match updates.next().await {
            Some(Ok(Update::Disconnected { error, .. })) => break error.expect("an error"),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(error.kind(), ErrorKind::EventTimeout(time) if *time == seconds(30)));
    // The event came after 12 seconds.
    assert_eq!(start.elapsed().as_secs(), 12 + 30);
}

#[tokio::test(start_paused = true)]
async fn no_debug_output_has_a_secret_of_the_url_or_the_request() {
    let builder = || {
        EventSource::get("https://secret:secret@a.test/x?key=secret")
            .header("authorization", "secret")
            .body("secret")
    };
    let shown = |text: String| {
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("https://a.test/x?…"), "{text}");
    };
    shown(format!("{:?}", builder()));
    let mut events = builder()
        .build_with(Stack::new([redirect("http://secret@b.test/?key=secret")]))
        .expect("valid");
    shown(format!("{events:?}"));
    let error = events.next().await.expect("an item").expect_err("invalid");
    shown(format!("{error:?}"));
    shown(error.to_string());
}
