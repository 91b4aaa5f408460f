//! The tables of the documentation.

use crate::attack::ATTACKS;
use crate::figures::{grouped, mib, time};
use crate::siege::SiegeOutcome;
use crate::soak::Outcome;
use crate::subject::SUBJECTS;

/// A table in a text, known by its head.
#[derive(Debug)]
pub(crate) struct Table {
    /// The names of its columns, of which the first two are what its rows are known by.
    pub(crate) head: &'static str,
}

const DELIVERED: Table = Table {
    head: "| on | allocator | clients | time | streams | resumed | closed | reset | stalled | events | \
           gaps | silent | doubled |",
};

const ATTACKED: Table = Table {
    head: "| attack | on | load | what happened | p99 without, ms | with | ratio | heap, MiB more | left |",
};

const LEFT: Table = Table {
    head: "| on | allocator | handlers | left | descriptors | at most | left | heap, MiB | at most | \
           left | resident, MiB | at most | left |",
};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) String);

impl Row {
    pub(crate) fn new(cells: &[String]) -> Self {
        Self(format!("| {} |", cells.join(" | ")))
    }

    /// Returns the cells by which it is known.
    fn key(&self) -> Vec<&str> {
        self.0.split('|').skip(1).take(2).map(str::trim).collect()
    }
}

impl Table {
    /// Returns the text with these rows in the place of those that are known by the same cells. All are
    /// sorted as their first cells are in `order`; others are removed.
    ///
    /// # Errors
    ///
    /// When there is no such table.
    pub(crate) fn updated(
        &self,
        text: &str,
        rows: &[Row],
        order: &[&str],
    ) -> Result<String, String> {
        let dashes = "|---".repeat(self.head.matches('|').count() - 1);
        let head = format!("{}\n{dashes}|\n", self.head);
        let parts = text.split_once(&head);
        let (before, table) = parts.ok_or_else(|| format!("no table {}", self.head))?;
        let old = table
            .split_inclusive('\n')
            .take_while(|line| line.starts_with('|'));
        let (old, after) = table.split_at(old.map(str::len).sum());
        let mut all: Vec<Row> = old.lines().map(|line| Row(line.to_owned())).collect();
        for row in rows {
            match all.iter_mut().find(|other| other.key() == row.key()) {
                Some(other) => *other = row.clone(),
                None => all.push(row.clone()),
            }
        }
        let place = |row: &Row| {
            let first = row.key().first().copied().unwrap_or_default().to_owned();
            order.iter().position(|name| *name == first)
        };
        all.retain(|row| place(row).is_some());
        all.sort_by_key(place);
        let all: String = all.iter().map(|row| format!("{}\n", row.0)).collect();
        Ok(format!("{before}{head}{all}{after}"))
    }
}

/// Returns the text of the documentation with the figures of these soaks.
///
/// # Errors
///
/// When it has no tables for them.
pub fn with_soaks(text: &str, outcomes: &[Outcome]) -> Result<String, String> {
    let order = SUBJECTS.map(|subject| subject.title);
    let rows = |row: fn(&Outcome) -> Row| outcomes.iter().map(row).collect::<Vec<_>>();
    let text = DELIVERED.updated(text, &rows(delivered), &order)?;
    LEFT.updated(&text, &rows(left), &order)
}

/// Returns the text of the documentation with the figures of these attacks.
///
/// # Errors
///
/// When it has no table for them.
pub fn with_attacks(text: &str, outcomes: &[SiegeOutcome]) -> Result<String, String> {
    let order: Vec<_> = ATTACKS.iter().map(|attack| attack.title).collect();
    let rows: Vec<_> = outcomes.iter().map(attacked).collect();
    ATTACKED.updated(text, &rows, &order)
}

fn attacked(outcome: &SiegeOutcome) -> Row {
    let attack = outcome.plan.attack;
    let [without, with] = outcome.p99();
    let [most, left] = outcome.heap();
    Row::new(&[
        attack.title.to_owned(),
        outcome.plan.subject.title.to_owned(),
        attack.load.to_owned(),
        outcome.happened(),
        format!("{without:.1}"),
        format!("{with:.1}"),
        format!("{:.2}", with / without),
        mib(most),
        mib(left),
    ])
}

fn delivered(outcome: &Outcome) -> Row {
    let (plan, clients) = (&outcome.plan, &outcome.clients);
    Row::new(&[
        plan.subject.title.to_owned(),
        plan.allocator.title().to_owned(),
        grouped(plan.clients as u64),
        time(plan.time),
        grouped(clients.fresh + clients.resumed),
        grouped(clients.resumed),
        grouped(clients.closed),
        grouped(clients.reset),
        grouped(clients.stalled),
        grouped(clients.events + clients.snapshots),
        grouped(clients.gaps),
        grouped(clients.silent),
        grouped(clients.doubled),
    ])
}

fn left(outcome: &Outcome) -> Row {
    let plan = &outcome.plan;
    let resources = [outcome.start, outcome.peak, outcome.end];
    let mut cells = vec![
        plan.subject.title.to_owned(),
        plan.allocator.title().to_owned(),
        grouped(outcome.handlers),
        grouped(outcome.handlers_left),
    ];
    cells.extend(resources.map(|it| grouped(it.descriptors as u64)));
    cells.extend(resources.map(|it| mib(it.heap)));
    cells.extend(resources.map(|it| mib(it.resident)));
    Row::new(&cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table {
        head: "| on | allocator | count |",
    };

    fn text(rows: &[&str]) -> String {
        let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
        format!("# Title\n\n{}\n|---|---|---|\n{rows}\nEnd.\n", TABLE.head)
    }

    #[test]
    fn a_row_replaces_that_of_the_same_first_cells_and_all_are_in_order() {
        let old = text(&["| b | x | 1 |", "| gone | x | 1 |", "| a | x | 1 |"]);
        let rows = [Row::new(&["b".into(), "x".into(), "2".into()])];
        let new = TABLE.updated(&old, &rows, &["a", "b"]);
        assert_eq!(new, Ok(text(&["| a | x | 1 |", "| b | x | 2 |"])));
        let other = [Row::new(&["a".into(), "y".into(), "3".into()])];
        let new = TABLE.updated(&new.expect("a text"), &other, &["a", "b"]);
        let expected = text(&["| a | x | 1 |", "| a | y | 3 |", "| b | x | 2 |"]);
        assert_eq!(new, Ok(expected));
        TABLE.updated("no table", &[], &[]).expect_err("no table");
    }

    #[test]
    fn the_documentation_has_the_tables() {
        let text = include_str!("../REPORT.md");
        assert_eq!(with_soaks(text, &[]).as_deref(), Ok(text));
        assert_eq!(with_attacks(text, &[]).as_deref(), Ok(text));
    }
}
