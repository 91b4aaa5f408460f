//! Many events that are appended together: each is appended once, alone in its failure, and in order.

use std::future::poll_fn;
use std::sync::Arc;

use futures_util::future::{join_all, poll_immediate};
use sse_engines::{Server, redis};
use sse_hub::redis::RedisEngine;
use sse_hub::{Engine, EngineError, Entry, Page, Position};
use tokio::task::{AbortHandle, JoinSet};

use crate::suite::within_bounds;

/// An engine that is driven until it is dropped.
struct Driven {
    engine: Arc<RedisEngine>,
    server: Server,
    driver: AbortHandle,
}

impl Driven {
    async fn start() -> Self {
        let server = Server::start(redis::in_memory).await;
        let engine = RedisEngine::connect(&redis::url(server.port())).await;
        let engine = Arc::new(engine.expect("connected"));
        let driven = Arc::clone(&engine);
        let driver = tokio::spawn(async move {
            loop {
                poll_fn(|cx| driven.poll_live(cx)).await;
            }
        });
        Self {
            engine,
            server,
            driver: driver.abort_handle(),
        }
    }

    async fn ask(&self, command: &str) -> String {
        let answer = redis::ask(self.server.port(), command).await;
        answer.expect("an answer")
    }

    /// How often a script was called.
    async fn calls(&self) -> usize {
        let info = self.ask("INFO commandstats").await;
        let (_, calls) = info.split_once("cmdstat_evalsha:calls=").expect("calls");
        let (calls, _) = calls.split_once(',').expect("a list");
        calls.parse().expect("a number")
    }

    async fn read_all(&self, topic: &str) -> Vec<(Position, String)> {
        let mut all = Vec::new();
        let mut after = Position::OLDEST;
        loop {
            let page = self.engine.read(topic, after).await.expect("a page");
            let (Page::Entries(entries) | Page::Last(entries)) = page else {
                panic!("{page:?}");
            };
            let Some((last, _)) = entries.last() else {
                return all;
            };
            after = *last;
            all.extend(entries.into_iter().map(|(position, entry)| match entry {
                Entry::Event(event) => (position, String::from_utf8(event.to_vec()).expect("text")),
                entry => panic!("{entry:?}"),
            }));
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_events_at_once_share_calls_and_are_in_the_order_of_their_first_polls() {
    const EVENTS: usize = 2_000;
    within_bounds(async {
        let driven = Driven::start().await;
        let before = {
            let appended = driven.engine.append("b", b"x", None).await;
            appended.expect("appended");
            driven.calls().await
        };
        let topics = ["a", "b", "{c}"];
        let appends = (0..EVENTS).map(|number| {
            let event = number.to_string();
            let topic = topics[number % 3];
            driven.engine.append(topic, event.as_bytes(), None)
        });
        let positions: Vec<_> = join_all(appends).await;
        let calls = driven.calls().await - before;
        assert!(calls <= EVENTS / 20, "{calls} calls");
        for (first, topic) in topics.iter().enumerate() {
            let all = driven.read_all(topic).await;
            let events = all.iter().skip(usize::from(*topic == "b"));
            let expected = (first..EVENTS).step_by(3);
            assert!(
                events
                    .clone()
                    .map(|(_, event)| event.clone())
                    .eq(expected.clone().map(|number| number.to_string()))
            );
            let answered = expected.map(|number| *positions[number].as_ref().expect("appended"));
            assert!(events.map(|(position, _)| *position).eq(answered));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_fails_fails_alone() {
    within_bounds(async {
        let driven = Driven::start().await;
        assert_eq!(driven.ask("SET sse:{bad} x").await, "+OK\r\n");
        let bad_key = driven.ask("LPUSH sse:{a}:key:bad x").await;
        assert_eq!(bad_key, ":1\r\n");
        for _ in 0..2 {
            let appends = (0..60).map(|number| match number % 3 {
                0 => driven.engine.append("bad", b"x", None),
                1 if number % 4 == 0 => driven.engine.append("a", b"x", Some("bad")),
                1 => driven.engine.append("a", b"x", Some("once")),
                _ => driven.engine.append("a", b"x", None),
            });
            let appended: Vec<_> = join_all(appends).await;
            let mut once = Vec::new();
            for (number, appended) in appended.into_iter().enumerate() {
                let fails = number % 3 == 0 || (number % 3 == 1 && number % 4 == 0);
                match appended {
                    Err(EngineError::Refused(reason)) if fails => {
                        assert!(reason.contains("WRONGTYPE"), "{reason}");
                    }
                    Ok(position) if !fails => {
                        if number % 3 == 1 {
                            once.push(position);
                        }
                    }
                    other => panic!("{number}: {other:?}"),
                }
            }
            once.dedup();
            assert_eq!(once.len(), 1, "{once:?}");
        }
        assert_eq!(driven.read_all("a").await.len(), 2 * 20 + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_the_server_forgets_are_no_errors() {
    within_bounds(async {
        let driven = Driven::start().await;
        let mut publishers = JoinSet::new();
        for publisher in 0..16 {
            let engine = Arc::clone(&driven.engine);
            publishers.spawn(async move {
                let topic = format!("topic {}", publisher % 5);
                for number in 0..100 {
                    let event = format!("{publisher} {number}");
                    let appended = engine.append(&topic, event.as_bytes(), None).await;
                    appended.expect("appended");
                }
            });
        }
        while !publishers.is_empty() {
            assert_eq!(driven.ask("SCRIPT FLUSH").await, "+OK\r\n");
            while let Some(done) = publishers.try_join_next() {
                done.expect("all appended");
            }
        }
        let mut all = 0;
        for topic in 0..5 {
            all += driven.read_all(&format!("topic {topic}")).await.len();
        }
        assert_eq!(all, 1_600);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_future_that_is_dropped_or_never_polled_again_holds_up_no_other() {
    within_bounds(async {
        let driven = Driven::start().await;
        let mut left = Vec::new();
        for number in 0..200 {
            let event = number.to_string();
            let mut append = driven.engine.append("a", event.as_bytes(), None);
            if let Some(appended) = poll_immediate(&mut append).await {
                appended.expect("appended");
            }
            if number % 2 == 0 {
                left.push(append);
            }
        }
        let last = driven.engine.append("a", b"last", None).await;
        last.expect("appended");
        let all = driven.read_all("a").await;
        assert_eq!(all.last().expect("events").1, "last");
        // Each at most once and in order; all those that were not dropped.
        let numbers = all[..all.len() - 1].iter().map(|(_, event)| event.parse());
        let numbers: Vec<u32> = numbers.map(|it| it.expect("a number")).collect();
        assert!(numbers.is_sorted_by(|before, after| before < after));
        let even = numbers.iter().filter(|number| *number % 2 == 0);
        assert_eq!(even.count(), 100);
        // Without the driver, few at a time are still appended.
        driven.driver.abort();
        drop(left);
        let appended = driven.engine.append("a", b"alone", None).await;
        appended.expect("appended");
    })
    .await;
}
