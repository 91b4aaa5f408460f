//! What is measured, and the part of the report.

mod check;
mod counted;
mod timed;

use sse_bench_process::{Result, kernel};
use sse_bench_report::{Machine, Marks, Part};

use crate::arguments::Arguments;
use crate::limits::LIMITS;
use crate::server::Server;

const DESCRIPTION: &str = "\
A client runs on one thread, on a runtime of its own, with everything that it spawns; the server, \
which is hyper for all, runs on another thread and sends events with 200 bytes of data. *Burst*: in \
chunks of 16 KiB, as fast as the client reads. *Chunks*: as fast, in a chunk for each event, as \
frameworks send them. *One at a time*: the next event is sent when the last one was read, which the \
client says by a datagram; its cost is in all figures alike. Each client has taken an event before \
the measurement begins. Over HTTP/2 there is no TLS, which eventsource-client does not offer. \
“reqwest + sse-codec” is the decoder of this project over the HTTP client of the peers. A peer that \
only decodes neither reconnects nor notices a silent connection.";

/// Runs what the arguments ask for.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let machine = Machine::here();
    let server = Server::start()?;
    // The server's thread is there already, and runs on any core.
    kernel::share_cores()?;
    check::check(server)?;
    if arguments.quick {
        return Ok(());
    }
    let mut part = Part::new("client", "Client", &machine);
    part.paragraph(DESCRIPTION);
    let mut marks = Marks::default();
    timed::measure(arguments, server, &mut part, &mut marks)?;
    part.print_news();
    counted::measure(arguments, server, &mut part, &mut marks)?;
    if let Some(marks) = marks.table() {
        part.table(&marks);
        part.paragraph(LIMITS);
    }
    part.print_news();
    if let Some(folder) = &arguments.output {
        part.write_to(folder)?;
    }
    Ok(())
}
