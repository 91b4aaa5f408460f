//! Events of one topic, with ids that resume all topics of a subscription.

use bytes::Bytes;

use crate::id::{self, IdPosition, Ids, Salt};
use crate::position::Position;

/// When a piece has this many bytes of events, no more are added.
pub(crate) const TARGET_LEN: usize = 16 * 1024;

/// Encodes a block of the lines of an event and an id.
pub(crate) fn with_id(
    lines: &[u8],
    ids: &Ids,
    salt: Salt,
    positions: impl IntoIterator<Item = (u32, IdPosition)>,
) -> Bytes {
    let mut block = lines.to_vec();
    block.extend_from_slice(b"id: ");
    ids.put(&mut block, &mut Vec::new(), salt, positions);
    block.extend_from_slice(b"\n\n");
    block.into()
}

/// Encodes events of the topic whose position in the ids is the one at `index` of `positions`. Of each
/// event, these are its lines, without the blank line.
pub(crate) fn encode(
    ids: &Ids,
    salt: Salt,
    mut positions: Vec<(u32, IdPosition)>,
    index: usize,
    events: &[(Position, Bytes)],
) -> Bytes {
    let id_len = id::usual_len(positions.len());
    let mut scratch = Vec::with_capacity(id_len);
    encode_with(events, id_len, |out, position| {
        if let Some((_, current)) = positions.get_mut(index) {
            *current = IdPosition::At(position);
        }
        ids.put(out, &mut scratch, salt, positions.iter().copied());
    })
}

/// Encodes events of the only topic of a subscription, with the ids that the topic's log has.
pub(crate) fn encode_single(ids: &Ids, tag: u32, events: &[(Position, Bytes)]) -> Bytes {
    encode_with(events, id::EVENT_LEN, |out, position| {
        ids.put_event(out, tag, position);
    })
}

fn encode_with(
    events: &[(Position, Bytes)],
    id_len: usize,
    mut put_id: impl FnMut(&mut Vec<u8>, Position),
) -> Bytes {
    if events.is_empty() {
        return Bytes::new();
    }
    let bytes: usize = events.iter().map(|(_, lines)| lines.len()).sum();
    let mut out = Vec::with_capacity(bytes + events.len() * (b"id: \n\n".len() + id_len));
    for (position, lines) in events {
        out.extend_from_slice(lines);
        out.extend_from_slice(b"id: ");
        put_id(&mut out, *position);
        out.extend_from_slice(b"\n\n");
    }
    out.into()
}
