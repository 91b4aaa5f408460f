//! What packages need of the program: its version, a man page, completions.

use super::{run, sse, text};

#[test]
fn the_version_is_that_of_the_package() {
    let output = run(sse().arg("--version"));
    assert!(output.status.success());
    assert_eq!(
        text(output.stdout),
        concat!("sse ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn the_help_names_every_variable_that_is_read() {
    let output = run(sse().arg("--help"));
    assert!(output.status.success());
    let help = text(output.stdout);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "NO_COLOR",
    ] {
        assert!(help.contains(name), "{name}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );
}

#[test]
fn a_man_page_and_completions_are_generated() {
    for (form, start) in [
        ("man", ".ie \\n(.g .ds Aq \\(aq\n"),
        ("bash", "_sse() {\n"),
        ("zsh", "#compdef sse\n"),
        ("fish", "complete -c sse"),
    ] {
        let output = run(sse().args(["--generate", form]));
        assert!(output.status.success(), "{form}");
        let file = text(output.stdout);
        assert!(file.starts_with(start), "{form}: {file}");
        assert!(
            file.contains("response-timeout") || file.contains("response\\-timeout"),
            "{form}"
        );
    }
}
