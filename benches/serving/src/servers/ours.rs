//! The handler that our three adapters have in common.

use sse_hyper::{SendError, Sse, SseOptions};

use crate::ticks::Ticks;
use crate::workload::{Burst, GREETING, Workload, live_text};

/// The options for a workload: the defaults but for the keep-alive interval.
pub(super) fn options(workload: Workload) -> SseOptions {
    SseOptions::new().keep_alive(workload.keep_alive())
}

/// How the events of a burst are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bursts {
    /// By `send`, one event after the other.
    Send,
    /// By `send_all`, all of them.
    SendAll,
}

pub(super) async fn send(
    workload: Workload,
    bursts: Bursts,
    mut ticks: Ticks,
    sse: Sse,
) -> Result<(), SendError> {
    match workload {
        Workload::Burst { size, count } => {
            ticks.next().await;
            if bursts == Bursts::SendAll {
                return Ok(sse.send_all(Burst::new(size, count)).await?);
            }
            for text in Burst::new(size, count) {
                sse.send(text).await?;
            }
            Ok(())
        }
        Workload::Live => loop {
            let tick = ticks.next().await;
            sse.send(live_text(tick)).await?;
        },
        Workload::Idle { .. } => std::future::pending().await,
        Workload::One => {
            sse.send(GREETING).await?;
            std::future::pending().await
        }
        Workload::Brief => sse.send(GREETING).await,
    }
}
