//! The validation of requests to the chat: every value has a limit, and an invalid one is rejected
//! with a reason.

use std::error::Error;
use std::fmt;

use serde::Serialize;
use serde_json::json;

use crate::arguments::Transport;
use crate::connections;

/// The maximum length of the name of a room or a visitor, in characters.
const MAX_NAME: usize = 32;

/// The maximum length of a message, in characters.
const MAX_TEXT: usize = 500;

/// A visitor of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Visitor {
    #[serde(skip)]
    pub(crate) room: String,
    pub(crate) name: String,
}

impl Visitor {
    /// Returns the visitor as the member of the hub's presence: a JSON object, which the pages read.
    pub(crate) fn member(&self, via: Transport) -> String {
        json!({ "name": self.name, "via": via }).to_string()
    }
}

/// The position of a message among those that one page has sent to the room. With it, other pages
/// check that none is missing, and a repeated message is recognized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PagePosition {
    page: String,
    number: u64,
    /// The number of the last message before it that the page knows to have been sent.
    after: u64,
}

impl PagePosition {
    /// Returns a key that is unique within the room.
    pub(crate) fn key(&self) -> String {
        format!("{}-{}", self.page, self.number)
    }
}

/// The query of a request to the chat.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) visitor: Visitor,
    pub(crate) position: Option<PagePosition>,
}

/// Returns the text of a message. It may have several lines, and is never treated as markup.
pub(crate) fn text(data: &str) -> Result<String, Invalid> {
    checked("text", Some(data), MAX_TEXT, |c| {
        !c.is_control() || matches!(c, '\n' | '\r' | '\t')
    })
}

/// Why a request to the chat is invalid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    Missing(&'static str),
    Blank(&'static str),
    TooLong {
        what: &'static str,
        limit: usize,
    },
    /// It contains a character that is not allowed.
    Character {
        what: &'static str,
        found: char,
    },
    Malformed(&'static str),
    TooManyRooms {
        limit: usize,
    },
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Blank(what) => write!(f, "{what} is blank"),
            Self::TooLong { what, limit } => {
                write!(f, "{what} is longer than {limit} characters")
            }
            Self::Character { what, found } => write!(f, "{what} may not contain {found:?}"),
            Self::Malformed(what) => write!(f, "{what} is malformed"),
            Self::TooManyRooms { limit } => write!(f, "there are {limit} rooms already"),
        }
    }
}

impl Error for Invalid {}

/// Parses `room=R&name=N`, with `page=KEY&number=N&after=M` for the [`PagePosition`] of a message.
pub(crate) fn parse(query: Option<&str>) -> Result<Query, Invalid> {
    let (mut room, mut name) = (None, None);
    let (mut page, mut number, mut after) = (None, None, None);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let slot = match &*key {
            "room" => &mut room,
            "name" => &mut name,
            "page" => &mut page,
            "number" => &mut number,
            "after" => &mut after,
            _ => continue,
        };
        slot.get_or_insert(value);
    }
    let room = checked("room", room.as_deref(), MAX_NAME, |c| {
        c.is_alphanumeric() || c == '-' || c == '_'
    })?;
    let name = checked("name", name.as_deref(), MAX_NAME, |c| !c.is_control())?;
    let position = match (page, number, after) {
        (Some(page), Some(number), Some(after)) => Some(PagePosition {
            page: connections::checked_key(&page)
                .ok_or(Invalid::Malformed("page"))?
                .to_owned(),
            number: count("number", &number)?,
            after: count("after", &after)?,
        }),
        _ => None,
    };
    Ok(Query {
        visitor: Visitor { room, name },
        position,
    })
}

fn count(what: &'static str, value: &str) -> Result<u64, Invalid> {
    value.parse().map_err(|_| Invalid::Malformed(what))
}

fn checked(
    what: &'static str,
    value: Option<&str>,
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
        let parsed = parse(Some(query));
        parsed.map_or_else(|invalid| invalid.to_string(), |query| format!("{query:?}"))
    }

    fn reason_of(data: &str) -> String {
        let text = text(data);
        text.map_or_else(|invalid| invalid.to_string(), |text| format!("{text:?}"))
    }

    #[test]
    fn queries_are_decoded() {
        let query = "x=1&room=caf%C3%A9&name=Ada+L.&name=other";
        let query = parse(Some(query)).expect("valid");
        let Visitor { room, name } = &query.visitor;
        assert_eq!((&**room, &**name), ("café", "Ada L."));
        assert_eq!(query.position, None);
        assert_eq!(
            query.visitor.member(Transport::Tcp),
            "{\"name\":\"Ada L.\",\"via\":\"tcp\"}"
        );
        let numbered = parse(Some("room=r&name=n&page=a-1&number=7&after=5"));
        let position = numbered.expect("valid").position.expect("a position");
        assert_eq!((&*position.key(), position.after), ("a-1-7", 5));
    }

    #[test]
    fn an_invalid_query_is_rejected_with_a_reason() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(parse(None).err(), Some(Invalid::Missing("room")));
        assert_eq!(reason("room=r"), "name is missing");
        assert_eq!(reason("room=&name=n"), "room is blank");
        assert_eq!(reason("room=a/b&name=n"), "room may not contain '/'");
        assert_eq!(reason("room=r&name=a%0Ab"), "name may not contain '\\n'");
        assert_eq!(
            reason("room=r&name=n&page=%0A&number=1&after=0"),
            "page is malformed"
        );
        assert_eq!(
            reason("room=r&name=n&page=p&number=-1&after=0"),
            "number is malformed"
        );
        assert_eq!(
            reason(&format!("room=r&name={}", "n".repeat(33))),
            "name is longer than 32 characters"
        );
        assert_eq!(reason_of(" \n"), "text is blank");
        assert_eq!(reason_of("\0"), "text may not contain '\\0'");
        assert_eq!(
            reason_of(&format!("{long}e")),
            "text is longer than 500 characters"
        );
        assert_eq!(reason_of(&long), format!("{long:?}"));
        assert_eq!(reason_of("<b>\n👋"), "\"<b>\\n👋\"");
    }
}
