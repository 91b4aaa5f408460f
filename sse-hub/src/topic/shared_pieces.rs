//! The pieces of a topic's log that were compressed once for all readers.

use std::collections::VecDeque;
use std::sync::Arc;

use sse_session::gzip::SharedPiece;

use crate::position::Position;

/// How many pieces are kept: that of the readers that are up to date, and those of groups that lag in the same way.
const MAX_PIECES: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct SharedPieces(VecDeque<Kept>);

#[derive(Debug)]
struct Kept {
    from: Position,
    to: Position,
    piece: Arc<SharedPiece>,
}

impl SharedPieces {
    /// Returns the piece between two positions, which is made if it is not there.
    pub(crate) fn get(
        &mut self,
        from: Position,
        to: Position,
        make: impl FnOnce() -> SharedPiece,
    ) -> Arc<SharedPiece> {
        let mut kept = self.0.iter().rev();
        if let Some(kept) = kept.find(|it| (it.from, it.to) == (from, to)) {
            return Arc::clone(&kept.piece);
        }
        let piece = Arc::new(make());
        if self.0.len() == MAX_PIECES {
            self.0.pop_front();
        }
        self.0.push_back(Kept {
            from,
            to,
            piece: Arc::clone(&piece),
        });
        piece
    }

    /// Forgets the pieces with events up to a position, which are not kept anymore.
    pub(crate) fn forget_up_to(&mut self, floor: Position) {
        self.0.retain(|kept| kept.from >= floor);
    }

    /// Forgets all pieces.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
