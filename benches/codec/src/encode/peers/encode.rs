//! What all encoders can do.

use crate::encode::cases::Chunk;
use crate::encode::output::Output;

/// Something that encodes events.
pub(super) trait Encode {
    /// The package, as on crates.io, or what it is.
    const NAME: &'static str;
    /// How it is driven, where that needs a word.
    const REMARK: &'static str = "";

    fn new() -> Self;

    /// An event of data only.
    fn text(&mut self, text: &'static str, out: &mut impl Output);

    /// An event with a name and an id.
    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    );

    /// An event of data as JSON.
    fn json(&mut self, value: &'static Chunk, out: &mut impl Output);

    /// Hands out what is still held back.
    fn finish(&mut self, _: &mut impl Output) {}
}
