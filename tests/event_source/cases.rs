//! The cases: the answers of the server to a sequence of requests. All further requests get 204.
//!
//! Where a case is about reconnecting, its stream sets a short reconnection time.

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) answers: Vec<Vec<u8>>,
}

/// A short reconnection time, longer than the minimum of `sse-eventsource`.
const SOON: &str = "retry: 150\n";

/// One event.
const EVENT: &str = "data: x\n\n";

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    responses(&mut cases);
    content_types(&mut cases);
    other_headers(&mut cases);
    redirects(&mut cases);
    ends(&mut cases);
    last_event_ids(&mut cases);
    cases
}

/// The status of the first response.
fn responses(cases: &mut Vec<Case>) {
    let mut add = |name: String, answer| cases.push(case(name, [answer]));
    add("200".into(), stream(&[SOON, EVENT].concat()));
    add("200 without a body".into(), stream(""));
    add("200 with a body that is empty".into(), status("200 OK"));
    for line in [
        "201 Created",
        "202 Accepted",
        "203 Non-Authoritative Information",
        "204 No Content",
        "205 Reset Content",
        "206 Partial Content",
        "300 Multiple Choices",
        "304 Not Modified",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "408 Request Timeout",
        "410 Gone",
        "418 I'm a teapot",
        "425 Too Early",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "501 Not Implemented",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "599 Unknown",
    ] {
        add(line.to_owned(), status(line));
    }
    add(
        "an informational response first".into(),
        [b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), stream(EVENT)].concat(),
    );
    add(
        "HTTP/1.0".into(),
        stream_of("HTTP/1.0 200 OK\r\nContent-Type: text/event-stream", EVENT),
    );
    add("no response".into(), Vec::new());
    add("half a head".into(), b"HTTP/1.1 200 O".to_vec());
    add("no HTTP".into(), b"\x15\x03\x01\x00\x02\x02\x46".to_vec());
}

/// The content type of a response with status 200.
fn content_types(cases: &mut Vec<Case>) {
    for content_type in [
        "text/event-stream;charset=utf-8",
        "text/event-stream; charset=UTF-8",
        "text/event-stream;charset=\"utf-8\"",
        "text/event-stream; charset=iso-8859-1",
        "text/event-stream; charset=unknown",
        "text/event-stream;",
        "text/event-stream ; x",
        "text/event-stream; x=y; z",
        "TEXT/Event-Stream",
        "text/event-streams",
        "text/event-stream+json",
        "text/event-stream text",
        "text/event-stream, text/html",
        "text/html, text/event-stream",
        "text/event-stream, */*",
        "text/event-stream, invalid",
        "text/event-stream; x=\", text/html\"",
        "text/event-stream\r\nContent-Type: text/html",
        "text/html\r\nContent-Type: text/event-stream",
        "application/x-dom-event-stream",
        "text/plain",
        "text/html",
        "application/json",
        "*/*",
        "text",
        "",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}");
        let name = format!("Content-Type: {}", content_type.replace("\r\n", " + "));
        let body = [SOON, "data: \u{fc}\n\n"].concat();
        cases.push(case(name, [stream_of(&head, &body)]));
    }
    let untyped = stream_of("HTTP/1.1 200 OK", &[SOON, EVENT].concat());
    cases.push(case("no Content-Type", [untyped]));
}

/// The other headers of a response with status 200.
fn other_headers(cases: &mut Vec<Case>) {
    /// `SOON` and `EVENT`, compressed.
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff+J-)\xaa\xb4R045\xe0JI,I\xb4R\xa8\xe0\xe2\x02\x00\xd9dQ\xed\x14\x00\x00\x00";
    const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream";
    let encoded = |encoding: &str| format!("{STREAM}\r\nContent-Encoding: {encoding}");
    let gzip = [&*stream_of(&encoded("gzip"), ""), GZIP].concat();
    cases.push(case("Content-Encoding: gzip", [gzip]));
    let plain = stream_of(&encoded("identity"), &[SOON, EVENT].concat());
    cases.push(case("Content-Encoding: identity", [plain]));
    let cookie = format!("{STREAM}\r\nSet-Cookie: name=value");
    let cookie = stream_of(&cookie, &[SOON, EVENT].concat());
    cases.push(case("Set-Cookie", [cookie]));
}

/// The target of redirects, and of the attempt after them.
fn redirects(cases: &mut Vec<Case>) {
    let first = || stream(&[SOON, "id: 1\n", EVENT].concat());
    for line in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let to = |location: &str| redirect(line, location);
        cases.push(case(line, [to("there"), first()]));
        cases.push(case(format!("{line} without a location"), [status(line)]));
        cases.push(case(format!("{line} with an empty location"), [to("")]));
        cases.push(case(
            format!("{line} on reconnecting"),
            [first(), to("there"), first()],
        ));
    }
    let to = |location: &str| redirect("302 Found", location);
    cases.push(case("redirected twice", [to("a"), to("b"), first()]));
    cases.push(case("redirected to an error", [to("a"), status("404 No")]));
    cases.push(case("redirected to 204", [to("a"), status("204 No")]));
    cases.push(case("redirected to a fragment", [to("a#b"), first()]));
    cases.push(case(
        "redirected 20 times",
        vec![to("a"); 20].into_iter().chain([first()]),
    ));
    cases.push(case("redirected 21 times", vec![to("a"); 21]));
    for location in [
        "http://",
        "ftp://127.0.0.1/",
        "data:text/event-stream,data:x",
        "mailto:x",
    ] {
        cases.push(case(format!("redirected to {location}"), [to(location)]));
    }
}

/// The end of a stream, and what follows it.
fn ends(cases: &mut Vec<Case>) {
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked";
    const LONG: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000";
    let chunk = |body: &str| format!("{:x}\r\n{body}\r\n", body.len());
    let begun = [SOON, "id: 1\n", EVENT].concat();
    let cut = [&*begun, "id: 2\ndata: y"].concat();
    let whole = chunk(&begun) + "0\r\n\r\n";
    let mut add = |name: &str, answers: Vec<Vec<u8>>| cases.push(case(name, answers));
    let again = || stream(EVENT);

    add("an end in order", vec![stream_of(CHUNKED, &whole), again()]);
    add("an end within an event", vec![stream(&cut), again()]);
    add("a cut", vec![stream_of(CHUNKED, &chunk(&begun)), again()]);
    add(
        "a cut within an event",
        vec![stream_of(CHUNKED, &chunk(&cut)), again()],
    );
    add(
        "a cut within a chunk",
        vec![stream_of(CHUNKED, &chunk(&cut)[..40]), again()],
    );
    add(
        "a cut before the length",
        vec![stream_of(LONG, &begun), again()],
    );
    add(
        "a cut before any event",
        vec![stream_of(CHUNKED, &chunk(SOON)), again()],
    );

    let first = || stream(&begun);
    for line in [
        "204 No Content",
        "404 Not Found",
        "500 Internal Server Error",
        "503 Busy",
    ] {
        add(
            &format!("{line} on reconnecting"),
            vec![first(), status(line)],
        );
    }
    let html = stream_of("HTTP/1.1 200 OK\r\nContent-Type: text/html", EVENT);
    add("another type on reconnecting", vec![first(), html]);
    // The reconnection time of the first stream stays valid.
    add(
        "no response on reconnecting",
        vec![first(), Vec::new(), again()],
    );
    add(
        "no response on reconnecting, twice",
        vec![first(), Vec::new(), Vec::new(), again()],
    );
}

/// The last event ID of the second request.
fn last_event_ids(cases: &mut Vec<Case>) {
    for body in [
        "id: 1\ndata: x\n\n",
        "id: 1\n\n",
        "id: 1\n",
        "id: 1\ndata: x",
        "id: 1\ndata: x\n\ndata: y\n\n",
        "id: 1\ndata: x\n\nid: 2\n\n",
        "id: 1\ndata: x\n\nid: 2\ndata: y\n",
        "id: 1\ndata: x\n\nid:\ndata: y\n\n",
        "id: 1\ndata: x\n\nid\n\n",
        "id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n",
        "id: \0\ndata: x\n\n",
        "id: 1\nid: 2\ndata: x\n\n",
        "id:  1 \ndata: x\n\n",
        "id: 1\t\ndata: x\n\n",
        "id: a b\ndata: x\n\n",
        "id: \u{fc}\u{1f600}\ndata: x\n\n",
        "id: a\u{7f}b\ndata: x\n\n",
        "id: a\u{1}b\ndata: x\n\n",
        "id: \u{1}\n\n",
        "id: a\tb\ndata: x\n\n",
        "event: named\nid: 1\ndata: x\n\n",
    ] {
        let name = format!("{body:?} and what follows");
        let answers = [stream(&[SOON, body].concat()), stream("data: again\n\n")];
        cases.push(case(name, answers));
    }
    let long = format!("{SOON}id: {}\n\n", "1".repeat(4000));
    cases.push(case(
        "a long id",
        [stream(&long), stream("data: again\n\n")],
    ));
    let kept = [
        stream(&[SOON, "id: 1\n\n"].concat()),
        stream(EVENT),
        stream(EVENT),
    ];
    cases.push(case("an id that later streams do not set", kept));
    let failed = [
        stream(&[SOON, "id: 1\n\n"].concat()),
        Vec::new(),
        stream(EVENT),
    ];
    cases.push(case("an id and an attempt without a response", failed));
}

fn case(name: impl Into<String>, answers: impl IntoIterator<Item = Vec<u8>>) -> Case {
    Case {
        name: name.into(),
        answers: answers.into_iter().collect(),
    }
}

/// Returns an event stream that ends with its connection.
pub(crate) fn stream(body: &str) -> Vec<u8> {
    stream_of("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream", body)
}

/// Returns a response with this head and body.
fn stream_of(head: &str, body: &str) -> Vec<u8> {
    format!("{head}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// Returns a response with the type of an event stream but no body.
fn status(line: &str) -> Vec<u8> {
    let length = match line {
        "204 No Content" | "304 Not Modified" => "",
        _ => "\r\nContent-Length: 0",
    };
    let head = format!("HTTP/1.1 {line}\r\nContent-Type: text/event-stream{length}");
    stream_of(&head, "")
}

fn redirect(line: &str, location: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {line}\r\nLocation: {location}\r\nContent-Length: 0");
    stream_of(&head, "")
}
