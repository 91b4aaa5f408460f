//! Events of one topic, written with ids that resume all topics of a subscription.

use bytes::Bytes;

use crate::id;
use crate::position::Position;

/// When a piece has this many bytes of events, no more are added.
pub(crate) const ENOUGH: usize = 16 * 1024;

/// An `id` line and a blank one, which set the client's last event ID and dispatch nothing
/// (HTML § 9.2.6).
pub(crate) fn id_block(places: impl IntoIterator<Item = (u32, Position)>) -> Bytes {
    let mut block = b"id: ".to_vec();
    id::put(&mut block, &mut Vec::new(), places);
    block.extend_from_slice(b"\n\n");
    block.into()
}

pub(crate) struct Writer {
    /// What the id says of each topic.
    places: Vec<(u32, Position)>,
    index: usize,
    out: Vec<u8>,
    scratch: Vec<u8>,
}

impl Writer {
    /// A writer of so many events of so many bytes, of the topic whose place is the one at
    /// `index`.
    pub(crate) fn new(
        places: Vec<(u32, Position)>,
        index: usize,
        events: usize,
        bytes: usize,
    ) -> Self {
        let id = id::usual_len(places.len());
        Self {
            out: Vec::with_capacity(bytes + events * (b"id: \n".len() + id)),
            scratch: Vec::with_capacity(id),
            places,
            index,
        }
    }

    /// Writes an event.
    pub(crate) fn put(&mut self, position: Position, event: &[u8]) {
        if let Some(place) = self.places.get_mut(self.index) {
            place.1 = position;
        }
        self.out.extend_from_slice(b"id: ");
        id::put(
            &mut self.out,
            &mut self.scratch,
            self.places.iter().copied(),
        );
        self.out.push(b'\n');
        self.out.extend_from_slice(event);
    }

    pub(crate) fn finish(self) -> Bytes {
        self.out.into()
    }
}
