//! How many system calls a delivery takes, counted by strace.

use sse_bench_process::strace::{self, Calls};
use sse_bench_report::{Part, Table};

use crate::Result;
use crate::field::{Field, deliver};

const SUBSCRIBERS: u64 = 100;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    if !strace::is_there() {
        part.paragraph("System calls were not counted: there is no strace.");
        return Ok(());
    }
    let count = field.at_most(SUBSCRIBERS, 10);
    let mut table = Table::new(
        format!("System calls per delivery, {count} subscribers"),
        [
            "server",
            "one at a time: writes",
            "all calls",
            "bursts of ten: writes",
            "all calls",
        ],
    );
    for server in field.servers().to_vec() {
        let (mut process, mut subscribers) = field.start_with(server, count)?;
        let mut cells = vec![server.name().to_owned()];
        for burst in [1, 10] {
            let times = field.at_most(100, 5);
            let id = process.id();
            let Calls { writes, all } = strace::count(id, || {
                for _ in 0..times {
                    deliver(&mut process, &mut subscribers, burst)?;
                }
                Ok(())
            })?;
            cells.push(per(writes, times * burst * count));
            cells.push(per(all, times * burst * count));
        }
        table.row(cells);
    }
    part.table(&table);
    Ok(())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of calls are far below 2^52"
)]
fn per(calls: u64, deliveries: u64) -> String {
    format!("{:.3}", calls as f64 / deliveries as f64)
}
