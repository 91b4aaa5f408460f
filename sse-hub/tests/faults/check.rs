//! Checks what subscribers get against what was answered as published, and what the engine has in
//! the end: order, duplicates, holes, gaps and ids.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use sse_hub_testing::reader;

/// One of the publishers to a topic, which number their events.
pub(crate) type Source = (&'static str, usize);

/// The event of a source with a number: its data is `topic publisher number`.
pub(crate) type Event = (Source, usize);

/// Parses the data of an event; `None` for `topic end`.
pub(crate) fn parse(data: &str) -> Option<Event> {
    let mut words = data.split(' ');
    let topic = words.next().expect("a topic");
    let topic = crate::load::topic(topic);
    let publisher = words.next().expect("a publisher");
    if publisher == "end" {
        return None;
    }
    let publisher = publisher.parse().expect("the number of a publisher");
    let number = words.next().expect("a number").parse().expect("a number");
    Some(((topic, publisher), number))
}

/// An event that was answered as published.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// When it was published for the first time. No earlier gap can be about it.
    pub(crate) begun: Instant,
    /// The answered position, as an id.
    pub(crate) id: String,
}

/// All events that were answered as published: those of each source, in order.
pub(crate) type Published = HashMap<Source, Vec<Answered>>;

/// All that one subscriber has got.
#[derive(Debug)]
pub(crate) struct Record {
    topics: Vec<&'static str>,
    /// Whether nothing may be skipped that the engine has kept, as the subscriber never came with a
    /// position that was lost.
    pub(crate) gets_what_is_kept: bool,
    received: Vec<Received>,
    ended: HashSet<&'static str>,
}

#[derive(Debug)]
enum Received {
    Event(Event, String),
    Gap(&'static str, Instant),
}

impl Record {
    pub(crate) fn of(topics: &[&'static str], gets_what_is_kept: bool) -> Self {
        Self {
            topics: topics.to_vec(),
            gets_what_is_kept,
            received: Vec::new(),
            ended: HashSet::new(),
        }
    }

    pub(crate) fn add(&mut self, event: &reader::Event) {
        if event.name == "gap" {
            let now = Instant::now();
            let gaps = event.gaps().into_iter();
            let gaps = gaps.map(|(topic, _)| Received::Gap(crate::load::topic(&topic), now));
            self.received.extend(gaps);
        } else if let Some(found) = parse(&event.data) {
            self.received.push(Received::Event(found, event.id.clone()));
        } else if let Some((topic, "end")) = event.data.split_once(' ') {
            self.ended.insert(crate::load::topic(topic));
        }
    }

    /// Whether it has got the end of each of its topics.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.len() == self.topics.len()
    }

    /// The gaps of a topic: where among all that was received, and when.
    fn gaps(&self, topic: &str) -> Vec<(usize, Instant)> {
        let received = self.received.iter().enumerate();
        received
            .filter_map(|(at, received)| match received {
                Received::Gap(of, when) if *of == topic => Some((at, *when)),
                _ => None,
            })
            .collect()
    }

    /// The events of each source: number, and where among all that was received.
    fn events(&self) -> HashMap<Source, Vec<(usize, usize)>> {
        let mut events: HashMap<_, Vec<_>> = HashMap::new();
        for (at, received) in self.received.iter().enumerate() {
            if let Received::Event((source, number), _) = received {
                events.entry(*source).or_default().push((*number, at));
            }
        }
        events
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Events that came when they should.
    pub(crate) checked: usize,
    /// Events that are missing without a gap.
    pub(crate) lost: usize,
    /// Events that came again without a gap, or too late.
    pub(crate) doubled: usize,
    /// Events that are missing because of a gap.
    pub(crate) skipped: usize,
    /// Those of them that the engine still has, although the subscriber never came with a position
    /// that was lost.
    pub(crate) kept: usize,
    /// Those of them whose gap came after later events of the same source.
    pub(crate) late: usize,
    /// Gaps.
    pub(crate) gaps: usize,
    /// Ids that two events have.
    pub(crate) ids: usize,
    /// Events that were answered as published, and that the engine has lost.
    pub(crate) forgotten: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.checked += other.checked;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.skipped += other.skipped;
        self.kept += other.kept;
        self.late += other.late;
        self.gaps += other.gaps;
        self.ids += other.ids;
        self.forgotten += other.forgotten;
    }
}

impl Tally {
    /// Returns what all subscribers have found. `kept` are the events that the engine has.
    pub(crate) fn of(records: &[&Record], published: &Published, kept: &HashSet<Event>) -> Self {
        let mut tally = Self {
            ids: ids_of_two_events(records, published),
            forgotten: forgotten(published, kept),
            ..Self::default()
        };
        let mut all: HashMap<Source, usize> = HashMap::new();
        let answered = published.iter().map(|(source, all)| (*source, all.len()));
        let kept_counts = kept.iter().map(|(source, number)| (*source, number + 1));
        for (source, count) in answered.chain(kept_counts) {
            let most = all.entry(source).or_default();
            *most = count.max(*most);
        }
        for record in records {
            let events = record.events();
            for topic in &record.topics {
                let gaps = record.gaps(topic);
                tally.gaps += gaps.len();
                for ((of, publisher), count) in &all {
                    if of == topic {
                        let source = (*of, *publisher);
                        let events = events.get(&source).map_or(&[][..], |events| events);
                        let answered = published.get(&source).map_or(&[][..], |all| all);
                        let is_kept = |number| kept.contains(&(source, number));
                        let gets_what_is_kept = record.gets_what_is_kept;
                        let mut found = check(events, &gaps, *count, answered, is_kept);
                        found.kept *= usize::from(gets_what_is_kept);
                        tally += found;
                    }
                }
            }
        }
        tally
    }

    /// Whether all is as stated: what is missing or came again was announced by a gap.
    pub(crate) const fn is_announced(&self) -> bool {
        self.lost == 0 && self.doubled == 0
    }

    /// Prints a row of the table.
    pub(crate) fn print(&self, engine: &str, fault: &str) {
        let Self {
            checked,
            lost,
            doubled,
            skipped,
            kept,
            gaps,
            ids,
            forgotten,
            ..
        } = self;
        println!(
            "| {engine} | {fault} | {forgotten} | {checked} | {lost} | {doubled} | {skipped} in {gaps} | {kept} | {ids} |"
        );
    }
}

/// Checks the events of one source, of which there were `count`.
fn check(
    events: &[(usize, usize)],
    gaps: &[(usize, Instant)],
    count: usize,
    answered: &[Answered],
    is_kept: impl Fn(usize) -> bool,
) -> Tally {
    let mut tally = Tally::default();
    // Where each number was received first, and the greatest so far.
    let mut first: HashMap<usize, usize> = HashMap::new();
    let mut newest = None;
    for (number, at) in events {
        if let Some(first) = first.get(number) {
            // What the engine has lost, its publisher may have published again.
            let is_announced = gaps.iter().any(|(gap, _)| gap > first);
            tally.doubled += usize::from(!is_announced);
            continue;
        }
        if newest > Some(*number) {
            tally.doubled += 1;
        } else {
            tally.checked += 1;
            newest = Some(*number);
        }
        first.insert(*number, *at);
    }
    let mut before = None;
    let mut missing = Vec::new();
    for number in 0..=count {
        let Some(at) = first.get(&number).copied() else {
            if number < count && (number < answered.len() || is_kept(number)) {
                missing.push(number);
            }
            if number < count {
                continue;
            }
            tally += check_missing(&missing, before, None, gaps, answered, &is_kept);
            break;
        };
        tally += check_missing(&missing, before, Some(at), gaps, answered, &is_kept);
        missing.clear();
        before = Some(at);
    }
    tally
}

/// Checks that events are missing because of a gap, which came after `before`, where the last event
/// of the source before them was received. `after` is where the next one was.
fn check_missing(
    missing: &[usize],
    before: Option<usize>,
    after: Option<usize>,
    gaps: &[(usize, Instant)],
    answered: &[Answered],
    is_kept: impl Fn(usize) -> bool,
) -> Tally {
    let mut tally = Tally::default();
    for number in missing {
        let begun = answered.get(*number).map(|answered| answered.begun);
        let gap = gaps.iter().find(|(at, when)| {
            before.is_none_or(|before| *at > before) && begun.is_none_or(|begun| *when >= begun)
        });
        let Some((gap, _)) = gap else {
            tally.lost += 1;
            continue;
        };
        tally.skipped += 1;
        tally.kept += usize::from(is_kept(*number));
        tally.late += usize::from(after.is_some_and(|after| *gap > after));
    }
    tally
}

/// How many events were answered as published that the engine does not have.
fn forgotten(published: &Published, kept: &HashSet<Event>) -> usize {
    let answered = published.iter().flat_map(|(source, answered)| {
        let numbers = 0..answered.len();
        numbers.map(|number| (*source, number))
    });
    answered.filter(|event| !kept.contains(event)).count()
}

/// How many ids two events of a topic have, among those that were answered and those that
/// subscribers to one topic got.
fn ids_of_two_events(records: &[&Record], published: &Published) -> usize {
    let mut events: HashMap<&str, Event> = HashMap::new();
    let mut twice = HashSet::new();
    let mut add = |id, event| {
        if *events.entry(id).or_insert(event) != event {
            twice.insert(id);
        }
    };
    for (source, answered) in published {
        for (number, answered) in answered.iter().enumerate() {
            add(&*answered.id, (*source, number));
        }
    }
    for record in records.iter().filter(|record| record.topics.len() == 1) {
        for received in &record.received {
            if let Received::Event(event, id) = received {
                add(&**id, *event);
            }
        }
    }
    twice.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = ("a", 0);

    fn event(data: &str) -> reader::Event {
        reader::Event {
            name: "message".to_owned(),
            data: data.to_owned(),
            id: data.to_owned(),
        }
    }

    fn gap(topic: &str) -> reader::Event {
        reader::Event {
            name: "gap".to_owned(),
            ..event(&format!(
                r#"{{"gaps":[{{"topic":"{topic}","reason":"x"}}]}}"#
            ))
        }
    }

    fn record(events: &[reader::Event]) -> Record {
        let mut record = Record::of(&["a", "b"], true);
        for event in events {
            record.add(event);
        }
        record
    }

    /// What is found in what one has got, of four events that were answered and of which the engine
    /// has these.
    fn tally_of(events: &[reader::Event], kept: &[usize]) -> Tally {
        let begun = Instant::now();
        let answered = |number| Answered {
            begun,
            id: format!("a 0 {number}"),
        };
        let published = Published::from([(SOURCE, (0..4).map(answered).collect())]);
        let kept = kept.iter().map(|number| (SOURCE, *number)).collect();
        Tally::of(&[&record(events)], &published, &kept)
    }

    fn tally(events: &[reader::Event]) -> Tally {
        tally_of(events, &[0, 1, 2, 3])
    }

    fn all() -> [reader::Event; 4] {
        ["a 0 0", "a 0 1", "a 0 2", "a 0 3"].map(event)
    }

    #[test]
    fn the_checker_finds_what_is_wrong() {
        let all = all();
        let right = Tally {
            checked: 4,
            ..Tally::default()
        };
        assert_eq!(tally(&all), right);
        let hole = [&all[..1], &all[2..]].concat();
        assert_eq!(tally(&hole).lost, 1);
        assert_eq!(tally(&all[..2]).lost, 2);
        assert_eq!(tally(&[]).lost, 4);
        let doubled = [&all[..2], &all[1..]].concat();
        assert_eq!(tally(&doubled).doubled, 1);
        let turned = [
            all[1].clone(),
            all[0].clone(),
            all[2].clone(),
            all[3].clone(),
        ];
        assert_eq!(tally(&turned).doubled, 1);
        let with_gap = [&all[..1], &[gap("a")], &all[3..]].concat();
        let expected = Tally {
            checked: 2,
            skipped: 2,
            kept: 2,
            gaps: 1,
            ..Tally::default()
        };
        assert_eq!(tally(&with_gap), expected);
        // A gap elsewhere excuses nothing.
        let with_gap = [&all[..1], &[gap("b")], &all[3..]].concat();
        assert_eq!(tally(&with_gap).lost, 2);
    }

    #[test]
    fn what_was_answered_and_lost_by_the_engine_needs_a_gap_too() {
        let all = all();
        let without = [&all[..1], &all[3..]].concat();
        assert_eq!(tally_of(&without, &[0, 3]).lost, 2);
        let with_gap = [&without[..], &[gap("a")]].concat();
        let expected = Tally {
            checked: 2,
            skipped: 2,
            late: 2,
            gaps: 1,
            forgotten: 2,
            ..Tally::default()
        };
        assert_eq!(tally_of(&with_gap, &[0, 3]), expected);
        // Those at the end as well.
        assert_eq!(tally_of(&all[..2], &[0, 1]).lost, 2);
    }

    #[test]
    fn a_gap_excuses_only_what_follows_it() {
        let all = all();
        // One that came before the last event before the hole.
        let early = [&all[..1], &[gap("a")], &all[1..2], &all[3..]].concat();
        assert_eq!(tally(&early).lost, 1);
        // One that came before the event was published.
        let early = record(&[&all[..1], &[gap("a")]].concat());
        let later = Answered {
            begun: Instant::now(),
            id: "later".to_owned(),
        };
        let published = Published::from([(SOURCE, vec![later.clone(), later])]);
        let tally = Tally::of(&[&early], &published, &HashSet::new());
        assert_eq!((tally.lost, tally.skipped), (1, 0));
    }

    #[test]
    fn events_that_nothing_has_answered_count_if_the_engine_has_them() {
        let kept = HashSet::from([(SOURCE, 0), (SOURCE, 1)]);
        let got = record(&all()[..1]);
        let tally = Tally::of(&[&got], &Published::new(), &kept);
        assert_eq!((tally.checked, tally.lost), (1, 1));
    }

    #[test]
    fn an_id_of_two_events_is_found() {
        let mut single = Record::of(&["a"], true);
        let other = reader::Event {
            id: "a 0 3".to_owned(),
            ..event("a 0 2")
        };
        single.add(&other);
        single.add(&event("a 0 3"));
        let tally = Tally::of(&[&single], &Published::new(), &HashSet::new());
        assert_eq!(tally.ids, 1);
    }
}
