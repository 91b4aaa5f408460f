//! The messages between nodes, as the data of events.
//!
//! The first line says who tells what, with spaces in between; each further one is a name. In names, line
//! breaks and `%` are written as `%` and two digits.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use sse_codec::{Encoder, Event};

use crate::entry;
use crate::percent::{self, unescape};
use crate::stored_event::StoredEvent;
use crate::topic::elsewhere::{NodeId, Told};
use crate::topic::watching::Here;

/// How long the names of a message are together, at least if there are more.
const MAX_LEN: usize = 32 * 1024;

/// What a node tells all others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) node: NodeId,
    pub(super) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is alive, and watches these topics.
    Beat(Vec<Watched>),
    /// It watches these topics as well.
    Watches(Vec<Watched>),
    /// It has begun, and does not know what others watch.
    Hello,
    /// It ends.
    Gone,
    /// The subscriptions of a member are to end.
    Disconnect { topic: String, member: String },
}

/// A topic whose members a node watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) topic: Arc<str>,
    /// Whether all members are to be told, as the node does not know them yet.
    pub(super) asks: bool,
}

/// Returns the messages that a node is alive, if it `beats`, and what it watches.
pub(super) fn watches(node: NodeId, beats: bool, watched: &[Watched]) -> Vec<Vec<u8>> {
    let lines = watched.iter().map(|watched| {
        let sign = if watched.asks { '+' } else { '=' };
        format!("{sign}{}", escape(&watched.topic))
    });
    let head = |is_first: bool, _| {
        let kind = if beats && is_first { "beat" } else { "watches" };
        format!("{node:x} {kind}")
    };
    pieces(lines, beats, head)
}

/// Returns the message that a node has begun.
pub(super) fn hello(node: NodeId) -> Vec<u8> {
    encode(&format!("{node:x} hello"))
}

/// Returns the message that a node ends.
pub(super) fn gone(node: NodeId) -> Vec<u8> {
    encode(&format!("{node:x} gone"))
}

/// Returns the message that the subscriptions of a member are to end.
pub(super) fn disconnect(node: NodeId, topic: &str, member: &str) -> Vec<u8> {
    let (topic, member) = (escape(topic), escape(member));
    encode(&format!("{node:x} disconnect\n{topic}\n{member}"))
}

/// Returns the messages that tell the members which a node has: all of them, or changes.
pub(super) fn members(node: NodeId, is_list: bool, here: &Here) -> Vec<Vec<u8>> {
    let names = here.names.iter();
    let lines = names.map(|(name, times)| format!("{times} {}", escape(name)));
    let head = |is_first, is_last| {
        let mut head = format!("{node:x} {}", here.subscribers);
        if is_list && is_first {
            head.push_str(" begin");
        }
        if is_list && is_last {
            head.push_str(" end");
        }
        head
    };
    pieces(lines, true, head)
}

/// Returns messages with the lines, each of which begins with a head for its place; at least one if `is_needed`.
fn pieces(
    lines: impl Iterator<Item = String>,
    is_needed: bool,
    head: impl Fn(bool, bool) -> String,
) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut body = String::new();
    for line in lines {
        if body.len() >= MAX_LEN {
            bodies.push(std::mem::take(&mut body));
        }
        // Writing to a string cannot fail.
        let _ = write!(body, "\n{line}");
    }
    if !body.is_empty() || is_needed && bodies.is_empty() {
        bodies.push(body);
    }
    let last = bodies.len().saturating_sub(1);
    let bodies = bodies.into_iter().enumerate();
    let messages = bodies.map(|(index, body)| encode(&(head(index == 0, index == last) + &body)));
    messages.collect()
}

fn encode(text: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    let event = Event::new().data(text);
    let valid = entry::encode(&event, Encoder::DEFAULT_MAX_EVENT_LEN, &mut encoded);
    debug_assert!(valid.is_ok(), "{valid:?}");
    encoded
}

/// Parses what a node tells all others; `None` if it is not of this form.
pub(super) fn parse_notice(entry: &[u8]) -> Option<Notice> {
    let text = StoredEvent::new("", entry).data()?;
    let mut lines = text.split('\n');
    let (node, kind) = lines.next()?.split_once(' ')?;
    let node = NodeId::from_str_radix(node, 16).ok()?;
    let what = match kind {
        "beat" => What::Beat(parse_watched(lines)?),
        "watches" => What::Watches(parse_watched(lines)?),
        "hello" => What::Hello,
        "gone" => What::Gone,
        "disconnect" => What::Disconnect {
            topic: unescape(lines.next()?)?,
            member: unescape(lines.next()?)?,
        },
        _ => return None,
    };
    Some(Notice { node, what })
}

fn parse_watched<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<Watched>> {
    let watched = lines.map(|line| {
        let asks = match line.chars().next()? {
            '+' => true,
            '=' => false,
            _ => return None,
        };
        let topic = unescape(&line[1..])?.into();
        Some(Watched { topic, asks })
    });
    watched.collect()
}

/// Parses what a node tells of its members; `None` if it is not of this form.
pub(super) fn parse_members(entry: &[u8]) -> Option<Told> {
    let text = StoredEvent::new("", entry).data()?;
    let mut lines = text.split('\n');
    let mut words = lines.next()?.split(' ');
    let node = NodeId::from_str_radix(words.next()?, 16).ok()?;
    let subscribers = number(words.next()?)?;
    let (mut begins, mut ends) = (false, false);
    for word in words {
        match word {
            "begin" => begins = true,
            "end" => ends = true,
            _ => return None,
        }
    }
    let names = lines.map(|line| {
        let (times, name) = line.split_once(' ')?;
        Some((unescape(name)?.into(), number(times)?))
    });
    Some(Told {
        node,
        subscribers,
        begins,
        ends,
        names: names.collect::<Option<_>>()?,
    })
}

/// Parses a number of subscribers. That many can be added up for all nodes.
fn number(text: &str) -> Option<usize> {
    text.parse::<u32>().ok()?.try_into().ok()
}

fn is_escaped(character: char) -> bool {
    matches!(character, '\n' | '\r' | '%')
}

fn escape(name: &str) -> Cow<'_, str> {
    percent::escape(name, is_escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a %+=\r\n\u{1}]{0,8}", any::<String>()]
    }

    fn watched() -> impl Strategy<Value = Watched> {
        (name(), any::<bool>()).prop_map(|(topic, asks)| Watched {
            topic: topic.into(),
            asks,
        })
    }

    fn of(messages: &[Vec<u8>]) -> Vec<&str> {
        let texts = messages.iter().map(|it| std::str::from_utf8(it));
        texts.map(|text| text.expect("UTF-8")).collect()
    }

    #[test]
    fn messages_are_events() {
        let watched = |topic: &str, asks| Watched {
            topic: topic.into(),
            asks,
        };
        let both = [watched("a", true), watched("b\n%", false)];
        assert_eq!(
            of(&watches(0x1f, true, &both)),
            ["data: 1f beat\ndata: +a\ndata: =b%0A%25\n\n"]
        );
        assert_eq!(of(&watches(1, true, &[])), ["data: 1 beat\n\n"]);
        assert!(watches(1, false, &[]).is_empty());
        assert_eq!(of(&[hello(1)]), ["data: 1 hello\n\n"]);
        assert_eq!(of(&[gone(1)]), ["data: 1 gone\n\n"]);
        assert_eq!(
            of(&[disconnect(1, "a", "Ada\r")]),
            ["data: 1 disconnect\ndata: a\ndata: Ada%0D\n\n"]
        );
        let here = Here {
            subscribers: 3,
            names: vec![("Ada".into(), 2)],
        };
        assert_eq!(
            of(&members(1, true, &here)),
            ["data: 1 3 begin end\ndata: 2 Ada\n\n"]
        );
        assert_eq!(
            of(&members(1, false, &here)),
            ["data: 1 3\ndata: 2 Ada\n\n"]
        );
    }

    #[test]
    fn what_is_not_of_this_form_is_none() {
        for text in [
            "",
            "x beat",
            "1",
            "1 beats",
            "1 beat\na",
            "1 beat\n",
            "1 disconnect\na",
            "1 beat\n=%x",
        ] {
            assert_eq!(parse_notice(&encode(text)), None, "{text}");
        }
        for text in [
            "",
            "1",
            "x 1",
            "1 x",
            "1 1 x",
            "1 1\nAda",
            "1 1\n-1 Ada",
            "1 4294967296",
        ] {
            assert_eq!(parse_members(&encode(text)), None, "{text}");
        }
        assert_eq!(parse_notice(b": nothing\n\n"), None);
    }

    #[test]
    fn a_long_list_is_several_messages() {
        let names = (0..10_000).map(|number| (format!("member {number}").into(), 1));
        let here = Here {
            subscribers: 10_000,
            names: names.collect(),
        };
        let messages = members(7, true, &here);
        assert!(messages.len() > 3);
        assert!(messages.iter().all(|it| it.len() < 2 * MAX_LEN));
        let told: Vec<_> = messages
            .iter()
            .map(|it| parse_members(it).expect("valid"))
            .collect();
        let last = told.len() - 1;
        for (index, told) in told.iter().enumerate() {
            assert_eq!((told.begins, told.ends), (index == 0, index == last));
        }
        let names = told.into_iter().flat_map(|it| it.names);
        assert!(names.eq(here.names));
    }

    proptest! {
        #[test]
        fn what_a_node_tells_is_what_others_hear(
            node: NodeId,
            topic in name(),
            member in name(),
            watched in prop::collection::vec(watched(), 0..4),
            names in prop::collection::vec((name(), any::<u32>()), 0..4),
            is_list: bool,
        ) {
            let message = disconnect(node, &topic, &member);
            prop_assert!(entry::check(&message).is_ok());
            let what = What::Disconnect { topic, member };
            prop_assert_eq!(parse_notice(&message), Some(Notice { node, what }));

            let message = watches(node, true, &watched).remove(0);
            prop_assert!(entry::check(&message).is_ok());
            let what = What::Beat(watched);
            prop_assert_eq!(parse_notice(&message), Some(Notice { node, what }));

            let names = names.into_iter().map(|(name, times)| (name.into(), times as usize));
            let here = Here { subscribers: 5, names: names.collect() };
            let message = members(node, is_list, &here).remove(0);
            prop_assert!(entry::check(&message).is_ok());
            let told = Told {
                node,
                subscribers: 5,
                begins: is_list,
                ends: is_list,
                names: here.names,
            };
            prop_assert_eq!(parse_members(&message), Some(told));
        }
    }
}
