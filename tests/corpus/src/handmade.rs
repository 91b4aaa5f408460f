//! Handwritten streams, at least one for every rule of HTML § 9.2.5 and § 9.2.6.
//!
//! A page cannot see the reconnection time, so the streams set it below a second: a browser that
//! ignores a valid `retry`, or accepts an invalid one, reconnects too late for the test.

use crate::Case;

/// Returns the streams.
pub(crate) fn cases() -> Vec<Case> {
    CASES
        .iter()
        .map(|(name, pieces)| Case {
            name: (*name).to_owned(),
            pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
        })
        .chain([long_line(), long_event(), many_events(), byte_by_byte()])
        .collect()
}

#[rustfmt::skip]
const CASES: &[(&str, &[&[u8]])] = &[
    // The byte order mark: one, and only at the very start.
    ("a BOM at the start is removed", &[b"\xef\xbb\xbfdata: x\n\n"]),
    ("a BOM cut into bytes is removed", &[b"\xef", b"\xbb", b"\xbf", b"data: x\n\n"]),
    ("a BOM cut after its first byte", &[b"\xef", b"\xbb\xbfdata: x\n\n"]),
    ("a BOM cut after its second byte", &[b"\xef\xbb", b"\xbfdata: x\n\n"]),
    ("of two BOMs the second stays", &[b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n"]),
    ("a BOM in a later line stays", &[b"data: x\n\n\xef\xbb\xbfdata: y\n\ndata: z\n\n"]),
    ("a BOM in a value stays", &[b"data: \xef\xbb\xbfx\n\n"]),
    ("a BOM before a blank line", &[b"\xef\xbb\xbf\ndata: x\n\ndata: y\n\n"]),
    ("a BOM before a blank line of CR", &[b"\xef\xbb\xbf\rdata: x\n\ndata: y\n\n"]),
    ("a BOM before a blank line of CRLF", &[b"\xef\xbb\xbf\r\ndata: x\n\ndata: y\n\n"]),
    ("a BOM before a comment", &[b"\xef\xbb\xbf: c\ndata: x\n\n"]),
    ("a BOM after a blank line stays", &[b"\n\xef\xbb\xbfdata: x\n\ndata: y\n\n"]),
    ("the beginning of a BOM alone", &[b"\xef\xbbdata: x\n\ndata: y\n\n"]),
    ("a stream that is a BOM", &[b"\xef\xbb\xbf"]),
    ("a UTF-16 BOM is no BOM", &[b"\xff\xfedata: x\n\ndata: y\n\n"]),
    // Line ends.
    ("LF", &[b"data: a\ndata: b\n\ndata: c\n\n"]),
    ("CR", &[b"data: a\rdata: b\r\rdata: c\r\r"]),
    ("CRLF", &[b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"]),
    ("LF and CR mixed", &[b"data: a\n\rdata: b\r\ndata: c\n\n"]),
    ("CR then CRLF is two line ends", &[b"data: a\r\r\ndata: b\r\n\r\n"]),
    ("LF then CRLF is two line ends", &[b"data: a\n\r\ndata: b\n\r\n"]),
    ("CRLF then LF is two line ends", &[b"data: a\r\n\ndata: b\r\n\n"]),
    ("CRLF then CR is two line ends", &[b"data: a\r\n\rdata: b\r\n\r"]),
    ("LF CR is two line ends", &[b"data: a\n\rdata: b\n\r"]),
    ("CRLF cut in the middle", &[b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n"]),
    ("the blank line's CRLF cut", &[b"data: a\r\n\r", b"\ndata: b\r\n\r\n"]),
    ("an event ended by CR at a cut and more data", &[b"data: a\r\r", b"data: b\r\r"]),
    ("an event ended by CR at a cut and an LF", &[b"data: a\r\r", b"\ndata: b\n\n"]),
    ("an LF alone after a cut CR and another LF", &[b"data: a\r", b"\n", b"\n", b"data: b\n\n"]),
    ("an empty piece between CR and LF", &[b"data: a\r", b"", b"\n\n"]),
    ("blank lines only", &[b"\n\n\r\r\r\n\r\n"]),
    ("many blank lines between events", &[b"data: a\n\n\n\n\n\ndata: b\n\n"]),
    ("a blank line first", &[b"\ndata: a\n\n"]),
    ("VT, FF, NEL, LS and PS end no line", &[b"data: a\x0bb\x0cc\xc2\x85d\xe2\x80\xa8e\xe2\x80\xa9f\n\n"]),
    // Fields and their values.
    ("no space after the colon", &[b"data:x\n\n"]),
    ("one space after the colon", &[b"data: x\n\n"]),
    ("of two spaces one stays", &[b"data:  x\n\n"]),
    ("a tab after the colon stays", &[b"data:\tx\n\n"]),
    ("a no-break space after the colon stays", &[b"data:\xc2\xa0x\n\n"]),
    ("spaces at the end stay", &[b"data: x  \n\n"]),
    ("a value of one space", &[b"data:  \n\n"]),
    ("a value that is the removed space", &[b"data: \n\n"]),
    ("a colon in the value", &[b"data: a:b: c\n\n"]),
    ("a value that begins with a colon", &[b"data::x\n\n"]),
    ("a space before the colon makes another field", &[b"data : x\ndata: y\n\n"]),
    ("a space before the name makes another field", &[b" data: x\ndata: y\n\n"]),
    ("a tab before the name makes another field", &[b"\tdata: x\ndata: y\n\n"]),
    ("a cut in the name", &[b"da", b"ta: x\n\n"]),
    ("a cut before the colon", &[b"data", b": x\n\n"]),
    ("a cut between the colon and the space", &[b"data:", b" x\n\n"]),
    ("a cut after the space", &[b"data: ", b" x\n\n"]),
    ("a cut in the value", &[b"data: x", b"y\n\n"]),
    ("a cut before the line end", &[b"data: x", b"\n\n"]),
    ("a cut before the blank line", &[b"data: x\n", b"\n"]),
    // Data.
    ("data without a colon is an empty line", &[b"data\n\n"]),
    ("data with nothing after the colon is an empty line", &[b"data:\n\n"]),
    ("data twice without a colon", &[b"data\ndata\n\n"]),
    ("the example of the standard: empty data and two empty lines", &[b"data\n\ndata\ndata\n\ndata:\n"]),
    ("the example of the standard: the space is not needed", &[b"data:test\n\ndata: test\n\n"]),
    ("the example of the standard: stock ticker", &[b"data: YHOO\ndata: +2\ndata: 10\n\n"]),
    ("the example of the standard: ids", &[b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"]),
    ("data lines are joined with LF", &[b"data: a\ndata: b\ndata: c\n\n"]),
    ("empty lines in the middle of data", &[b"data: a\ndata:\ndata: b\n\n"]),
    ("empty lines at the end of data", &[b"data: a\ndata:\ndata:\n\n"]),
    ("an empty line at the start of data", &[b"data:\ndata: a\n\n"]),
    ("data lines apart", &[b"data: a\nevent: e\ndata: b\nid: 1\n: c\ndata: d\n\n"]),
    ("data lines in pieces", &[b"data: a\n", b"data: b\n", b"\n"]),
    ("NUL in data", &[b"data: a\x00b\n\n"]),
    ("control characters in data", &[b"data: \x01\x02\x1b[31m\x7f\n\n"]),
    ("JSON in data", &[b"data: {\"a\":[1,2,{\"b\":\"c: d\"}]}\n\n"]),
    // The event's name.
    ("a named event", &[b"event: e\ndata: x\n\n"]),
    ("the name after the data", &[b"data: x\nevent: e\n\n"]),
    ("of several names the last counts", &[b"event: e\nevent: f\ndata: x\n\n"]),
    ("an empty name is message", &[b"event:\ndata: x\n\n"]),
    ("an empty name takes back the one before", &[b"event: e\nevent\ndata: x\n\n"]),
    ("the name message", &[b"event: message\ndata: x\n\n"]),
    ("the name is forgotten after its event", &[b"event: e\ndata: x\n\ndata: y\n\n"]),
    ("the name is forgotten without data", &[b"event: e\n\ndata: y\n\n"]),
    ("the name open", &[b"event: open\ndata: x\n\n"]),
    ("the name error", &[b"event: error\ndata: x\n\n"]),
    ("spaces in a name", &[b"event:  two words \ndata: x\n\n"]),
    ("Unicode in a name", &[b"event: \xc3\xa9t\xc3\xa9\xf0\x9f\xa6\x80\ndata: x\n\n"]),
    ("a NUL in a name", &[b"event: a\x00b\ndata: x\n\n"]),
    ("a colon in a name", &[b"event: a:b\ndata: x\n\n"]),
    ("invalid UTF-8 in a name", &[b"event: a\xffb\ndata: x\n\n"]),
    ("names are case-sensitive", &[b"event: E\ndata: x\n\nevent: e\ndata: y\n\n"]),
    // Nothing to dispatch.
    ("a name without data", &[b"event: e\n\n"]),
    ("an id without data", &[b"id: 7\n\n"]),
    ("an id without data lasts", &[b"id: 7\n\ndata: x\n\n"]),
    ("comments only", &[b": a\n: b\n\n:\n\n"]),
    ("an empty stream", &[b""]),
    // The id.
    ("an id", &[b"id: 1\ndata: x\n\n"]),
    ("an id lasts", &[b"id: 1\ndata: x\n\ndata: y\n\nevent: e\ndata: z\n\n"]),
    ("a later id takes over", &[b"id: 1\ndata: x\n\nid: 2\ndata: y\n\n"]),
    ("of several ids the last counts", &[b"id: 1\nid: 2\ndata: x\n\n"]),
    ("an empty id resets", &[b"id: 1\ndata: x\n\nid:\ndata: y\n\n"]),
    ("an id without a colon resets", &[b"id: 1\ndata: x\n\nid\ndata: y\n\n"]),
    ("an id of one space resets", &[b"id: 1\ndata: x\n\nid: \ndata: y\n\n"]),
    ("an id with a NUL is ignored", &[b"id: 1\ndata: x\n\nid: 2\x003\ndata: y\n\n"]),
    ("an id that is a NUL is ignored", &[b"id: 1\ndata: x\n\nid: \x00\ndata: y\n\n"]),
    ("an id with a NUL after a good one in one event", &[b"id: 1\nid: 2\x00\ndata: x\n\n"]),
    ("spaces in an id", &[b"id:  a b \ndata: x\n\n"]),
    ("Unicode in an id", &[b"id: \xc3\xb8-42-\xe2\x82\xac\ndata: x\n\n"]),
    ("invalid UTF-8 in an id", &[b"id: a\xff\ndata: x\n\n"]),
    ("an id in an event that the stream cuts off", &[b"id: 1\ndata: x\n\nid: 2\ndata: y\n"]),
    ("an id in a line that the stream cuts off", &[b"id: 1\ndata: x\n\nid: 2"]),
    ("an empty id at last", &[b"id: 1\ndata: x\n\nid:\n\n"]),
    ("an id cut in the middle", &[b"id: 12", b"34\ndata: x\n\n"]),
    // The reconnection time.
    ("a retry", &[b"retry: 40\ndata: x\n\n"]),
    ("a retry alone", &[b"retry: 40\n\ndata: x\n\n"]),
    ("a retry that is no number is ignored", &[b"retry: 40\nretry: soon\ndata: x\n\n"]),
    ("a retry with a fraction is ignored", &[b"retry: 40\nretry: 1.5\ndata: x\n\n"]),
    ("a retry with a sign is ignored", &[b"retry: 40\nretry: +10000000\nretry: -5\ndata: x\n\n"]),
    ("a retry with a unit is ignored", &[b"retry: 40\nretry: 10000000ms\ndata: x\n\n"]),
    ("a retry with a space is ignored", &[b"retry: 40\nretry:  10000000\nretry: 10000000 \ndata: x\n\n"]),
    ("a retry of other digits is ignored", &[b"retry: 40\nretry: \xd9\xa1\xd9\xa2\xd9\xa1\xd9\xa2\xd9\xa1\xd9\xa2\xd9\xa1\ndata: x\n\n"]),
    ("a retry with zeros in front", &[b"retry: 00000000000000000000000040\ndata: x\n\n"]),
    ("a retry in hexadecimal is ignored", &[b"retry: 40\nretry: 0xFFFFFF\ndata: x\n\n"]),
    // Unknown fields and comments.
    ("unknown fields are ignored", &[b"foo: 1\ndata: x\nbar\n: c\nbaz:\n\n"]),
    ("field names are case-sensitive", &[b"Data: x\nDATA: y\nEvent: e\nID: 1\ndata: z\n\n"]),
    ("prefixes of names are other fields", &[b"dat: x\nd: y\ni: 1\neven: e\ndata: z\n\n"]),
    ("longer names are other fields", &[b"datax: x\nids: 1\nevents: e\ndata: z\n\n"]),
    ("a line that is a value without a field", &[b"just text\ndata: x\n\n"]),
    ("a comment in the middle of an event", &[b"data: a\n: comment\ndata: b\n\n"]),
    ("a comment without a space", &[b":comment\ndata: x\n\n"]),
    ("a comment that looks like a field", &[b":data: x\n: data: y\ndata: z\n\n"]),
    ("an empty comment", &[b":\ndata: x\n\n"]),
    ("a comment with invalid UTF-8", &[b": \xff\xc3\ndata: x\n\n"]),
    ("a keep-alive between events", &[b"data: x\n\n: keep-alive\n\ndata: y\n\n"]),
    ("a full-width colon is no colon", &[b"data\xef\xbc\x9a x\ndata: y\n\n"]),
    ("a NUL in a field's name", &[b"da\x00ta: x\ndata: y\n\n"]),
    ("invalid UTF-8 in a field's name", &[b"data\xff: x\n\xffdata: y\ndata: z\n\n"]),
    // The end of the stream.
    ("an event that the stream cuts off", &[b"data: x\n\ndata: y"]),
    ("an event without its blank line", &[b"data: x\n\ndata: y\n"]),
    ("an event whose blank line is a CR at the end", &[b"data: x\r\n\r"]),
    ("an event whose line end is a CR at the end", &[b"data: x\n\ndata: y\r"]),
    ("a stream that ends in the middle of a name", &[b"data: x\n\ndat"]),
    ("a stream that ends in the middle of a character", &[b"data: x\n\ndata: \xe2\x82"]),
    // UTF-8: maximal subparts, as the Encoding Standard replaces them.
    ("a byte that never occurs", &[b"data: a\xffb\n\n"]),
    ("two bytes that never occur", &[b"data: a\xfe\xffb\n\n"]),
    ("a continuation byte alone", &[b"data: a\x80b\n\n"]),
    ("continuation bytes alone", &[b"data: a\x80\x81\x82\x83b\n\n"]),
    ("a lead byte before ASCII", &[b"data: a\xc3b\n\n"]),
    ("a lead byte before a line end", &[b"data: a\xc3\n\n"]),
    ("a lead byte before CR", &[b"data: a\xe2\x82\r\n\r\n"]),
    ("two of three bytes", &[b"data: a\xe2\x82b\n\n"]),
    ("three of four bytes", &[b"data: a\xf0\x9f\xa6b\n\n"]),
    ("two of four bytes", &[b"data: a\xf0\x9fb\n\n"]),
    ("an overlong slash", &[b"data: a\xc0\xafb\n\n"]),
    ("an overlong slash of three bytes", &[b"data: a\xe0\x80\xafb\n\n"]),
    ("an overlong slash of four bytes", &[b"data: a\xf0\x80\x80\xafb\n\n"]),
    ("an overlong line end", &[b"data: a\xc0\x8ab\n\n"]),
    ("a surrogate", &[b"data: a\xed\xa0\x80b\n\n"]),
    ("a pair of surrogates", &[b"data: a\xed\xa0\xbd\xed\xb8\x80b\n\n"]),
    ("beyond Unicode", &[b"data: a\xf4\x90\x80\x80b\n\n"]),
    ("five bytes", &[b"data: a\xf8\x88\x80\x80\x80b\n\n"]),
    ("a broken character before a whole one", &[b"data: \xf0\x9f\xf0\x9f\xa6\x80\n\n"]),
    ("the highest character", &[b"data: \xf4\x8f\xbf\xbf\n\n"]),
    ("noncharacters", &[b"data: \xef\xbf\xbe\xef\xbf\xbf\n\n"]),
    ("a replacement character as itself", &[b"data: \xef\xbf\xbd\n\n"]),
    ("a character of two bytes cut", &[b"data: \xc3", b"\xa9\n\n"]),
    ("a character of three bytes cut", &[b"data: \xe2", b"\x82", b"\xac\n\n"]),
    ("a character of four bytes cut", &[b"data: \xf0\x9f", b"\xa6\x80\n\n"]),
    ("a broken character cut", &[b"data: \xf0\x9f", b"\xa6x\n\n"]),
    ("a broken character cut before a line end", &[b"data: \xe2\x82", b"\n\n"]),
    ("a broken character in the first data line", &[b"data: \xe2\x82\ndata: \xac\n\n"]),
    ("Latin-1", &[b"data: caf\xe9 cr\xe8me\n\n"]),
    ("many scripts", &["data: Ελληνικά עברית 日本語 한국어 ไทย 🦀👩‍👩‍👧‍👦\n\n".as_bytes()]),
];

fn long_line() -> Case {
    Case {
        name: "a line of 300,000 bytes".into(),
        pieces: vec![
            b"data: ".to_vec(),
            b"long ".repeat(60_000),
            b"\n\n".to_vec(),
        ],
    }
}

fn long_event() -> Case {
    Case {
        name: "an event of 2,000 lines".into(),
        pieces: vec![b"data: line\n".repeat(1_999), b"data: end\n\n".to_vec()],
    }
}

fn many_events() -> Case {
    let events = (0..1_000).map(|id| format!("id: {id}\ndata: event {id}\n\n"));
    Case {
        name: "a thousand events".into(),
        pieces: events
            .map(String::into_bytes)
            .collect::<Vec<_>>()
            .chunks(100)
            .map(<[_]>::concat)
            .collect(),
    }
}

fn byte_by_byte() -> Case {
    let stream =
        "\u{feff}: c\r\nevent: é\r\nid: 1\r\ndata: a\r\ndata: 🦀\r\n\r\ndata: b\r\r".as_bytes();
    Case {
        name: "byte by byte".into(),
        pieces: stream.chunks(1).map(<[u8]>::to_vec).collect(),
    }
}
