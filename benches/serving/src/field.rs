//! The servers that take part, where they run, and how often.

use std::io;

use sse_bench_process::Arguments;
use sse_bench_report::{Marks, Samples, Table};

use crate::client::Client;
use crate::process::Process;
use crate::servers::Server;

#[derive(Debug)]
pub(crate) struct Field {
    servers: Vec<Server>,
    /// The servers', if it is not the load generator's too.
    core: Option<usize>,
    quick: bool,
    rounds: Option<usize>,
    client: Client,
    marks: Marks,
}

impl Field {
    pub(crate) fn new<R: Copy + AsRef<str>>(
        arguments: &Arguments<Server, R>,
        core: Option<usize>,
    ) -> Self {
        Self {
            servers: arguments.servers().to_vec(),
            core,
            quick: arguments.quick(),
            rounds: arguments.rounds(),
            client: Client::new(),
            marks: Marks::default(),
        }
    }

    /// How the servers run, in a few sentences.
    pub(crate) fn description(&self) -> String {
        let pinned = match self.core {
            Some(_) => "on one core, with the load generator on another",
            None => "on the same core as the load generator, for there is no other",
        };
        let brevity = if self.quick {
            "\n\n**This is a quick run: it shows that everything works, and measures nothing.**"
        } else {
            ""
        };
        format!(
            "Each server is a process of its own {pinned}; all have one worker thread, \
             `TCP_NODELAY`, and keep-alive on. Costs are the CPU time that the kernel charges to \
             the server, user and system mode. The floor is a hand-written TCP server that copies \
             each event, formatted beforehand, into a write buffer of 64 KiB; “60 KiB” has one of \
             that size, and “blocks” does not even copy, but writes the same 60 KiB again and \
             again. “frames” are events encoded beforehand, as the floor’s are. “sse-hyper in \
             axum” differs from “axum” in the event stream alone.{brevity}"
        )
    }

    /// `usual`, or less if this is a quick run.
    pub(crate) fn at_most(&self, usual: u64, quick: u64) -> u64 {
        if self.quick { usual.min(quick) } else { usual }
    }

    /// The numbers of `usual` rounds, of which the first does not count.
    pub(crate) fn rounds(&self, usual: usize) -> std::ops::RangeInclusive<usize> {
        0..=if self.quick {
            1
        } else {
            self.rounds.unwrap_or(usual).max(1)
        }
    }

    /// Starts all of `servers`.
    pub(crate) fn start(&self, servers: &[Server]) -> io::Result<Vec<Process>> {
        let servers = servers.iter();
        servers.map(|server| self.start_one(*server)).collect()
    }

    pub(crate) fn start_one(&self, server: Server) -> io::Result<Process> {
        Process::start(server, self.core)
    }

    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The servers without those that differ from another one in their bursts alone.
    pub(crate) fn different_servers(&self) -> Vec<Server> {
        let mut servers = self.servers.clone();
        servers.retain(|server| !server.differs_in_bursts_alone());
        servers
    }

    pub(crate) const fn marks(&mut self) -> &mut Marks {
        &mut self.marks
    }

    /// The load generator.
    pub(crate) const fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// A table of several columns of costs: one row for each server, as multiples of `baseline`.
    pub(crate) fn ratio_table(
        &self,
        title: &str,
        baseline: Server,
        columns: &[(String, &Samples)],
    ) -> Table {
        let baseline = Some(baseline)
            .filter(|baseline| self.servers.contains(baseline))
            .unwrap_or(self.servers[0]);
        let heads = columns.iter().map(|(head, _)| head.clone());
        let title = format!("{title}, as multiples of “{}”", baseline.name());
        let mut table = Table::new(title, std::iter::once("server".to_owned()).chain(heads));
        for server in &self.servers {
            let cells = columns.iter().map(|(_, samples)| {
                let ratios = samples.cost(server.name(), baseline.name());
                ratios.map_or_else(String::new, |ratios| ratios.to_string())
            });
            let cells: Vec<_> = cells.collect();
            if cells.iter().all(String::is_empty) {
                continue;
            }
            table.row(std::iter::once(server.name().to_owned()).chain(cells));
        }
        table
    }
}
