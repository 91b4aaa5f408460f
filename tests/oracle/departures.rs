//! Where Chromium departs from the standard, and we do not.
//!
//! Each is written down as what Chromium does, so that it is noticed when it no longer does.

use crate::Event;

/// One stream that Chromium reads in another way than the standard.
pub(crate) struct Departure {
    /// The name of the case in the corpus.
    pub(crate) case: &'static str,
    /// What the standard says.
    pub(crate) standard: &'static str,
    /// What Chromium does instead, and what we do.
    pub(crate) decision: &'static str,
    /// What Chromium dispatches, with the event of the next connection.
    pub(crate) theirs: &'static [(&'static str, &'static str, &'static str)],
}

const BOM: &str = "HTML § 9.2.5: stream = [ bom ] *event; § 9.2.6: \"The UTF-8 decode algorithm \
                   strips one leading UTF-8 Byte Order Mark (BOM), if any.\"";
const DECISION: &str = "Chromium takes the line end right after the byte order mark for the first \
                        character of the line after it, which then has no known field. We read it \
                        as the blank line that it is.";

pub(crate) const DEPARTURES: &[Departure] = &[
    Departure {
        case: "a BOM before a blank line",
        standard: BOM,
        decision: DECISION,
        theirs: &[("message", "y", ""), ("message", "again", "")],
    },
    Departure {
        case: "a BOM before a blank line of CR",
        standard: BOM,
        decision: DECISION,
        theirs: &[("message", "y", ""), ("message", "again", "")],
    },
];

impl Departure {
    /// Chromium's events.
    pub(crate) fn theirs(&self) -> Vec<Event> {
        self.theirs
            .iter()
            .map(|(event, data, id)| Event {
                event: (*event).to_owned(),
                data: (*data).to_owned(),
                id: (*id).to_owned(),
            })
            .collect()
    }
}
