//! The proxies of development servers, and Next's rewrites in production.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sse_session::SseOptions;
use tempfile::TempDir;

use super::client::End;
use super::program::node_script;
use super::proxy::{Expected, Gzip, Proxy};
use crate::installed::{node, runtimes, runtimes_skipped};
use crate::server::Adapter;

/// The chapter with the lines that are tested here.
const CHAPTER: &str = include_str!("../../../../sse-session/src/guide/development.md");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vite_passes_streams_and_hides_that_they_were_cut() {
    let expected = Expected {
        failure: End::Open,
        shows_a_leave: true,
        passes_what_it_may_transform: true,
        gzip: Gzip::Passes,
        down: Some(502),
    };
    check_script("vite.mjs", "/plain", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vite_shows_a_cut_with_the_option_of_the_guide() {
    let expected = Expected {
        failure: End::Cut,
        shows_a_leave: true,
        passes_what_it_may_transform: true,
        gzip: Gzip::Passes,
        down: Some(502),
    };
    let script = in_one_line(include_str!("../../runtimes/vite.mjs"));
    let (_, function) = script.split_once("const configure = ").expect("a function");
    let (function, _) = function.split_once("; const").expect("its end");
    assert!(
        in_one_line(CHAPTER).contains(function),
        "the guide has {function}"
    );
    check_script("vite.mjs", "/cured", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webpack_passes_what_it_must_not_transform() {
    let expected = Expected {
        failure: End::Cut,
        shows_a_leave: true,
        passes_what_it_may_transform: false,
        gzip: Gzip::Passes,
        down: Some(504),
    };
    check_script("webpack.mjs", "/plain", &expected).await;
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks a script that is a proxy, in front of all adapters.
async fn check_script(file: &str, prefix: &'static str, expected: &Expected) {
    if runtimes_skipped() {
        return;
    }
    for adapter in [Adapter::Actix, Adapter::Tcp, Adapter::Hyper] {
        let proxy = Proxy::start(adapter, prefix, |port, upstream| {
            let mut command = node_script(file);
            command
                .env("PORT", port.to_string())
                .env("UPSTREAM", upstream);
            command
        })
        .await;
        if adapter == Adapter::Hyper {
            proxy.check(expected).await;
        } else {
            proxy.check_the_stream(expected).await;
        }
    }
}

/// The same in development and in production.
const NEXT: Expected = Expected {
    failure: End::Cut,
    shows_a_leave: true,
    passes_what_it_may_transform: false,
    gzip: Gzip::Passes,
    down: Some(500),
};

/// Next's limit on silence in these tests. It is 30 seconds if it is not set.
const PROXY_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn next_passes_what_it_must_not_transform_in_development() {
    check_next("dev").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn next_passes_what_it_must_not_transform_in_production() {
    check_next("start").await;
}

async fn check_next(mode: &str) {
    if runtimes_skipped() {
        return;
    }
    let site = NextSite::new();
    let proxy = Proxy::start(Adapter::Hyper, "/plain", |port, upstream| {
        if mode == "start" {
            // The rewrites are part of what is built.
            let built = site.command("build", upstream).status().expect("node");
            assert!(built.success());
        }
        let mut command = site.command(mode, upstream);
        command.args(["--hostname", "127.0.0.1", "--port", &port.to_string()]);
        command
    })
    .await;
    let silent = SseOptions::new().without_keep_alive();
    let end = proxy.end_of_a_silent_stream(silent, 5 * PROXY_TIMEOUT);
    assert_eq!(end.await, End::Cut);
    let kept_alive = SseOptions::new().keep_alive(PROXY_TIMEOUT / 4);
    let end = proxy.end_of_a_silent_stream(kept_alive, 3 * PROXY_TIMEOUT);
    assert_eq!(end.await, End::Open);
    proxy.check(&NEXT).await;
}

/// A copy of the folder `next`, as Next writes to it, where it finds the packages.
struct NextSite(TempDir);

impl NextSite {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("next-")
            .tempdir_in(runtimes());
        let folder = folder.expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/next");
        fs::create_dir(folder.path().join("pages")).expect("a folder");
        for file in ["next.config.mjs", "pages/index.js"] {
            fs::copy(source.join(file), folder.path().join(file)).expect("a copy");
        }
        Self(folder)
    }

    fn command(&self, name: &str, upstream: &str) -> Command {
        let mut command = Command::new(node());
        command
            .arg(runtimes().join("node_modules/next/dist/bin/next"))
            .arg(name)
            .current_dir(self.0.path())
            .env("NEXT_TELEMETRY_DISABLED", "1")
            .env("PROXY_TIMEOUT", PROXY_TIMEOUT.as_millis().to_string())
            .env("UPSTREAM", upstream)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}
