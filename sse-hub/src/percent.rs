//! Names in which some characters are written as in URLs, with a percent sign and two digits.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes the characters for which `is_escaped` returns `true`: ASCII ones, among them `%`.
pub(crate) fn escape(name: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !name.contains(&is_escaped) {
        return name.into();
    }
    let mut escaped = String::with_capacity(name.len() + 8);
    for character in name.chars() {
        if is_escaped(character) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{:02X}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped.into()
}

/// Returns the name that was escaped so; `None` if a percent sign is not followed by two digits.
pub(crate) fn unescape(escaped: &str) -> Option<String> {
    let mut pieces = escaped.split('%');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let code = u8::from_str_radix(piece.get(..2)?, 16).ok()?;
        name.push(char::from(code));
        name.push_str(piece.get(2..)?);
    }
    Some(name)
}
