//! Limits of a proxy, which are shortened.

use std::time::Duration;

use sse_session::SseOptions;
use tokio::time::timeout;

use crate::adapters::Adapter;
use crate::client::Response;
use crate::expected::{Arrival, End, Version};
use crate::proxy::{Change, LIMIT, Proxy};
use crate::running::Running;
use crate::upstream::{Stream, Upstream};

/// How often a keep-alive is sent: eight times within the limit.
const KEEP_ALIVE: Duration = Duration::from_millis(250);

/// The number of keep-alives in twice the limit.
const KEEP_ALIVES: usize = 16;

const COMMENT: &str = ": keep-alive\n";

pub(crate) async fn keep_alives_carry_a_silent_stream_past_the_limit(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        if expected.arrival == Arrival::AtTheEnd {
            continue;
        }
        let silent = SseOptions::new().without_keep_alive();
        let mut silent = Upstream::start(Adapter::Hyper, silent).await;
        let alive = SseOptions::new().keep_alive(KEEP_ALIVE);
        let mut alive = Upstream::start(Adapter::Hyper, alive).await;
        let cutting = Running::start(proxy, lines, Change::Silence, silent.address()).await;
        let carrying = Running::start(proxy, lines, Change::Silence, alive.address()).await;
        let mut streams = Vec::new();
        for version in Version::ALL {
            // Both are silent at the same time.
            let (mut silent, carried) = tokio::join!(
                open(&cutting, &mut silent, version),
                open(&carrying, &mut alive, version)
            );
            let silence = Duration::from_secs(u64::from(LIMIT)) * 2;
            match expected.silence {
                None => {
                    let end = timeout(silence, silent.0.rest()).await;
                    assert!(end.is_err(), "{} {version:?}: {end:?}", cutting.name());
                }
                Some(expected) => {
                    let (_, end) = silent.0.rest().await;
                    if end != expected.of(version) {
                        wrong.push(format!("{} {version:?}: {end:?}", cutting.name()));
                    }
                }
            }
            streams.push((version, carried));
        }
        for (version, (mut response, stream)) in streams {
            let what = format!("{} {version:?}", carrying.name());
            while response.text().matches(COMMENT).count() < KEEP_ALIVES {
                if let Err(end) = response.more().await {
                    panic!("{what}: {end:?} after {:?}", response.text());
                }
            }
            stream.send("2");
            response.receive("2").await;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub(crate) async fn a_limit_on_the_whole_stream(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        let Some(expected) = expected.whole else {
            continue;
        };
        let limited = SseOptions::new().max_age(Duration::from_secs(1));
        let mut limited = Upstream::start(Adapter::Hyper, limited).await;
        let before = Running::start(proxy, lines, Change::Whole, limited.address()).await;
        let options = SseOptions::new().keep_alive(KEEP_ALIVE);
        let mut upstream = Upstream::start(Adapter::Hyper, options).await;
        let running = Running::start(proxy, lines, Change::Whole, upstream.address()).await;
        for version in Version::ALL {
            let (mut response, _stream) = open(&running, &mut upstream, version).await;
            let expected = expected.of(version);
            let end = loop {
                // Some cut later than their limit.
                let is_past = response.text().matches(COMMENT).count() >= KEEP_ALIVES;
                if expected.is_none() && is_past {
                    break None;
                }
                if let Err(end) = response.more().await {
                    break Some(end);
                }
            };
            if end != expected {
                wrong.push(format!("{} {version:?}: {end:?}", running.name()));
            }
            // An age limit that is shorter ends the stream in order.
            let (mut response, _stream) = open(&before, &mut limited, version).await;
            assert_eq!(response.rest().await.1, End::Clean, "{}", before.name());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Opens a stream, which has had one event when this returns.
async fn open(running: &Running, upstream: &mut Upstream, version: Version) -> (Response, Stream) {
    let (response, stream) = running.open(version, upstream).await;
    stream.send("1");
    let mut response = response.await;
    response.receive("1").await;
    (response, stream)
}
