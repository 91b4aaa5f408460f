//! The standard's algorithm as it is written, on a whole stream at once: slow, without limits, and
//! simple enough to compare with HTML § 9.2.6 by eye.

/// An item of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A dispatched event.
    Event {
        /// Its name.
        event: String,
        /// Its data.
        data: String,
        /// The last event ID when it is dispatched.
        last_event_id: String,
    },
    /// A reconnection time in milliseconds.
    Retry(u64),
    /// A comment line.
    Comment(String),
}

/// Returns the items of a stream that ends after `bytes`, and its last event ID.
///
/// # Panics
///
/// Never: the algorithm ends each line of data with LF.
#[must_use]
pub fn interpret(bytes: &[u8]) -> (Vec<Item>, String) {
    // § 9.2.5: "streams must be decoded using the UTF-8 decode algorithm", which takes away one
    // byte order mark.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let stream = String::from_utf8_lossy(bytes);

    let mut items = Vec::new();
    let (mut data, mut event_type, mut id_buffer) = (String::new(), String::new(), String::new());
    let mut last_event_id = String::new();

    for line in lines(&stream) {
        if line.is_empty() {
            last_event_id.clone_from(&id_buffer);
            if data.is_empty() {
                event_type.clear();
                continue;
            }
            assert_eq!(data.pop(), Some('\n'));
            items.push(Item::Event {
                event: if event_type.is_empty() {
                    "message".to_owned()
                } else {
                    event_type.clone()
                },
                data: data.clone(),
                last_event_id: last_event_id.clone(),
            });
            data.clear();
            event_type.clear();
        } else if let Some(comment) = line.strip_prefix(':') {
            items.push(Item::Comment(
                comment.strip_prefix(' ').unwrap_or(comment).to_owned(),
            ));
        } else {
            let (field, value) = match line.split_once(':') {
                Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
                None => (line, ""),
            };
            match field {
                "event" => value.clone_into(&mut event_type),
                "data" => {
                    data.push_str(value);
                    data.push('\n');
                }
                "id" if !value.contains('\0') => value.clone_into(&mut id_buffer),
                "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                    items.push(Item::Retry(value.parse().unwrap_or(u64::MAX)));
                }
                _ => {}
            }
        }
    }
    (items, last_event_id)
}

/// Returns the lines that have an end. What follows the last line end is discarded.
fn lines(stream: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = stream;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        rest = &rest[end..];
        rest = rest.strip_prefix("\r\n").unwrap_or_else(|| &rest[1..]);
    }
    lines
}
