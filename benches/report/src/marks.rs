//! The marks: figures to be reached, each a ratio to a named peer or a bound.

use crate::ratios::Ratios;
use crate::samples::Samples;
use crate::table::Table;

/// The marks that were checked.
#[derive(Debug, Default)]
pub struct Marks(Vec<Mark>);

#[derive(Debug)]
struct Mark {
    what: String,
    measured: String,
    limit: String,
    reached: bool,
}

impl Marks {
    /// Checks that `server` costs at most `limit` times as much as `peer`. Does nothing if one of them
    /// was not measured.
    pub fn ratio(
        &mut self,
        what: impl Into<String>,
        samples: &Samples,
        [server, peer]: [impl AsRef<str>; 2],
        limit: f64,
    ) {
        let (server, peer) = (server.as_ref(), peer.as_ref());
        if let Some(ratios) = samples.cost(server, peer) {
            self.ratios(
                format!("{}: {server} to {peer}", what.into()),
                ratios,
                limit,
            );
        }
    }

    /// Checks that the median of `ratios` is at most `limit`.
    pub fn ratios(&mut self, what: String, ratios: Ratios, limit: f64) {
        self.0.push(Mark {
            what,
            measured: ratios.to_string(),
            limit: format!("{limit:.3}"),
            reached: ratios.median <= limit,
        });
    }

    /// Checks that a value is at most `limit`.
    pub fn value(&mut self, what: String, value: f64, limit: f64) {
        self.0.push(Mark {
            what,
            measured: format!("{value:.0}"),
            limit: format!("{limit:.0}"),
            reached: value <= limit,
        });
    }

    /// Returns a table of all marks, or `None` if there are none.
    #[must_use]
    pub fn table(&self) -> Option<Table> {
        let mut table = Table::new("The marks", ["mark", "measured", "at most", "reached"]);
        for mark in &self.0 {
            let reached = if mark.reached { "yes" } else { "no" };
            table.row([&mark.what, &mark.measured, &mark.limit, reached]);
        }
        table.note("Median and range of the rounds.");
        (!self.0.is_empty()).then_some(table)
    }
}
