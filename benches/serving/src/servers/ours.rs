//! The handler that our three adapters have in common.

use sse_hyper::{SendError, Sse, SseOptions};

use crate::ticks::Ticks;
use crate::workload::{Burst, GREETING, Workload, live_text};

/// The options for a workload: the defaults but for the keep-alive interval.
pub(super) fn options(workload: Workload) -> SseOptions {
    SseOptions::new().keep_alive(workload.keep_alive())
}

pub(super) async fn send(workload: Workload, mut ticks: Ticks, sse: Sse) -> Result<(), SendError> {
    match workload {
        Workload::Burst { size, count } => {
            ticks.next().await;
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
