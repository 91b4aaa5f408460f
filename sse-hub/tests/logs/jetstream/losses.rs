//! A stream that is set back: it has lost its newest entries, and gives their numbers again.

use std::future::poll_fn;
use std::time::Duration;

use sse_hub::nats::async_nats::jetstream::message::PublishMessage;
use sse_hub::nats::{NatsEngine, NatsOptions};
use sse_hub::{Engine, EngineError, Entry, Hub, Live, LiveEntry, Page, Position};

use super::{Nodes, append, event};
use crate::suite::within_bounds;

/// Runs something, then sets the server's files back to what they were before.
async fn set_back<T>(nodes: &mut Nodes, run: impl AsyncFnOnce(&mut Nodes) -> T) -> T {
    nodes.server.kill();
    let files = nodes.server.copy_files();
    nodes.server.restart().await;
    let done = run(nodes).await;
    nodes.server.kill();
    nodes.server.put_back(&files);
    nodes.server.restart().await;
    done
}

/// Reads one page after a position. A node that was connected makes its connection anew.
async fn read(engine: &NatsEngine, topic: &str, after: Position) -> Page {
    loop {
        match engine.read(topic, after).await {
            Ok(page) => return page,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn entries(engine: &NatsEngine, topic: &str, after: Position) -> Vec<(Position, Entry)> {
    match read(engine, topic, after).await {
        Page::Entries(entries) | Page::Last(entries) => entries,
        page => panic!("{page:?}"),
    }
}

/// The next live entry.
async fn live(engine: &NatsEngine) -> LiveEntry {
    loop {
        if let Live::Entry(entry) = poll_fn(|cx| engine.poll_live(cx)).await {
            return entry;
        }
    }
}

#[tokio::test]
async fn an_entry_has_one_position_when_it_is_appended_read_and_live() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let other = nodes.engine(NatsOptions::new()).await;
        let empty = other.open("a").await.expect("opened").head;
        let interrupted = poll_fn(|cx| other.poll_live(cx)).await;
        assert!(matches!(interrupted, Live::Interrupted), "{interrupted:?}");
        assert!(entries(&other, "a", empty).await.is_empty());
        let mut before = empty;
        for number in 0..3 {
            let appended = append(&engine, "a", number).await;
            append(&engine, "b", number).await;
            let entry = live(&other).await;
            assert_eq!((entry.predecessor, entry.position), (before, appended));
            let read = entries(&engine, "a", before).await;
            assert_eq!(read, [(appended, event(number))]);
            assert_eq!(other.open("a").await.expect("opened").head, appended);
            before = appended;
        }
        let key = Some("key");
        let first = engine
            .append("a", b"data\n\n", key)
            .await
            .expect("appended");
        let again = other.append("a", b"data\n\n", key).await.expect("appended");
        assert_eq!(first, again);
        // Ids stay short.
        let hub = Hub::new();
        let id = hub.id_of("a", first);
        assert!(id.len() <= 35, "{id}");
    })
    .await;
}

#[tokio::test]
async fn a_number_that_is_given_again_is_not_taken_for_the_entry_that_was_lost() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let kept = append(&engine, "a", 0).await;
        drop(engine);
        let lost = set_back(&mut nodes, async |nodes| {
            let engine = nodes.engine(NatsOptions::new()).await;
            [
                append(&engine, "a", 1).await,
                append(&engine, "b", 2).await,
                append(&engine, "a", 3).await,
            ]
        });
        let lost = lost.await;
        let engine = nodes.engine(NatsOptions::new()).await;
        for (topic, position) in ["a", "b", "a"].into_iter().zip(lost) {
            let page = read(&engine, topic, position).await;
            assert!(matches!(page, Page::Unknown), "{page:?}");
        }
        let first = append(&engine, "b", 10).await;
        let second = append(&engine, "a", 11).await;
        let third = append(&engine, "a", 12).await;
        assert!(
            lost.iter()
                .all(|lost| ![first, second, third].contains(lost))
        );
        // The first number is that of another topic now, the others are those of other entries.
        for (topic, position) in ["a", "b", "a"].into_iter().zip(lost) {
            let page = read(&engine, topic, position).await;
            assert!(matches!(page, Page::Unknown), "{topic}: {page:?}");
        }
        let read = entries(&engine, "a", kept).await;
        assert_eq!(read, [(second, event(11)), (third, event(12))]);
        assert_eq!(entries(&engine, "a", second).await, [(third, event(12))]);
    })
    .await;
}

#[tokio::test]
async fn the_id_of_a_topic_without_entries_is_unknown_in_a_stream_that_was_set_back_since() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        append(&engine, "other", 0).await;
        let kept = engine.open("a").await.expect("opened").head;
        let lost = set_back(&mut nodes, async |nodes| {
            let engine = nodes.engine(NatsOptions::new()).await;
            for number in 1..4 {
                append(&engine, "other", number).await;
            }
            engine.open("a").await.expect("opened").head
        });
        let lost = lost.await;
        let engine = nodes.engine(NatsOptions::new()).await;
        // Its number is before the one that the topic without entries ended with.
        let first = append(&engine, "a", 10).await;
        for number in 1..4 {
            append(&engine, "other", number).await;
        }
        assert!(first < lost);
        let page = read(&engine, "a", lost).await;
        assert!(matches!(page, Page::Unknown), "{page:?}");
        assert_eq!(entries(&engine, "a", kept).await, [(first, event(10))]);
    })
    .await;
}

#[tokio::test]
async fn a_loss_is_marked_once_and_the_mark_is_read_and_live() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let kept = append(&engine, "a", 0).await;
        let lost = set_back(&mut nodes, async |nodes| {
            let other = nodes.engine(NatsOptions::new()).await;
            [
                append(&other, "a", 1).await,
                append(&other, "a", 2).await,
                append(&other, "a", 3).await,
            ]
        });
        let lost = lost.await;
        let after = entries(&engine, "a", kept).await;
        assert_eq!(after, []);
        let other = nodes.engine(NatsOptions::new()).await;
        other.open("a").await.expect("opened");
        poll_fn(|cx| other.poll_live(cx)).await;
        let new = append(&engine, "a", 10).await;
        assert_eq!(live(&other).await.position, new);

        // Two nodes that know of different entries find the loss at once.
        let marks = [
            engine.mark_loss("a", kept, lost[1]),
            other.mark_loss("a", kept, lost[0]),
        ];
        for marked in futures_util::future::join_all(marks).await {
            marked.expect("marked");
        }
        engine.mark_loss("a", kept, lost[1]).await.expect("marked");
        let read = entries(&engine, "a", kept).await;
        assert_eq!(read.len(), 2, "{read:?}");
        assert_eq!(
            (read[0].clone(), &read[1].1),
            ((new, event(10)), &Entry::Loss)
        );
        let mark = live(&other).await;
        assert_eq!(mark.entry, Entry::Loss);
        assert_eq!((mark.predecessor, mark.position), (new, read[1].0));

        // Another loss is marked again, also if nothing is known that was kept.
        let later = append(&engine, "a", 11).await;
        engine.mark_loss("a", later, lost[1]).await.expect("marked");
        assert_eq!(entries(&engine, "a", later).await.len(), 1);
        let forgotten = other.mark_loss("a", Position::OLDEST, lost[2]);
        forgotten.await.expect("before that mark");
        assert_eq!(entries(&engine, "a", later).await.len(), 1);
        let beyond = Position::new(later.major(), u64::MAX);
        for _ in 0..2 {
            let forgotten = other.mark_loss("a", Position::OLDEST, beyond);
            forgotten.await.expect("marked");
        }
        let read = entries(&engine, "a", later).await;
        assert!(
            read.iter().all(|(_, entry)| *entry == Entry::Loss),
            "{read:?}"
        );
        assert_eq!(read.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_mark_is_appended_although_its_id_is_remembered_without_it() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let kept = append(&engine, "a", 0).await;
        let lost = append(&engine, "a", 1).await;
        let id = [kept, lost].map(|it| format!("{:x}.{:x}", it.major(), it.minor()));
        let other = PublishMessage::build()
            .message_id(format!("a..{}", id.join(".")))
            .payload("data: x\n\n".into());
        let published = nodes.jetstream().await;
        let published = published.send_publish("sse.log.b", other).await;
        published.expect("sent").await.expect("stored");
        let mut marks = Vec::new();
        for _ in 0..2 {
            marks.push(engine.mark_loss("a", kept, lost).await.expect("marked"));
        }
        let read = entries(&engine, "a", lost).await;
        assert_eq!(read.len(), 1, "{read:?}");
        assert_eq!(read[0].1, Entry::Loss);
        assert_eq!(marks, [Some(read[0].0); 2]);
    })
    .await;
}

#[tokio::test]
async fn the_loss_of_all_that_a_topic_had_is_marked() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        append(&engine, "other", 0).await;
        let empty = engine.open("a").await.expect("opened").head;
        let lost = set_back(&mut nodes, async |nodes| {
            let other = nodes.engine(NatsOptions::new()).await;
            append(&other, "a", 1).await
        });
        let lost = lost.await;
        for kept in [empty, Position::OLDEST] {
            while engine.mark_loss("a", kept, lost).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let read = entries(&engine, "a", empty).await;
            let read: Vec<_> = read.into_iter().map(|(_, entry)| entry).collect();
            assert_eq!(read, [Entry::Loss]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_mark_is_appended_however_fast_others_append_to_the_topic() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let options = NatsOptions::new().max_events(1_000_000);
        let options = options.answer_within(Duration::from_secs(2));
        let engine = nodes.engine(options.clone()).await;
        let other = nodes.engine(options).await;
        let kept = append(&engine, "a", 0).await;
        let lost = append(&engine, "a", 1).await;
        let appending = async {
            loop {
                let appended = (0..4).map(|number| append(&other, "a", number));
                futures_util::future::join_all(appended).await;
            }
        };
        tokio::select! {
            () = appending => {}
            marked = engine.mark_loss("a", kept, lost) => assert!(marked.expect("marked").is_some()),
        }
        let mut after = kept;
        loop {
            let page = entries(&engine, "a", after).await;
            if page.iter().any(|(_, entry)| *entry == Entry::Loss) {
                break;
            }
            after = page.last().expect("a mark in the end").0;
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_marked_in_a_stream_that_was_created_anew() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let kept = append(&engine, "a", 0).await;
        let lost = append(&engine, "a", 1).await;
        let jetstream = nodes.jetstream().await;
        jetstream.delete_stream("SSE").await.expect("deleted");
        let new = loop {
            if let Ok(new) = engine.append("a", b"data: 2\n\n", None).await {
                break new;
            }
        };
        engine.mark_loss("a", kept, lost).await.expect("not needed");
        let read = entries(&engine, "a", Position::OLDEST).await;
        assert_eq!(read, [(new, event(2))]);
        let page = self::read(&engine, "a", kept).await;
        assert!(matches!(page, Page::Unknown), "{page:?}");
    })
    .await;
}

#[tokio::test]
async fn a_lost_end_lets_the_topic_go_on_and_a_loss_before_an_end_is_marked_after_it() {
    within_bounds(async {
        let mut nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let kept = append(&engine, "a", 0).await;
        drop(engine);
        let lost = set_back(&mut nodes, async |nodes| {
            let engine = nodes.engine(NatsOptions::new()).await;
            let finished = engine.finish("a", b"data: 1\n\n", None).await;
            finished.expect("finished")
        });
        let lost = lost.await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let other = nodes.engine(NatsOptions::new()).await;
        let page = read(&engine, "a", lost).await;
        assert!(matches!(page, Page::Unknown), "{page:?}");
        let next = append(&engine, "a", 2).await;
        let end = engine.finish("a", b"data: 3\n\n", None).await;
        let end = end.expect("finished");
        let page = read(&other, "a", end).await;
        assert!(matches!(page, Page::Finished), "{page:?}");
        let mark = other.mark_loss("a", kept, lost).await.expect("marked");
        let mark = mark.expect("a mark");
        let last = Entry::Last("data: 3\n\n".into());
        for engine in [&engine, &other] {
            let following = entries(engine, "a", kept).await;
            let expected = [(next, event(2)), (end, last.clone()), (mark, Entry::Loss)];
            assert_eq!(following, expected);
            assert_eq!(entries(engine, "a", end).await, [(mark, Entry::Loss)]);
            let page = read(engine, "a", mark).await;
            assert!(matches!(page, Page::Finished), "{page:?}");
            let span = engine.open("a").await.expect("opened");
            assert_eq!((span.head, span.is_finished), (mark, true));
            let refused = engine.append("a", b"data: 4\n\n", None).await;
            assert!(matches!(refused, Err(EngineError::Finished)), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_another_node_appends_before_it_knows_of_the_end_is_not_read() {
    within_bounds(async {
        let nodes = Nodes::start().await;
        let engine = nodes.engine(NatsOptions::new()).await;
        let other = nodes.engine(NatsOptions::new()).await;
        let first = append(&other, "a", 0).await;
        let end = engine.finish("a", b"data: 1\n\n", None).await;
        let end = end.expect("finished");
        // It has looked within the last second.
        append(&other, "a", 2).await;
        for engine in [&engine, &other] {
            let last = Entry::Last("data: 1\n\n".into());
            assert_eq!(entries(engine, "a", first).await, [(end, last)]);
            let page = read(engine, "a", end).await;
            assert!(matches!(page, Page::Finished), "{page:?}");
        }
        let refused = engine.append("a", b"data: 4\n\n", None).await;
        assert!(matches!(refused, Err(EngineError::Finished)), "{refused:?}");
    })
    .await;
}
