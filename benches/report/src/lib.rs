//! What the benchmarks share: how they measure and how they report.
//!
//! * [`Samples`] holds what contenders cost, round by round; [`interleave`] fills it with
//!   A B C A B C …, and [`Ratios`] compare two of them. A time alone is never reported: this
//!   machine's mood of the minute is in it, and in a ratio of neighbours it is not.
//! * [`Valgrind`] counts the instructions and allocations of a program, which do not depend on
//!   the minute at all.
//! * [`Marks`] are what was to be reached, and whether it was.
//! * [`Part`] is one part of the report: text, [`Table`]s and [`Chart`]s, opened by what
//!   [`Machine`] it was measured on.
//!
//! What is measured, and against whom, is the business of the benchmarks.

mod chart;
mod machine;
mod marks;
mod part;
mod ratios;
mod samples;
mod table;
mod valgrind;

pub use crate::chart::Chart;
pub use crate::machine::Machine;
pub use crate::marks::Marks;
pub use crate::part::Part;
pub use crate::ratios::{Ratios, geometric_mean};
pub use crate::samples::{Contender, Samples, interleave, micros_each};
pub use crate::table::Table;
pub use crate::valgrind::Valgrind;
