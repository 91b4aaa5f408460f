//! Measuring and reporting, shared by the benchmarks.
//!
//! * [`Samples`] holds the costs of contenders, round by round; [`interleave`] fills it with
//!   A B C A B C …, and [`Ratios`] compares two of them. Times alone are not reported, as they depend
//!   on the load of the machine; ratios of neighbouring runs hardly do.
//! * [`Valgrind`] counts the instructions, allocations and memory of a program, which do not depend
//!   on the load at all.
//! * [`Marks`] are figures to be reached, and whether they were.
//! * [`Part`] is a part of the report: text, [`Table`]s and [`Chart`]s, after a description of the
//!   [`Machine`].

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
pub use crate::samples::{Contender, Samples, interleave, micros_each, thread_time};
pub use crate::table::Table;
pub use crate::valgrind::Valgrind;
