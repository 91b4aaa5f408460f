//! The cost of a node with many topics for the engine: per message, no more than with few topics, if
//! the engine finds the subscribers of a message by name.

use sse_bench_report::{Part, Samples, Table};
use tokio::runtime::Runtime;

use crate::subject::Subject;
use crate::throughput::{Load, through_hub};
use crate::{Arguments, Result};

const FEW: usize = 10;
const MANY: usize = 10_000;

pub(crate) fn measure(runtime: &Runtime, arguments: &Arguments, part: &mut Part) -> Result {
    let events = if arguments.quick { 20_000 } else { 200_000 };
    let many = if arguments.quick { MANY / 10 } else { MANY };
    let mut table = Table::new(
        format!("The server's processor time for events in {FEW} topics"),
        [
            String::new(),
            format!("for a node subscribed to {many}, of one subscribed to {FEW}"),
        ],
    );
    for engine in [Subject::Redis, Subject::Nats, Subject::SpaciousNats] {
        let mut samples = Samples::new();
        for _ in 0..arguments.rounds {
            for (name, topics) in [("few", FEW), ("many", many)] {
                let load = Load {
                    events,
                    topics,
                    used: FEW,
                };
                let (_, processor_times) = runtime.block_on(through_hub(engine, load))?;
                let [_, server] = processor_times.ok_or("the server's time is not known")?;
                samples.record(name, server.as_secs_f64());
            }
        }
        let ratios = samples.cost("many", "few").ok_or("nothing was measured")?;
        table.row([engine.name().to_owned(), ratios.to_string()]);
    }
    table.note(
        "A message finds its subscriptions by its subject, in NATS as in Redis. The rest in \
         NATS is the garbage collector, which scans the memory of the subscriptions; with a larger \
         heap it does so less often.",
    );
    part.table(&table);
    Ok(())
}
