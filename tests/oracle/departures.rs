//! The streams that Chromium reads in another way than the standard.
//!
//! Each entry states the events that Chromium dispatches, so that the test fails when that changes.

use crate::event::Event;

/// A stream that Chromium reads in another way than the standard.
pub(crate) struct Departure {
    /// The name of the case in the corpus.
    pub(crate) case: &'static str,
    /// The text of the standard.
    pub(crate) standard: &'static str,
    /// What Chromium does instead, and what the decoder does.
    pub(crate) decision: &'static str,
    /// The events that Chromium dispatches, with the event of the next connection.
    pub(crate) chromium: &'static [(&'static str, &'static str, &'static str)],
}

const BOM: &str = "HTML § 9.2.5: stream = [ bom ] *event; § 9.2.6: \"The UTF-8 decode algorithm \
                   strips one leading UTF-8 Byte Order Mark (BOM), if any.\"";
const DECISION: &str = "Chromium reads the line end right after the byte order mark as the first \
                        character of the following line, which then has no known field. The \
                        decoder reads it as a blank line.";

pub(crate) const DEPARTURES: &[Departure] = &[
    Departure {
        case: "a BOM before a blank line",
        standard: BOM,
        decision: DECISION,
        chromium: &[("message", "y", ""), ("message", "again", "")],
    },
    Departure {
        case: "a BOM before a blank line of CR",
        standard: BOM,
        decision: DECISION,
        chromium: &[("message", "y", ""), ("message", "again", "")],
    },
];

impl Departure {
    /// Returns the events that Chromium dispatches.
    pub(crate) fn chromium_events(&self) -> Vec<Event> {
        self.chromium
            .iter()
            .map(|(event, data, id)| Event {
                event: (*event).to_owned(),
                data: (*data).to_owned(),
                id: (*id).to_owned(),
            })
            .collect()
    }
}
