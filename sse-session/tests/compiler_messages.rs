//! What the compiler says about a value that cannot be sent.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The metadata of this crate, built from the current sources.
static METADATA: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--lib", "--message-format=json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the crate can be built");
    let messages = String::from_utf8(output.stdout).expect("UTF-8");
    let mut strings = messages.split('"');
    let metadata = strings.find(|it| it.contains("libsse_session-") && it.ends_with(".rmeta"));
    metadata.expect("the crate has metadata").into()
});

/// Compiles a handler with `statement`, which must fail, and returns what the compiler prints.
fn message_for(statement: &str) -> String {
    let folder = METADATA.parent().and_then(Path::to_str).expect("UTF-8");
    let mut compiler = Command::new(option_env!("RUSTC").unwrap_or("rustc"))
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "metadata",
        ])
        .args(["--out-dir", env!("CARGO_TARGET_TMPDIR"), "--color", "never"])
        .args(["-L", &format!("dependency={folder}")])
        .args(["--extern", &format!("sse_session={}", METADATA.display())])
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the compiler runs");
    let program = format!(
        "pub struct Price {{ pub cents: u32 }}
         pub async fn handle(sse: sse_session::Sse) {{ {statement} }}"
    );
    let mut stdin = compiler.stdin.take().expect("piped");
    stdin
        .write_all(program.as_bytes())
        .expect("the compiler reads");
    drop(stdin);
    let output = compiler.wait_with_output().expect("the compiler ends");
    assert!(!output.status.success(), "`{statement}` must not compile");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn a_value_that_needs_a_wrapper_is_refused_with_the_ones_there_are() {
    for (statement, name) in [
        ("sse.send(42).await.unwrap();", "{integer}"),
        ("sse.send(Price { cents: 1 }).await.unwrap();", "Price"),
        ("sse.try_send(&Price { cents: 1 }).unwrap();", "&Price"),
    ] {
        let message = message_for(statement);
        for part in [
            &format!("`{name}` cannot be sent as an event"),
            "write `sse.send(Json(&value))`",
            "write `sse.send(Typed(&value))`",
            "write `sse.send(Display(42))`",
        ] {
            assert!(message.contains(part), "{part:?} is missing in:\n{message}");
        }
    }
}

#[test]
fn data_of_an_event_that_needs_a_wrapper_is_refused_with_the_ones_there_are() {
    let message = message_for("sse.send(sse_session::Event::new().data(4.2)).await.unwrap();");
    for part in [
        "`{float}` cannot be sent as the data of an event",
        "write `.json(&value)` or `Json(&value)`",
        "write `.typed(&value)` or `Typed(&value)`",
        "write `.display(42)` or `Display(42)`",
    ] {
        assert!(message.contains(part), "{part:?} is missing in:\n{message}");
    }
}
