/// The most topics of one stream.
const MAX_TOPICS: usize = 8;

/// Returns the topics that a query such as `room=blue&room=red` asks for, each with a prefix of its
/// kind; `None`, to be answered with 404, if one of them is not `granted`, which is asked with the
/// names alone: whether the room exists, and whether this user may read it.
pub(crate) fn topics(query: &str, granted: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let mut topics = Vec::new();
    for room in query.split('&').filter_map(|part| part.strip_prefix("room=")) {
        if topics.len() == MAX_TOPICS || !is_name(room) || !granted(room) {
            return None;
        }
        topics.push(format!("room:{room}"));
    }
    (!topics.is_empty()).then_some(topics)
}

/// Names need no decoding, so that no two spellings are one topic.
fn is_name(room: &str) -> bool {
    let may_be_in = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&room.len()) && room.bytes().all(may_be_in)
}
