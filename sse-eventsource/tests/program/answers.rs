//! Answers of language models: what is complete, and what is reported when it is not.

use sse_eventsource_testing::{STREAM, Server, header};

use super::{run, sse, text};

/// Answers every POST with this stream, after its body was read.
fn answers(events: &'static str) -> Server {
    Server::start(move |_, mut connection| async move {
        let head = connection.head().await;
        let length = header(&head, "content-length").expect("a length");
        connection.exactly(length.parse().expect("a number")).await;
        connection.send(format!("{STREAM}{events}")).await;
    })
}

/// Asks, and returns the exit status, what was printed, and what was said about it.
fn ask(server: &Server, arguments: &[&str]) -> (i32, String, String) {
    let output = run(sse().args(["-d", "{}"]).args(arguments).arg(server.url()));
    let code = output.status.code().expect("an exit status");
    (code, text(output.stdout), text(output.stderr))
}

const SELECT: [&str; 4] = ["--select", "/choices/0/delta/content", "--until", "[DONE]"];

#[test]
fn an_answer_that_ends_before_its_last_event_is_a_failure() {
    let server = answers("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n");
    assert_eq!(
        ask(&server, &SELECT),
        (
            1,
            "half\n".to_owned(),
            format!(
                "sse: POST {}: the stream ended before its last event, \"[DONE]\"\n",
                server.url()
            )
        )
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_error_in_the_stream_is_a_failure() {
    for (events, printed) in [
        ("data: {\"error\":{\"code\":429}}\n\ndata: [DONE]\n\n", ""),
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n\
             data: {\"error\":{\"code\":502},\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n\
             data: [DONE]\n\n",
            "A\n",
        ),
        ("event: error\ndata: overloaded\n\n", ""),
    ] {
        let server = answers(events);
        let (code, stdout, stderr) = ask(&server, &SELECT);
        assert_eq!((code, &*stdout), (1, printed), "{stderr}");
        let expected = format!("sse: POST {}: the server sent the event ", server.url());
        assert!(stderr.starts_with(&expected), "{stderr}");
        assert!(
            ["429", "502", "overloaded"]
                .iter()
                .any(|what| stderr.contains(what))
        );
    }
    // What is asked for is no failure, and `null` is none.
    let server = answers("data: {\"error\":null,\"a\":\"x\"}\n\ndata: {\"error\":\"y\"}\n\n");
    assert_eq!(
        ask(&server, &["--select", "/error"]),
        (0, "y\n".to_owned(), String::new())
    );
}

#[test]
fn an_answer_without_anything_that_was_asked_for_is_a_failure() {
    let server = answers("data: {\"other\":1}\n\ndata: [DONE]\n\n");
    assert_eq!(
        ask(&server, &SELECT),
        (
            1,
            String::new(),
            "sse: no event had anything at \"/choices/0/delta/content\"\n".to_owned()
        )
    );
}

#[test]
fn a_request_with_a_body_has_five_attempts_and_is_not_sent_again_while_it_may_run() {
    let busy = Server::start(|_, mut connection| async move {
        connection.head().await;
        connection.exactly(2).await;
        let answer = "HTTP/1.1 529 Busy\r\nRetry-After-Ms: 100\r\nContent-Length: 0\r\n\r\n";
        connection.send(answer).await;
    });
    // The random part of the waits would make it slow: two attempts show the rest.
    let (code, _, stderr) = ask(&busy, &["--max-attempts", "2"]);
    assert_eq!((code, busy.connections()), (1, 2), "{stderr}");
    assert!(stderr.contains("unexpected status 529"), "{stderr}");

    let late = Server::start(|_, mut connection| async move {
        connection.head().await;
        connection.closed().await;
    });
    let (code, _, stderr) = ask(&late, &["--response-timeout", "1.5"]);
    assert_eq!((code, late.connections()), (1, 1));
    assert_eq!(
        stderr,
        format!("sse: POST {}: no response within 1.5s\n", late.url())
    );
}
