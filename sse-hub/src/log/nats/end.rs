//! The end of the stream, after which a topic without entries will have all of them.

use std::time::Duration;

use tokio::time::Instant;

use crate::log::EngineError;
use crate::log::nats::entry_id::EntryId;
use crate::log::nats::get::Wanted;
use crate::log::nats::link::{End, Known, Link, lock};

/// How old the known end of the stream may be.
const END_AGE: Duration = Duration::from_secs(1);

impl Link {
    /// Returns the end of the stream as it was about a second ago at most; `None` if it is another stream. Of many
    /// callers, one requests it.
    pub(super) async fn end(&self, known: Known) -> Result<Option<EntryId>, EngineError> {
        let is_of_session = {
            let mut end = lock(&self.end);
            let is_of_session = end.session == known.session;
            if is_of_session {
                if end.asked_at.elapsed() < END_AGE {
                    return Ok(Some(end.id));
                }
                // The others take what was known before.
                end.asked_at = Instant::now();
            }
            is_of_session
        };
        let mut turn = None;
        if !is_of_session {
            // The others wait.
            turn = Some(self.end_turn.lock().await);
            let end = lock(&self.end);
            if end.session == known.session {
                return Ok(Some(end.id));
            }
        }
        let Some(id) = self.request_end(known).await? else {
            return Ok(None);
        };
        let mut end = lock(&self.end);
        if end.session != known.session || end.id.number() < id.number() {
            *end = End {
                session: known.session,
                id,
                asked_at: Instant::now(),
            };
        }
        drop(end);
        drop(turn);
        Ok(Some(id))
    }

    /// Requests the last entry of the stream, of any topic: by its stamp, it is known whether the stream was set back
    /// since. If that is not kept, its number alone is known.
    async fn request_end(&self, known: Known) -> Result<Option<EntryId>, EngineError> {
        let info = self.info(None).await?;
        let Some(info) = info.filter(|info| info.epoch == known.epoch) else {
            return Ok(None);
        };
        let wanted = Wanted::Number(info.last);
        let last = self.get(known, &self.subjects.all_logs(), wanted).await?;
        let last = last.map_or(EntryId::unstamped(info.last), |last| last.id);
        Ok(Some(last.as_end()))
    }
}
