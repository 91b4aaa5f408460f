//! What a request to the chat says, and what it may say: everything has a bound, and what is
//! refused is told why.

use std::error::Error;
use std::fmt;

use serde::Serialize;
use serde_json::json;

use crate::arguments::Transport;

/// The longest name of a room or a person, in characters.
const MAX_NAME: usize = 32;

/// The longest message, in characters. In percent-encoded UTF-8 that is at most 6 KB, which is
/// within what every server takes as the head of a request.
const MAX_TEXT: usize = 500;

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Visitor {
    #[serde(skip)]
    pub(crate) room: String,
    pub(crate) name: String,
}

impl Visitor {
    /// The visitor as the hub's presence knows it, and the pages: an object in JSON.
    pub(crate) fn member(&self, via: Transport) -> String {
        json!({ "name": self.name, "via": via }).to_string()
    }
}

/// What the chat does not take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    Missing(&'static str),
    Blank(&'static str),
    TooLong {
        what: &'static str,
        limit: usize,
    },
    /// A character that it may not have.
    Character {
        what: &'static str,
        found: char,
    },
    TooManyRooms {
        limit: usize,
    },
    /// The hub shuts down.
    Unavailable,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Blank(what) => write!(f, "{what} is blank"),
            Self::TooLong { what, limit } => {
                write!(f, "{what} is longer than {limit} characters")
            }
            Self::Character { what, found } => write!(f, "{what} may not have {found:?}"),
            Self::TooManyRooms { limit } => write!(f, "there are {limit} rooms already"),
            Self::Unavailable => f.write_str("the chat is closed"),
        }
    }
}

impl Error for Invalid {}

/// Reads `room=R&name=N`, and the text if there is one.
pub(crate) fn parse(query: Option<&str>) -> Result<(Visitor, Option<String>), Invalid> {
    let (mut room, mut name, mut text) = (None, None, None);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let place = match &*key {
            "room" => &mut room,
            "name" => &mut name,
            "text" => &mut text,
            _ => continue,
        };
        place.get_or_insert_with(|| value.into_owned());
    }
    let room = checked("room", room, MAX_NAME, |c| {
        c.is_alphanumeric() || c == '-' || c == '_'
    })?;
    let name = checked("name", name, MAX_NAME, |c| !c.is_control())?;
    Ok((Visitor { room, name }, text))
}

/// A message's text. It may have several lines, and is markup to nobody.
pub(crate) fn text(text: Option<String>) -> Result<String, Invalid> {
    checked("text", text, MAX_TEXT, |c| {
        !c.is_control() || matches!(c, '\n' | '\r' | '\t')
    })
}

fn checked(
    what: &'static str,
    value: Option<String>,
    limit: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<String, Invalid> {
    let value = value.ok_or(Invalid::Missing(what))?;
    let value = value.trim();
    if value.is_empty() {
        return Err(Invalid::Blank(what));
    }
    if value.chars().count() > limit {
        return Err(Invalid::TooLong { what, limit });
    }
    match value.chars().find(|&c| !allowed(c)) {
        Some(found) => Err(Invalid::Character { what, found }),
        None => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(query: &str) -> String {
        let (_, said) = match parse(Some(query)) {
            Ok(parsed) => parsed,
            Err(invalid) => return invalid.to_string(),
        };
        text(said).map_or_else(|invalid| invalid.to_string(), |text| format!("{text:?}"))
    }

    #[test]
    fn queries_are_decoded() {
        let query = "x=1&room=caf%C3%A9&name=Ada+L.&text=%3Cb%3E%0A%F0%9F%91%8B&name=other";
        let (visitor, said) = parse(Some(query)).expect("valid");
        assert_eq!((&*visitor.room, &*visitor.name), ("café", "Ada L."));
        assert_eq!(text(said).as_deref(), Ok("<b>\n👋"));
        assert_eq!(
            visitor.member(Transport::Tcp),
            "{\"name\":\"Ada L.\",\"via\":\"tcp\"}"
        );
    }

    #[test]
    fn what_is_refused_is_told_why() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(parse(None), Err(Invalid::Missing("room")));
        assert_eq!(reason("room=r"), "name is missing");
        assert_eq!(reason("room=&name=n"), "room is blank");
        assert_eq!(reason("room=a/b&name=n"), "room may not have '/'");
        assert_eq!(reason("room=r&name=a%0Ab"), "name may not have '\\n'");
        assert_eq!(reason("room=r&name=n"), "text is missing");
        assert_eq!(reason("room=r&name=n&text=+%0A"), "text is blank");
        assert_eq!(reason("room=r&name=n&text=%00"), "text may not have '\\0'");
        assert_eq!(
            reason(&format!("room=r&name={}&text=t", "n".repeat(33))),
            "name is longer than 32 characters"
        );
        assert_eq!(
            reason(&format!("room=r&name=n&text={long}e")),
            "text is longer than 500 characters"
        );
        assert_eq!(
            reason(&format!("room=r&name=n&text={long}")),
            format!("{long:?}")
        );
    }
}
