//! When a client that was refused may come back.

use std::ops::RangeInclusive;

use http::StatusCode;

/// After how many seconds: drawn from these, so that not all come back in the same moment.
const RANGE: RangeInclusive<u64> = 3..=10;

/// Returns after how many seconds the same request may succeed, if it may.
pub(crate) fn secs(status: StatusCode) -> Option<u64> {
    (status == StatusCode::SERVICE_UNAVAILABLE).then(|| fastrand::u64(RANGE))
}
