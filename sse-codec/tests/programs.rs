//! The programs `decode` and `encode` among the examples, run as processes.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Returns the path of a program, built from the current sources.
fn path_of(program: &str) -> &'static Path {
    static PATHS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let paths = PATHS.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--examples", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the programs can be built");
        let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
        let path = |message: Value| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, message["executable"].as_str()?.into()))
        };
        messages
            .map(|message| message.expect("JSON"))
            .filter_map(path)
            .collect()
    });
    &paths[program]
}

fn start(program: &str, arguments: &[&str]) -> Child {
    let path = path_of(program);
    Command::new(path)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(program, arguments);
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writing = thread::spawn(move || {
        // A program that fails early does not read the rest.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the program ends");
    writing.join().expect("no panic");
    output
}

fn decode(arguments: &[&str], input: &[u8]) -> String {
    let output = run("decode", arguments, input);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn encode(input: &str) -> String {
    let output = run("encode", &[], input.as_bytes());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).expect("UTF-8")
}

const STREAM: &[u8] = b"\xEF\xBB\xBFretry: 1500\n\n: hi\r\ndata: a\r\ndata: \"b\"\r\n\r\n\
    id: 7\revent: tick\rdata: \xC3\xA9\xFF\r\rdata\n\ndata: lost";

const EVENTS: &str = r#"{"event":"message","data":"a\n\"b\"","id":""}
{"event":"tick","data":"é�","id":"7"}
{"event":"message","data":"","id":"7"}
"#;

#[test]
fn decode_prints_one_json_object_per_event() {
    assert_eq!(decode(&[], STREAM), EVENTS);
    assert_eq!(decode(&[], b""), "");
}

#[test]
fn decode_in_any_chunks_prints_the_same() {
    for chunk in 1..40 {
        assert_eq!(decode(&["--chunk", &chunk.to_string()], STREAM), EVENTS);
    }
}

#[test]
fn decode_all_prints_comments_and_retry_fields_too() {
    let expected = format!("{{\"retry\":1500}}\n{{\"comment\":\"hi\"}}\n{EVENTS}");
    assert_eq!(decode(&["--all"], STREAM), expected);
    assert_eq!(decode(&["--chunk", "1", "--all"], STREAM), expected);
    assert_eq!(
        decode(&["--all"], b"retry: 99999999999999999999\n"),
        "{\"retry\":18446744073709551615}\n"
    );
}

#[test]
fn decode_prints_an_event_as_soon_as_it_is_complete() {
    let mut child = start("decode", &[]);
    let mut stdin = child.stdin.take().expect("piped");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let (lines, printed) = mpsc::channel();
    let reading = thread::spawn(move || {
        for line in stdout.lines() {
            lines.send(line.expect("UTF-8")).expect("the test waits");
        }
    });
    for number in 0..3 {
        // No LF follows the last CR, and the pipe stays open.
        write!(stdin, "data: {number}\r\r").expect("the program reads");
        let line = printed
            .recv_timeout(Duration::from_secs(30))
            .expect("printed at once");
        assert_eq!(
            line,
            format!("{{\"event\":\"message\",\"data\":\"{number}\",\"id\":\"\"}}")
        );
    }
    drop(stdin);
    reading.join().expect("no panic");
    assert!(child.wait().expect("the program ends").success());
}

#[test]
fn decode_reports_an_exceeded_limit_and_fails() {
    let mut stream = b"data: before\n\n: ".to_vec();
    stream.resize(17 * 1024 * 1024, b'x');
    let output = run("decode", &[], &stream);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "decode: line at byte 14 exceeds the limit of 16777216 bytes\n"
    );
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        stdout,
        "{\"event\":\"message\",\"data\":\"before\",\"id\":\"\"}\n"
    );
}

#[test]
fn decode_refuses_unknown_arguments() {
    for arguments in [
        &["--chunk"][..],
        &["--chunk", "0"],
        &["--chunk", "x"],
        &["--else"],
    ] {
        let output = run("decode", arguments, b"data: x\n\n");
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stderr.starts_with(b"decode: "));
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn encode_writes_the_fields_that_are_there() {
    assert_eq!(
        encode(concat!(
            r#"{"data":"a\nb"}"#,
            "\n",
            r#"{"id":"7","event":"tick","data":"","retry":1500,"comment":"x\ny"}"#,
            "\n",
            "\n",
            r#"{"id":"8"}"#,
            "\n",
            r#"{"retry":0}"#,
            "\r\n",
            r#"{"comment":""}"#,
            "\n",
            r#"{"data":null}"#,
            "\n",
            r"{}",
            "\n",
            r#"{"data":"no line end"}"#,
        )),
        concat!(
            "data: a\ndata: b\n\n",
            ": x\n: y\nretry: 1500\nevent: tick\ndata: \nid: 7\n\n",
            "id: 8\n\n",
            "retry: 0\n",
            ": \n",
            "data: no line end\n\n",
        )
    );
}

#[test]
fn encode_reports_invalid_lines_by_their_number_and_writes_the_others() {
    let input = concat!(
        r#"{"data":"1"}"#,
        "\n",
        "not JSON\n",
        "\n",
        r#"{"event":"a\nb","data":"4"}"#,
        "\n",
        r#"{"id":"\u0000"}"#,
        "\n",
        r#"{"other":1}"#,
        "\n",
        r#"{"retry":-1}"#,
        "\n",
        r#"{"data":8}"#,
        "\n",
        "[]\n",
        r#"{"data":"10"}"#,
        "\n",
    );
    let output = run(
        "encode",
        &[],
        &[input.as_bytes(), b"\"\xFF\"\n{\"data\":\"12\"}\n"].concat(),
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"data: 1\n\ndata: 10\n\ndata: 12\n\n");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let lines: Vec<_> = stderr.lines().map(|line| line.split(':').next()).collect();
    let expected = [2, 4, 5, 6, 7, 8, 9, 11].map(|number| format!("line {number}"));
    assert_eq!(
        lines,
        expected
            .iter()
            .map(|line| Some(&line[..]))
            .collect::<Vec<_>>()
    );
    assert!(stderr.contains("line 4: line break in the event field at byte 1\n"));
}

#[test]
fn encode_writes_an_event_at_once() {
    let mut child = start("encode", &[]);
    let mut stdin = child.stdin.take().expect("piped");
    let mut stdout = child.stdout.take().expect("piped");
    let (pieces, written) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut piece = [0; 100];
        while let Ok(len @ 1..) = stdout.read(&mut piece) {
            pieces.send(piece[..len].to_vec()).expect("the test waits");
        }
    });
    for _ in 0..3 {
        writeln!(stdin, r#"{{"data":"x"}}"#).expect("the program reads");
        let piece = written
            .recv_timeout(Duration::from_secs(30))
            .expect("written at once");
        assert_eq!(piece, b"data: x\n\n");
    }
    drop(stdin);
    reading.join().expect("no panic");
    assert!(child.wait().expect("the program ends").success());
}

#[test]
fn decode_and_encode_are_inverse() {
    let lines = decode(&["--all"], STREAM);
    let stream = encode(&lines);
    assert_eq!(decode(&["--all"], stream.as_bytes()), lines);
    assert_eq!(encode(&decode(&["--all"], stream.as_bytes())), stream);
}
