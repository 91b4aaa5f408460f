//! Events of one topic, with ids that resume all topics of a subscription.

use bytes::Bytes;

use crate::id;
use crate::position::Position;

/// When a piece has this many bytes of events, no more are added.
pub(crate) const TARGET_LEN: usize = 16 * 1024;

/// Encodes a block of the lines of an event and an id.
pub(crate) fn with_id(lines: &[u8], positions: impl IntoIterator<Item = (u32, Position)>) -> Bytes {
    let mut block = lines.to_vec();
    block.extend_from_slice(b"id: ");
    id::put(&mut block, &mut Vec::new(), positions);
    block.extend_from_slice(b"\n\n");
    block.into()
}

/// Encodes events of the topic whose position in the ids is the one at `index` of `positions`. Of each
/// event, these are its lines, without the blank line.
pub(crate) fn encode(
    mut positions: Vec<(u32, Position)>,
    index: usize,
    events: &[(Position, Bytes)],
) -> Bytes {
    if events.is_empty() {
        return Bytes::new();
    }
    let bytes: usize = events.iter().map(|(_, lines)| lines.len()).sum();
    let id_len = id::usual_len(positions.len());
    let mut out = Vec::with_capacity(bytes + events.len() * (b"id: \n\n".len() + id_len));
    let mut scratch = Vec::with_capacity(id_len);
    for (position, lines) in events {
        if let Some((_, current)) = positions.get_mut(index) {
            *current = *position;
        }
        out.extend_from_slice(lines);
        out.extend_from_slice(b"id: ");
        id::put(&mut out, &mut scratch, positions.iter().copied());
        out.extend_from_slice(b"\n\n");
    }
    out.into()
}
