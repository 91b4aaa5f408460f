//! The events: deltas of a language model, each with 200 bytes of data.

use bytes::Bytes;

/// The length of the data of an event.
const LEN: usize = 200;

/// The number of events after which they repeat.
pub(crate) const COUNT: usize = 1000;

/// Returns the data of the event with this index.
pub(crate) fn data(index: usize) -> String {
    let start = format!(
        r#"{{"id":"chatcmpl-{:04}","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{"content":""#,
        index % COUNT
    );
    let end = r#""},"finish_reason":null}]}"#;
    let room = LEN - start.len() - end.len();
    let text: String = "stream of words, some of them short "
        .chars()
        .cycle()
        .take(room)
        .collect();
    start + &text + end
}

/// Returns each event as it is sent.
pub(crate) fn encoded() -> Vec<Bytes> {
    let encode = |index| Bytes::from(format!("data: {}\n\n", data(index)));
    (0..COUNT).map(encode).collect()
}
