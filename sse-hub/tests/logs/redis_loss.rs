//! The marks of losses in Redis: each loss has one, and all readers get it.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use sse_engines::{Clock, Server, redis};
use sse_hub::redis::{RedisEngine, RedisOptions};
use sse_hub::{Engine, EngineError, Entry, Live, Page, Position};

use crate::suite::within_bounds;

async fn engine(server: &Server) -> RedisEngine {
    let engine = RedisEngine::connect(&redis::url(server.port())).await;
    engine.expect("connected")
}

/// Appends events to the topic `a`.
async fn append(engine: &RedisEngine, events: &[&'static str]) -> Vec<Position> {
    let mut positions = Vec::new();
    for event in events {
        let appended = engine.append("a", event.as_bytes(), None).await;
        positions.push(appended.expect("appended"));
    }
    positions
}

async fn read(engine: &RedisEngine, after: Position) -> Vec<Entry> {
    match engine.read("a", after).await.expect("a page") {
        Page::Entries(entries) | Page::Last(entries) => {
            entries.into_iter().map(|(_, entry)| entry).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn events(events: &[&'static str]) -> Vec<Entry> {
    let event = |event: &&'static str| Entry::Event((*event).into());
    events.iter().map(event).collect()
}

/// Ends the server and starts it with what was saved.
async fn set_back(server: &mut Server) {
    server.kill();
    server.restart().await;
}

async fn save(server: &Server) {
    let saved = redis::ask(server.port(), "SAVE").await;
    assert_eq!(saved.as_deref(), Some("+OK\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_is_marked_once_whichever_node_finds_it() {
    within_bounds(async {
        let mut server = Server::start(redis::in_memory).await;
        let first = engine(&server).await;
        let kept = append(&first, &["1", "2"]).await;
        save(&server).await;
        let lost = append(&first, &["3", "4"]).await;
        set_back(&mut server).await;
        let (first, second) = (engine(&server).await, engine(&server).await);
        let new = append(&second, &["5"]).await;
        let unknown = first.read("a", lost[1]).await.expect("a page");
        assert!(matches!(unknown, Page::Unknown), "{unknown:?}");
        for (engine, lost) in [(&first, lost[1]), (&second, lost[0]), (&first, lost[1])] {
            let marked = engine.mark_loss("a", kept[1], lost).await;
            marked.expect("marked");
        }
        append(&first, &["6"]).await;
        let mut expected = events(&["5"]);
        expected.push(Entry::Loss);
        expected.extend(events(&["6"]));
        for engine in [&first, &second] {
            assert_eq!(read(engine, kept[1]).await, expected);
            assert_eq!(read(engine, new[0]).await, expected[1..]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_is_marked_after_the_end_of_a_topic_which_stays_finished() {
    within_bounds(async {
        let mut server = Server::start(redis::in_memory).await;
        let first = engine(&server).await;
        let kept = append(&first, &["1"]).await;
        save(&server).await;
        let lost = append(&first, &["2"]).await;
        set_back(&mut server).await;
        let (first, second) = (engine(&server).await, engine(&server).await);
        let end = second.finish("a", b"3", None).await.expect("finished");
        let finished = first.read("a", end).await.expect("a page");
        assert!(matches!(finished, Page::Finished), "{finished:?}");
        let mark = first.mark_loss("a", kept[0], lost[0]).await;
        let mark = mark.expect("marked").expect("a mark");
        for engine in [&first, &second] {
            assert_eq!(
                read(engine, kept[0]).await,
                [Entry::Last("3".into()), Entry::Loss]
            );
            assert_eq!(read(engine, end).await, [Entry::Loss]);
            let finished = engine.read("a", mark).await.expect("a page");
            assert!(matches!(finished, Page::Finished), "{finished:?}");
            let span = engine.open("a").await.expect("opened");
            assert_eq!((span.head, span.is_finished), (mark, true));
            let refused = engine.append("a", b"4", None).await;
            assert!(matches!(refused, Err(EngineError::Finished)), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_end_lets_the_topic_go_on() {
    within_bounds(async {
        let mut server = Server::start(redis::in_memory).await;
        let first = engine(&server).await;
        let kept = append(&first, &["1"]).await;
        save(&server).await;
        let end = first.finish("a", b"2", Some("end")).await;
        let end = end.expect("finished");
        set_back(&mut server).await;
        let first = engine(&server).await;
        let unknown = first.read("a", end).await.expect("a page");
        assert!(matches!(unknown, Page::Unknown), "{unknown:?}");
        append(&first, &["3"]).await;
        let again = first.finish("a", b"4", Some("end")).await;
        assert!(again.expect("finished") > end);
        let mut expected = events(&["3"]);
        expected.push(Entry::Last("4".into()));
        assert_eq!(read(&first, kept[0]).await, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_topic_is_gone_when_its_end_is_too_old() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let options = RedisOptions::new().max_age(Duration::from_millis(300));
        let engine = options.connect(&redis::url(server.port())).await;
        let engine = engine.expect("connected");
        append(&engine, &["1"]).await;
        let end = engine.finish("a", b"2", None).await.expect("finished");
        let refused = engine.append("a", b"3", None).await;
        assert!(matches!(refused, Err(EngineError::Finished)), "{refused:?}");
        let again = loop {
            match engine.append("a", b"3", None).await {
                Ok(position) => break position,
                Err(EngineError::Finished) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("{error:?}"),
            }
        };
        assert!(again > end);
        assert_eq!(read(&engine, Position::OLDEST).await, events(&["3"]));
        assert!(!engine.open("a").await.expect("opened").is_finished);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_without_a_known_entry_before_it_is_marked_if_an_older_one_is_left() {
    within_bounds(async {
        let mut server = Server::start(redis::in_memory).await;
        let first = engine(&server).await;
        let kept = append(&first, &["1"]).await;
        save(&server).await;
        let lost = append(&first, &["2", "3"]).await;
        set_back(&mut server).await;
        let first = engine(&server).await;
        for _ in 0..2 {
            let marked = first.mark_loss("a", Position::OLDEST, lost[1]).await;
            marked.expect("marked");
        }
        assert_eq!(read(&first, kept[0]).await, [Entry::Loss]);

        // Nothing is left.
        let wiped = redis::ask(server.port(), "FLUSHALL").await;
        assert_eq!(wiped.as_deref(), Some("+OK\r\n"));
        let marked = first.mark_loss("a", Position::OLDEST, lost[0]).await;
        marked.expect("not needed");
        assert_eq!(read(&first, Position::OLDEST).await, []);
        // Only newer ones are left.
        append(&first, &["4"]).await;
        let marked = first.mark_loss("a", Position::OLDEST, lost[0]).await;
        marked.expect("not needed");
        assert_eq!(read(&first, Position::OLDEST).await, events(&["4"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_that_one_node_finds_in_its_window_and_others_by_what_they_have_published_has_one_mark()
 {
    within_bounds(async {
        let mut server = Server::start(redis::in_memory).await;
        let engine = engine(&server).await;
        let kept = append(&engine, &["1"]).await;
        save(&server).await;
        let lost = append(&engine, &["2", "3", "4", "5"]).await;
        set_back(&mut server).await;
        let engine = self::engine(&server).await;
        let mut marks = Vec::new();
        for (kept, lost) in [
            (Position::OLDEST, lost[0]),
            (Position::OLDEST, lost[2]),
            (kept[0], lost[3]),
            (Position::OLDEST, lost[3]),
            (Position::OLDEST, lost[1]),
        ] {
            marks.push(engine.mark_loss("a", kept, lost).await.expect("marked"));
        }
        assert_eq!(read(&engine, kept[0]).await, [Entry::Loss]);
        assert!(marks[0].is_some_and(|mark| mark > lost[3]), "{marks:?}");
        marks.dedup();
        assert_eq!(marks.len(), 1, "{marks:?}");

        // What comes after the mark is lost by another loss, which takes the mark or does not.
        let mark = marks[0].expect("a mark");
        for takes_mark in [false, true] {
            if !takes_mark {
                save(&server).await;
            }
            let lost = append(&self::engine(&server).await, &["6"]).await;
            if takes_mark {
                let stream = redis::ask(server.port(), "DEL sse:{a}").await;
                assert_eq!(stream.as_deref(), Some(":1\r\n"));
                append(&self::engine(&server).await, &["7"]).await;
            } else {
                set_back(&mut server).await;
            }
            let engine = self::engine(&server).await;
            let marked = engine.mark_loss("a", Position::OLDEST, lost[0]).await;
            let second = marked.expect("marked");
            assert_eq!(second.is_some(), !takes_mark, "{second:?}");
            assert!(second.is_none_or(|second| second > mark));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_is_after_what_was_lost_although_the_clock_is_behind() {
    within_bounds(async {
        let clock = Clock::new();
        let mut server = Server::start(clock.shown_to(redis::in_memory)).await;
        let first = engine(&server).await;
        let kept = append(&first, &["1"]).await;
        save(&server).await;
        let lost = append(&first, &["2", "3"]).await;
        clock.put_back(Duration::from_secs(3600));
        set_back(&mut server).await;
        let engine = engine(&server).await;
        let mut marks = Vec::new();
        for (kept, lost) in [
            (kept[0], lost[1]),
            (Position::OLDEST, lost[0]),
            (Position::OLDEST, lost[1]),
        ] {
            marks.push(engine.mark_loss("a", kept, lost).await.expect("marked"));
        }
        assert!(marks[0].is_some_and(|mark| mark > lost[1]), "{marks:?}");
        let new = append(&engine, &["4"]).await;
        assert!(Some(new[0]) > marks[0]);
        marks.dedup();
        assert_eq!(marks.len(), 1, "{marks:?}");
        let mut expected = vec![Entry::Loss];
        expected.extend(events(&["4"]));
        assert_eq!(read(&engine, kept[0]).await, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_arrives_live() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let (first, second) = (engine(&server).await, engine(&server).await);
        second.open("a").await.expect("opened");
        let kept = append(&first, &["1"]).await;
        let lost = Position::new(kept[0].major(), kept[0].minor() + 1);
        first.mark_loss("a", kept[0], lost).await.expect("marked");
        let new = append(&first, &["2"]).await;
        let mut live = Vec::new();
        while live.len() < 3 {
            let next = poll_fn(|cx| second.poll_live(cx)).await;
            if let Live::Entry(entry) = next {
                live.push(entry);
            }
        }
        assert_eq!(live[1].entry, Entry::Loss);
        assert_eq!(live[1].predecessor, kept[0]);
        assert_eq!(live[2].predecessor, live[1].position);
        assert_eq!(live[2].position, new[0]);
        let none = poll_fn(|cx| Poll::Ready(second.poll_live(cx).is_pending())).await;
        assert!(none);
    })
    .await;
}
