//! The trait that all encoders implement.

use crate::encode::cases::Chunk;
use crate::encode::output::Output;

/// An encoder of events.
pub(super) trait Encode {
    /// The package, as on crates.io, or what it is.
    const NAME: &'static str;
    /// A remark on how it is driven, for the report.
    const REMARK: &'static str = "";

    fn new() -> Self;

    /// Encodes an event with only data.
    fn text(&mut self, text: &'static str, out: &mut impl Output);

    /// Encodes an event with a name and an id.
    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    );

    /// Encodes an event with data as JSON.
    fn json(&mut self, value: &'static Chunk, out: &mut impl Output);

    /// Writes what is still buffered.
    fn finish(&mut self, _: &mut impl Output) {}
}
