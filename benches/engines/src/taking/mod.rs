//! Taking a sample, in this process.

mod latency;
mod opening;
mod publishing;
mod replay;
mod requests;

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::result::Result;
use crate::sample::{Kind, Sample};

/// How long a sample may take before it fails.
const LIMIT: Duration = Duration::from_secs(120);

/// Takes a sample, and prints its figures, one a line: a name, a space and a number.
pub(crate) fn take(sample: &Sample) -> Result {
    let taken = Runtime::new()?.block_on(async {
        let taking = async {
            match sample.kind {
                Kind::Publishing => publishing::take(sample).await,
                Kind::Latency => latency::take(sample).await,
                Kind::Replay => replay::take(sample).await,
                Kind::Opening => opening::take(sample).await,
                Kind::Requests => requests::take(sample).await,
            }
        };
        let in_time = timeout(LIMIT, taking).await;
        in_time.map_err(|_| "the sample took too long")?
    });
    for (figure, value) in taken? {
        println!("{figure} {value}");
    }
    Ok(())
}
