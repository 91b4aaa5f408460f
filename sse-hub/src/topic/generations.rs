//! The generations of a window, and where the positions of earlier ones are in the present one.
//!
//! A window that is restarted has another history. A window that is cut has the same history up to
//! where it was cut: the engine has lost the rest. So a reader of what was lost can continue from
//! there, and all others continue where they are.

use std::collections::VecDeque;

use crate::position::Position;

/// How many cuts are remembered. A reader that was not polled since an earlier one asks the log.
const MAX_CUTS: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Generations {
    /// The number of the present one.
    current: u32,
    /// What the last generations began with, as far as these were cuts; the newest last.
    cuts: VecDeque<Cut>,
}

#[derive(Debug)]
struct Cut {
    /// Where the window ended then.
    at: Position,
    /// The positions that were discarded, in their order.
    lost: Box<[Position]>,
}

/// Where a position of an earlier generation is in the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// Here.
    At(Position),
    /// Only the log knows. If it does not know the position, this is what comes before everything
    /// that was lost since.
    Unknown(Option<Position>),
}

impl Generations {
    #[inline]
    pub(crate) fn current(&self) -> u32 {
        self.current
    }

    /// Returns a generation from which no reader can resume.
    pub(crate) fn none(&self) -> u32 {
        self.current.wrapping_sub(MAX_CUTS as u32 + 1)
    }

    /// Begins a generation with another history.
    pub(crate) fn restart(&mut self) {
        self.current = self.current.wrapping_add(1);
        self.cuts = VecDeque::new();
    }

    /// Begins a generation whose history goes up to `at`. The positions of `lost` were discarded.
    pub(crate) fn cut(&mut self, at: Position, lost: Box<[Position]>) {
        self.current = self.current.wrapping_add(1);
        if self.cuts.len() == MAX_CUTS {
            self.cuts.pop_front();
        }
        self.cuts.push_back(Cut { at, lost });
    }

    /// Returns where a reader continues that was at a position of an earlier generation.
    pub(crate) fn resumption(&self, generation: u32, after: Position) -> Resumption {
        let since = self.current.wrapping_sub(generation) as usize;
        let Some(first) = self.cuts.len().checked_sub(since) else {
            return Resumption::Unknown(None);
        };
        let mut position = after;
        for cut in self.cuts.range(first..) {
            if cut.lost.binary_search(&position).is_ok() {
                position = cut.at;
            } else if position > cut.at {
                // It was read from the log, before the loss or after it.
                let cuts = self.cuts.range(first..).map(|cut| cut.at);
                return Resumption::Unknown(cuts.min());
            }
        }
        Resumption::At(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::new(1, number)
    }

    fn lost(numbers: &[u64]) -> Box<[Position]> {
        numbers.iter().map(|number| at(*number)).collect()
    }

    #[test]
    fn a_reader_continues_where_it_is_or_before_what_was_lost() {
        let mut generations = Generations::default();
        generations.cut(at(5), lost(&[7, 9]));
        generations.cut(at(12), lost(&[15]));
        for (generation, after, continues) in [
            (0, 3, Resumption::At(at(3))),
            (0, 5, Resumption::At(at(5))),
            (0, 7, Resumption::At(at(5))),
            (0, 9, Resumption::At(at(5))),
            (1, 7, Resumption::At(at(7))),
            (1, 15, Resumption::At(at(12))),
            (2, 15, Resumption::At(at(15))),
            // These were not in the window.
            (0, 8, Resumption::Unknown(Some(at(5)))),
            (1, 13, Resumption::Unknown(Some(at(12)))),
        ] {
            let resumption = generations.resumption(generation, at(after));
            assert_eq!(resumption, continues, "{generation} {after}");
        }
        let none = generations.none();
        assert_eq!(
            generations.resumption(none, at(3)),
            Resumption::Unknown(None)
        );
    }

    #[test]
    fn a_reader_that_has_missed_a_restart_or_many_cuts_asks_the_log() {
        let mut generations = Generations::default();
        let (none, first) = (generations.none(), generations.current());
        for _ in 0..MAX_CUTS {
            generations.cut(at(5), lost(&[7]));
            let resumption = generations.resumption(none, at(3));
            assert_eq!(resumption, Resumption::Unknown(None));
        }
        assert_eq!(generations.resumption(first, at(7)), Resumption::At(at(5)));
        generations.cut(at(5), lost(&[7]));
        let unknown = Resumption::Unknown(None);
        assert_eq!(generations.resumption(first, at(7)), unknown);
        generations.restart();
        let last = generations.current().wrapping_sub(1);
        assert_eq!(generations.resumption(last, at(3)), unknown);
    }
}
