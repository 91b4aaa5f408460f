//! The program `sse` as a process, against scripted servers.

mod answers;
mod packaged;
mod proxies;
mod proxy;
#[cfg(target_os = "linux")]
mod stopped;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use sse_eventsource_testing::{STREAM, Server, header};
use tokio::io::AsyncReadExt as _;

fn sse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "request_method",
    ] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("it runs")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// Answers the first request with these events, and all others with 204.
fn stream(events: &'static str) -> Server {
    Server::start(move |number, mut connection| async move {
        match number {
            0 => connection.answer(format!("{STREAM}{events}")).await,
            _ => connection.answer("HTTP/1.1 204 No Content\r\n\r\n").await,
        }
    })
}

const EVENTS: &str = ": hi\nretry: 100\nid: 7\ndata: a\ndata: b\n\nevent: tick\ndata: \u{1b}[c\n\n";

#[test]
fn events_are_lines() {
    let server = stream(EVENTS);
    let output = run(sse().arg(server.url()));
    assert!(output.status.success());
    assert_eq!(text(output.stdout), "message 7 a\nb\ntick \u{1b}[c\n");
    assert_eq!(text(output.stderr), "");
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_event_is_printed_before_the_next_one_arrives() {
    let server = Server::start(|_, mut connection| async move {
        connection.answer(format!("{STREAM}data: a\n\n")).await;
        connection.closed().await;
    });
    let mut child = sse()
        .arg(server.url())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert_eq!(line, "message a\n");
}

#[test]
fn json_is_one_object_a_line() {
    let server = stream(EVENTS);
    let output = run(sse().args(["--json", "--no-reconnect"]).arg(server.url()));
    assert_eq!(
        text(output.stdout),
        "{\"event\":\"message\",\"data\":\"a\\nb\",\"id\":\"7\"}\n\
         {\"event\":\"tick\",\"data\":\"\\u001b[c\",\"id\":\"7\"}\n"
    );
    assert_eq!(server.connections(), 1);

    let json =
        "data: {\"n\": 12345678901234567890123,\ndata:  \"a\": null}\n\ndata: 5\n\ndata: {x\n\n";
    let server = stream(json);
    let output = run(sse().args(["--json", "--no-reconnect"]).arg(server.url()));
    assert_eq!(
        text(output.stdout),
        "{\"event\":\"message\",\"data\":{\"n\": 12345678901234567890123,  \"a\": null},\"id\":\"\"}\n\
         {\"event\":\"message\",\"data\":5,\"id\":\"\"}\n\
         {\"event\":\"message\",\"data\":\"{x\",\"id\":\"\"}\n"
    );
    let server = stream("data: {\"n\":1}\n\n");
    let output = run(sse()
        .args(["--json-text", "--no-reconnect"])
        .arg(server.url()));
    assert_eq!(
        text(output.stdout),
        "{\"event\":\"message\",\"data\":\"{\\\"n\\\":1}\",\"id\":\"\"}\n"
    );
}

#[test]
fn all_prints_the_rest_on_standard_error() {
    let server = stream(EVENTS);
    let output = run(sse().args(["--all", "--json"]).arg(server.url()));
    let notes = text(output.stderr);
    let notes: Vec<_> = notes.lines().collect();
    assert_eq!(
        notes[..4],
        [
            "connecting, attempt 1",
            "open, 200 OK",
            "comment: hi",
            "retry: 100 ms"
        ]
    );
    assert!(
        notes[4].starts_with("disconnected, the stream ended; next attempt in "),
        "{}",
        notes[4]
    );
    assert_eq!(notes[5..], ["connecting, attempt 1"]);
}

#[test]
fn the_deltas_of_a_language_model_are_joined() {
    let (sent, request) = mpsc::channel();
    let server = Server::start(move |_, mut connection| {
        let sent = sent.clone();
        async move {
            let head = connection.head().await;
            let mut body = [0; 15];
            connection.io.read_exact(&mut body).await.expect("a body");
            sent.send((head, body)).expect("the test waits");
            let deltas = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
                data: {\"choices\":[{\"delta\":{\"content\":\"Hello, \"}}]}\n\n\
                data: {\"choices\":[{\"delta\":{\"content\":\"world\\n\"}}]}\n\n\
                data: [DONE]\n\n";
            connection.send(format!("{STREAM}{deltas}")).await;
            connection.closed().await;
        }
    });
    let output = run(sse()
        .args(["-H", "Authorization: Bearer x", "-d", "{\"stream\":true}"])
        .args(["--select", "/choices/0/delta/content", "--until", "[DONE]"])
        .arg(server.url()));
    assert!(output.status.success());
    assert_eq!(text(output.stdout), "Hello, world\n");
    let (head, body) = request.recv().expect("a request");
    assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "authorization"), Some("Bearer x"));
    let itself = concat!("sse/", env!("CARGO_PKG_VERSION"));
    assert_eq!(header(&head, "user-agent"), Some(itself));
    assert_eq!(header(&head, "content-type"), Some("application/json"));
    assert_eq!(&body, b"{\"stream\":true}");
}

#[test]
fn a_stream_is_resumed_after_the_given_id() {
    let server = Server::start(|_, mut connection| async move {
        let head = connection.head().await;
        let id = header(&head, "last-event-id").unwrap_or("none").to_owned();
        connection.send(format!("{STREAM}data: {id}\n\n")).await;
        connection.closed().await;
    });
    let output = run(sse()
        .args(["--last-event-id", "41", "--count", "1"])
        .arg(server.url()));
    assert_eq!(text(output.stdout), "message 41\n");
}

#[test]
fn the_body_of_a_rejected_response_is_printed() {
    let server = Server::start(|_, mut connection| async move {
        let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\nnot\u{7}for you\n\n\n";
        connection.answer(answer).await;
    });
    let output = run(sse().arg(server.url()));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(output.stderr),
        format!(
            "sse: GET {}: unexpected status 403 Forbidden: not\u{fffd}for you\n",
            server.url()
        )
    );
}

#[test]
fn an_invalid_command_line_is_reported() {
    for (arguments, complaint) in [
        (
            &[][..],
            "error: the following required arguments were not provided:\n  <URL>\n",
        ),
        (
            &["-d", "@/nowhere", "http://a.test/"],
            "sse: /nowhere: No such file or directory (os error 2)\n",
        ),
        (
            &["ftp://a.test/"],
            "sse: unsupported URL scheme \"ftp\", expected http or https\n",
        ),
        (
            &["--frobnicate"],
            "error: unexpected argument '--frobnicate' found\n",
        ),
        (
            &["--count", "x", "http://a.test/"],
            "error: invalid value 'x' for '--count <N>': invalid digit found in string\n",
        ),
        (
            &["-H", "x", "http://a.test/"],
            "error: invalid value 'x' for '--header <NAME: VALUE>': a header must contain a colon\n",
        ),
        (
            &["--idle-timeout", "-1", "http://a.test/"],
            "error: unexpected argument '-1' found\n",
        ),
        (
            &["--cacert", "/nowhere", "https://a.test/"],
            "sse: /nowhere: ",
        ),
    ] {
        let output = run(sse().args(arguments));
        assert_eq!(output.status.code(), Some(2));
        let complaints = text(output.stderr);
        assert!(complaints.starts_with(complaint), "{complaints}");
    }
}

#[test]
fn a_failed_connection_is_reported() {
    let server = Server::start(|_, mut connection| async move {
        let answer = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nlate";
        connection.answer(answer).await;
    });
    // The default scheme is http.
    let address = server.address().to_string();
    let output = run(sse().args(["--max-attempts", "2", &address]));
    assert_eq!(output.status.code(), Some(1));
    let notes = text(output.stderr);
    let busy = format!(
        "GET {}: unexpected status 503 Service Unavailable: late",
        server.url()
    );
    assert!(
        notes.starts_with(&format!("disconnected, {busy}; next attempt in ")),
        "{notes}"
    );
    assert!(notes.ends_with(&format!(" s\nsse: {busy}\n")), "{notes}");
    assert_eq!(text(output.stdout), "");
}

#[test]
fn the_reader_of_the_output_may_stop() {
    let server = Server::start(|_, mut connection| async move {
        connection.answer(STREAM).await;
        while connection.send("data: a\n\n").await {}
    });
    let mut child = sse()
        .arg(server.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(text(output.stderr), "");
}

#[test]
fn a_body_may_be_a_file_or_standard_input() {
    let server = Server::start(|_, mut connection| async move {
        let head = connection.head().await;
        let length = header(&head, "content-length").expect("a length");
        let body = connection.exactly(length.parse().expect("a length")).await;
        connection.send(format!("{STREAM}data: {body}\n\n")).await;
    });
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"in a file").expect("written");
    let path = format!("@{}", file.path().display());
    let output = run(sse().args(["-d", &path]).arg(server.url()));
    assert_eq!(text(output.stdout), "message in a file\n");

    let input = file.reopen().expect("opened");
    let output = run(sse().args(["-d", "@-"]).arg(server.url()).stdin(input));
    assert_eq!(text(output.stdout), "message in a file\n");
}

/// `script`, which Debian always has, provides the terminal. It must not obey the server.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_colours_and_no_control_characters_of_the_server() {
    let shown = |variables: &[(&str, &str)]| {
        let server = stream(EVENTS);
        let command = format!(
            "{} --no-reconnect {}",
            env!("CARGO_BIN_EXE_sse"),
            server.url()
        );
        let output = run(Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .stdin(Stdio::null()));
        assert!(output.status.success());
        text(output.stdout)
    };
    assert_eq!(
        shown(&[]),
        "\x1b[1;36mmessage\x1b[0m\x1b[2m 7\x1b[0m a\r\nb\r\n\
         \x1b[1;36mtick\x1b[0m\x1b[2m\x1b[0m \u{fffd}[c\r\n"
    );
    assert_eq!(shown(&[("NO_COLOR", "")]), shown(&[]));
    assert_eq!(
        shown(&[("NO_COLOR", "1")]),
        "message 7 a\r\nb\r\ntick \u{fffd}[c\r\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_no_control_characters_in_json_either() {
    // U+009B begins what a terminal obeys, and JSON does not escape it.
    for (argument, shown) in [
        (
            "--json",
            "{\"event\":\"message\",\"data\":[\"\u{fffd}c\"],\"id\":\"\"}\r\n",
        ),
        (
            "--json-text",
            "{\"event\":\"message\",\"data\":\"[\\\"\u{fffd}c\\\"]\",\"id\":\"\"}\r\n",
        ),
        ("--select ''", "[\"\u{fffd}c\"]\r\n"),
    ] {
        let server = stream("data: [\"\u{9b}c\"]\n\n");
        let program = env!("CARGO_BIN_EXE_sse");
        let command = format!("{program} --no-reconnect {argument} {}", server.url());
        let output = run(Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .stdin(Stdio::null()));
        assert!(output.status.success());
        assert_eq!(text(output.stdout), shown, "{argument}");
    }
}

#[test]
fn a_pointer_without_a_slash_is_a_wrong_command_line() {
    let output = run(sse().args(["--select", "choices", "http://127.0.0.1:1/"]));
    assert_eq!(output.status.code(), Some(2));
    let text = text(output.stderr);
    assert!(
        text.contains("a JSON pointer begins with a slash"),
        "{text}"
    );
}

#[test]
fn a_standard_error_that_nothing_reads_changes_nothing() {
    let server = Server::start(|number, mut connection| async move {
        match number {
            0 => {
                connection
                    .answer("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n")
                    .await;
            }
            1 => connection.answer(format!("{STREAM}data: a\n\n")).await,
            _ => connection.answer("HTTP/1.1 404 Not Found\r\n\r\n").await,
        }
    });
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = run(sse()
        .arg(server.url())
        .stdout(Stdio::piped())
        .stderr(writer));
    assert_eq!(text(output.stdout), "message a\n");
    assert_eq!(output.status.code(), Some(1));
}
