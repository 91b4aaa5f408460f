//! Bun, Deno and workerd as proxies: servers that answer with what their `fetch` returns.

use std::time::Duration;

use sse_session::SseOptions;

use super::client::End;
use super::program::Runtime;
use super::proxy::{Expected, Gzip, Proxy};
use crate::installed::runtimes_skipped;
use crate::server::Adapter;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_passes_streams_and_makes_compressed_ones_unreadable() {
    let expected = Expected {
        failure: End::Cut,
        shows_a_leave: true,
        passes_what_it_may_transform: true,
        gzip: Gzip::DecodedButDeclared,
        down: Some(500),
    };
    check(Runtime::Bun, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deno_passes_streams() {
    let expected = Expected {
        failure: End::Cut,
        shows_a_leave: true,
        passes_what_it_may_transform: true,
        gzip: Gzip::Decoded,
        down: Some(500),
    };
    check(Runtime::Deno, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workerd_passes_streams_and_shows_a_leave_when_the_next_piece_is_sent() {
    let expected = Expected {
        failure: End::Cut,
        shows_a_leave: false,
        passes_what_it_may_transform: true,
        gzip: Gzip::Passes,
        down: None,
    };
    check(Runtime::Workerd, &expected).await;
}

async fn check(runtime: Runtime, expected: &Expected) {
    if runtimes_skipped() {
        return;
    }
    for adapter in [Adapter::Actix, Adapter::Tcp, Adapter::Hyper] {
        let proxy = Proxy::start(adapter, "", |port, upstream| {
            runtime.serve("proxy", port, upstream)
        })
        .await;
        if adapter == Adapter::Hyper {
            proxy.check(expected).await;
        } else {
            proxy.check_the_stream(expected).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_cuts_a_silent_stream_before_the_default_keep_alive() {
    if runtimes_skipped() {
        return;
    }
    // The limit of 10 seconds is not exact.
    let end = end_behind_bun(None, SseOptions::new(), Duration::from_millis(14_500));
    assert_eq!(end.await, End::Cut);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_keeps_a_stream_whose_keep_alive_is_shorter_than_its_limit() {
    if runtimes_skipped() {
        return;
    }
    // Limits below 5 seconds cut busy streams too.
    let limit = Some("5");
    let silent = SseOptions::new().without_keep_alive();
    let end = end_behind_bun(limit, silent, Duration::from_secs(12));
    assert_eq!(end.await, End::Cut);
    let kept_alive = SseOptions::new().keep_alive(Duration::from_secs(1));
    let end = end_behind_bun(limit, kept_alive, Duration::from_secs(12));
    assert_eq!(end.await, End::Open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_keeps_a_silent_stream_without_its_limit() {
    if runtimes_skipped() {
        return;
    }
    let end = end_behind_bun(Some("0"), SseOptions::new(), Duration::from_millis(14_500));
    assert_eq!(end.await, End::Open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bun_passes_compressed_streams_that_its_fetch_does_not_decode() {
    if runtimes_skipped() {
        return;
    }
    let proxy = Proxy::start(Adapter::Hyper, "", |port, upstream| {
        let mut command = Runtime::Bun.serve("proxy", port, upstream);
        command.env("DECOMPRESS", "false");
        command
    })
    .await;
    proxy.a_compressed_stream(Gzip::Passes).await;
}

/// Returns how a stream ends that is silent after its first event.
async fn end_behind_bun(limit: Option<&str>, options: SseOptions, within: Duration) -> End {
    let proxy = Proxy::start(Adapter::Hyper, "", |port, upstream| {
        let mut command = Runtime::Bun.serve("proxy", port, upstream);
        command.envs(limit.map(|limit| ("IDLE_TIMEOUT", limit)));
        command
    })
    .await;
    proxy.end_of_a_silent_stream(options, within).await
}
