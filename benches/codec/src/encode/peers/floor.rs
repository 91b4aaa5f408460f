//! The limits: encoders written by hand for just these events, and the serializer alone.

use bytes::{BufMut as _, BytesMut};
use memchr::memchr2_iter;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::{Buffer, Output};

/// Appends to a `BytesMut`. Splits data at line breaks, as is necessary for unknown data, and trusts
/// the name and the id.
pub(super) struct Floor(Buffer<BytesMut>);

/// The same into a `Vec`.
pub(super) struct IntoVec(Buffer<Vec<u8>>);

/// Copies without a check: a line break in the data can forge events.
pub(super) struct Trusting(Buffer<BytesMut>);

/// The JSON and nothing else.
pub(super) struct BareJson(Buffer<BytesMut>);

/// The same into a `Vec`.
pub(super) struct BareJsonIntoVec(Buffer<Vec<u8>>);

macro_rules! put_lines {
    ($buffer:ident, $text:ident) => {
        let text = $text.as_bytes();
        let mut start = 0;
        for end in memchr2_iter(b'\n', b'\r', text) {
            // The LF of a CRLF does not end a second line.
            if !(text[end] == b'\n' && end > 0 && text[end - 1] == b'\r') {
                $buffer.extend_from_slice(b"data: ");
                $buffer.extend_from_slice(&text[start..end]);
                $buffer.extend_from_slice(b"\n");
            }
            start = end + 1;
        }
        $buffer.extend_from_slice(b"data: ");
        $buffer.extend_from_slice(&text[start..]);
        $buffer.extend_from_slice(b"\n\n");
    };
}

macro_rules! put_line {
    ($buffer:ident, $text:ident) => {
        $buffer.extend_from_slice(b"data: ");
        $buffer.extend_from_slice($text.as_bytes());
        $buffer.extend_from_slice(b"\n\n");
    };
}

macro_rules! pushing {
    ($peer:ty, $name:literal, $put:ident, $remark:literal) => {
        impl Encode for $peer {
            const NAME: &'static str = $name;
            const REMARK: &'static str = $remark;

            fn new() -> Self {
                Self(Buffer::new())
            }

            fn text(&mut self, text: &'static str, out: &mut impl Output) {
                self.0.append(out, |buffer| {
                    $put!(buffer, text);
                });
            }

            fn event(
                &mut self,
                event: &'static str,
                id: &'static str,
                data: &'static str,
                out: &mut impl Output,
            ) {
                self.0.append(out, |buffer| {
                    buffer.extend_from_slice(b"event: ");
                    buffer.extend_from_slice(event.as_bytes());
                    buffer.extend_from_slice(b"\nid: ");
                    buffer.extend_from_slice(id.as_bytes());
                    buffer.extend_from_slice(b"\n");
                    $put!(buffer, data);
                });
            }

            fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
                self.0.append(out, |buffer| {
                    buffer.extend_from_slice(b"data: ");
                    serde_json::to_writer(buffer.writer(), value).expect("JSON");
                    buffer.extend_from_slice(b"\n\n");
                });
            }

            fn finish(&mut self, out: &mut impl Output) {
                self.0.send(out);
            }
        }
    };
}

pushing!(
    Floor,
    "floor",
    put_lines,
    "written by hand for the case: splits data at line breaks, trusts the rest"
);
pushing!(IntoVec, "floor, into a Vec", put_lines, "");
pushing!(
    Trusting,
    "floor, trusting",
    put_line,
    "copies the text as it is, and is wrong where there is a line break in it"
);

macro_rules! bare_json {
    ($peer:ty, $name:literal, $buffer:ident => $writer:expr) => {
        impl Encode for $peer {
            const NAME: &'static str = $name;

            fn new() -> Self {
                Self(Buffer::new())
            }

            fn text(&mut self, _: &'static str, _: &mut impl Output) {}

            fn event(
                &mut self,
                _: &'static str,
                _: &'static str,
                _: &'static str,
                _: &mut impl Output,
            ) {
            }

            fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
                self.0.append(out, |$buffer| {
                    serde_json::to_writer($writer, value).expect("JSON");
                });
            }
        }
    };
}

bare_json!(BareJson, "serde_json::to_writer", buffer => buffer.writer());
bare_json!(BareJsonIntoVec, "serde_json::to_writer, into a Vec", buffer => buffer);
