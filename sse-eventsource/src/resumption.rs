//! The `Last-Event-ID` header of an attempt, and ids with which no stream can be resumed.

use http::{HeaderValue, StatusCode};

use crate::error::ErrorKind;

/// Which id the next attempt sends.
#[derive(Debug, Default)]
pub(crate) struct Resumption {
    /// The id that no header can contain, or that the server has refused. It is not sent again.
    refused: Option<String>,
    /// Whether the current attempt has sent an id.
    is_sent: bool,
}

impl Resumption {
    /// Returns the header for an attempt, if there is an id and it was not refused.
    ///
    /// # Errors
    ///
    /// If no header can contain this id. From then on there is no header for it.
    pub(crate) fn header(&mut self, last_event_id: &str) -> Result<Option<HeaderValue>, ()> {
        let is_refused = self.refused.as_deref() == Some(last_event_id);
        self.is_sent = !last_event_id.is_empty() && !is_refused;
        if !self.is_sent {
            return Ok(None);
        }
        // HTML § 9.2.3: encoded as UTF-8.
        match HeaderValue::from_bytes(last_event_id.as_bytes()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                self.refuse(last_event_id);
                Err(())
            }
        }
    }

    /// Returns whether the attempt may have failed because of the id that it has sent.
    pub(crate) fn may_be_refused(&self, error: &ErrorKind) -> bool {
        const STATUSES: [StatusCode; 7] = [
            StatusCode::BAD_REQUEST,
            StatusCode::GONE,
            StatusCode::PRECONDITION_FAILED,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::RANGE_NOT_SATISFIABLE,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ];
        self.is_sent
            && matches!(error, ErrorKind::Status(rejected) if STATUSES.contains(&rejected.status()))
    }

    /// Sends this id no more.
    pub(crate) fn refuse(&mut self, last_event_id: &str) {
        self.refused = Some(last_event_id.to_owned());
        self.is_sent = false;
    }
}
