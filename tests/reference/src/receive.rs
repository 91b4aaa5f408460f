//! A receiver that accepts only what the encoder may write. It rejects what a client would ignore,
//! so that the encoder cannot write such lines unnoticed.

/// The fields of one event as they were received.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The comment, its lines joined with LF.
    pub comment: Option<String>,
    /// The reconnection time in milliseconds.
    pub retry: Option<u64>,
    /// The name.
    pub event: Option<String>,
    /// The id.
    pub id: Option<String>,
    /// The data, its lines joined with LF.
    pub data: Option<String>,
}

/// Reads one encoded event, or none if `bytes` is empty.
///
/// # Panics
///
/// If the encoder must not write these bytes.
#[must_use]
pub fn receive(bytes: &[u8]) -> Received {
    let text = std::str::from_utf8(bytes).expect("a stream is UTF-8");
    assert!(!text.contains('\r'), "only LF ends a line");
    let mut received = Received::default();
    if text.is_empty() {
        return received;
    }
    let whole = text.strip_suffix('\n').expect("the last line has an end");
    let lines = whole.strip_suffix('\n').unwrap_or(whole);
    let mut order = Vec::new();
    for line in lines.split('\n') {
        let (name, value) = line
            .split_once(':')
            .expect("every line has a field, none is blank");
        let value = value.strip_prefix(' ').expect("a space follows the colon");
        let append = |field: &mut Option<String>| match field {
            Some(text) => {
                text.push('\n');
                text.push_str(value);
            }
            None => *field = Some(value.to_owned()),
        };
        match name {
            "" => append(&mut received.comment),
            "data" => append(&mut received.data),
            "retry" => assert!(
                received
                    .retry
                    .replace(value.parse().expect("digits"))
                    .is_none()
            ),
            "event" => assert!(received.event.replace(value.to_owned()).is_none()),
            "id" => assert!(received.id.replace(value.to_owned()).is_none()),
            other => panic!("unknown field {other:?}"),
        }
        order.push(
            ["", "retry", "event", "data", "id"]
                .iter()
                .position(|field| *field == name),
        );
    }
    assert!(order.is_sorted(), "the fields are in wire order");
    let needs_blank_line = order.iter().any(|field| *field > Some(1));
    let has_blank_line = lines.len() < whole.len();
    assert_eq!(
        has_blank_line, needs_blank_line,
        "all but comments and `retry` alone end with a blank line"
    );
    received
}

/// Returns `text` as it is received, with every line break as LF.
#[must_use]
pub fn as_received(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
