//! Checks what one subscriber gets: order, duplicates, holes and gaps.

use std::collections::HashMap;

use sse_hub_testing::reader::Event;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Events that came when they should.
    pub(crate) checked: usize,
    /// Events that are missing without a gap.
    pub(crate) lost: usize,
    /// Events that came again, or too late.
    pub(crate) doubled: usize,
    /// Events that are missing because of a gap.
    pub(crate) skipped: usize,
    /// Gaps.
    pub(crate) gaps: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.checked += other.checked;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.skipped += other.skipped;
        self.gaps += other.gaps;
    }
}

impl Tally {
    /// Prints a row of the table.
    pub(crate) fn print(&self, engine: &str, fault: &str) {
        let Self {
            checked,
            lost,
            doubled,
            skipped,
            gaps,
        } = self;
        println!("| {engine} | {fault} | {checked} | {lost} | {doubled} | {skipped} in {gaps} |");
    }
}

/// One of the publishers to a topic, which number their events.
pub(crate) type Source = (String, usize);

/// Checks the events of one subscriber: each is `topic publisher number`, or `topic end`.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    expected: HashMap<Source, Expected>,
    /// The topics that have ended.
    pub(crate) ended: Vec<String>,
    pub(crate) tally: Tally,
}

#[derive(Debug, Default)]
struct Expected {
    number: usize,
    /// How many of the topic's gaps there were when this was expected.
    gaps: usize,
}

impl Checker {
    /// How many gaps in each topic this subscriber has got.
    fn gaps_of(gaps: &HashMap<String, usize>, topic: &str) -> usize {
        gaps.get(topic).copied().unwrap_or(0)
    }

    pub(crate) fn see(&mut self, event: &Event, gaps: &mut HashMap<String, usize>) {
        if event.name == "gap" {
            for (topic, _reason) in event.gaps() {
                *gaps.entry(topic).or_default() += 1;
                self.tally.gaps += 1;
            }
            return;
        }
        let mut words = event.data.split(' ');
        let topic = words.next().expect("a topic").to_owned();
        let publisher = words.next().expect("a publisher");
        if publisher == "end" {
            if !self.ended.contains(&topic) {
                self.ended.push(topic);
            }
            return;
        }
        let number: usize = words
            .next()
            .and_then(|number| number.parse().ok())
            .expect("a number");
        let gaps_now = Self::gaps_of(gaps, &topic);
        let publisher = publisher.parse().expect("a publisher");
        let expected = self.expected.entry((topic, publisher)).or_default();
        let has_gap = expected.gaps < gaps_now;
        match number.cmp(&expected.number) {
            std::cmp::Ordering::Equal => self.tally.checked += 1,
            std::cmp::Ordering::Greater if has_gap => {
                self.tally.checked += 1;
                self.tally.skipped += number - expected.number;
            }
            std::cmp::Ordering::Greater => self.tally.lost += number - expected.number,
            // After a gap, an event that the engine has lost may be published again.
            std::cmp::Ordering::Less if has_gap => {}
            std::cmp::Ordering::Less => self.tally.doubled += 1,
        }
        *expected = Expected {
            number: number + 1,
            gaps: gaps_now,
        };
    }

    /// Checks that all came that was published.
    pub(crate) fn finish(
        mut self,
        published: &HashMap<Source, usize>,
        gaps: &HashMap<String, usize>,
    ) -> Tally {
        for (source, count) in published {
            let expected = self.expected.remove(source).unwrap_or_default();
            let missing = count.saturating_sub(expected.number);
            if expected.gaps < Self::gaps_of(gaps, &source.0) {
                self.tally.skipped += missing;
            } else {
                self.tally.lost += missing;
            }
        }
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &str) -> Event {
        Event {
            name: "message".to_owned(),
            data: data.to_owned(),
            id: String::new(),
        }
    }

    fn gap(topic: &str) -> Event {
        Event {
            name: "gap".to_owned(),
            ..event(&format!(
                r#"{{"gaps":[{{"topic":"{topic}","reason":"x"}}]}}"#
            ))
        }
    }

    fn tally(events: &[Event]) -> Tally {
        let mut checker = Checker::default();
        let mut gaps = HashMap::new();
        for event in events {
            checker.see(event, &mut gaps);
        }
        let published = HashMap::from([(("a".to_owned(), 0), 4)]);
        checker.finish(&published, &gaps)
    }

    #[test]
    fn the_checker_finds_what_is_wrong() {
        let all = ["a 0 0", "a 0 1", "a 0 2", "a 0 3"].map(event);
        let right = Tally {
            checked: 4,
            ..Tally::default()
        };
        assert_eq!(tally(&all), right);
        let hole = [&all[..1], &all[2..]].concat();
        assert_eq!(tally(&hole).lost, 1);
        assert_eq!(tally(&all[..2]).lost, 2);
        let doubled = [&all[..2], &all[1..]].concat();
        assert_eq!(tally(&doubled).doubled, 1);
        let turned = [
            all[1].clone(),
            all[0].clone(),
            all[2].clone(),
            all[3].clone(),
        ];
        assert!(tally(&turned).lost > 0 && tally(&turned).doubled > 0);
        let with_gap = [&all[..1], &[gap("a")], &all[3..]].concat();
        let expected = Tally {
            checked: 2,
            skipped: 2,
            gaps: 1,
            ..Tally::default()
        };
        assert_eq!(tally(&with_gap), expected);
        // A gap elsewhere excuses nothing.
        let with_gap = [&all[..1], &[gap("b")], &all[3..]].concat();
        assert_eq!(tally(&with_gap).lost, 2);
    }
}
