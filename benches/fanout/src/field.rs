//! The servers that take part, where they run, and how often.

use std::io;

use sse_bench_process::Arguments;
use sse_bench_report::{Marks, Samples, Table};

use crate::nginx;
use crate::process::Process;
use crate::servers::Server;
use crate::subscribers::Subscribers;

#[derive(Debug)]
pub(crate) struct Field {
    /// Those of any run.
    all: Vec<Server>,
    /// Those of the runs that do not name theirs.
    servers: Vec<Server>,
    subscribers: Vec<u64>,
    /// The servers', if it is not the load generator's too.
    core: Option<usize>,
    quick: bool,
    rounds: Option<usize>,
    marks: Marks,
    /// Why a server does not take part.
    missing: Option<&'static str>,
}

impl Field {
    pub(crate) fn new<R: Copy + AsRef<str>>(
        arguments: &Arguments<Server, R>,
        subscribers: &[u64],
        core: Option<usize>,
    ) -> Self {
        let mut servers = arguments.servers().to_vec();
        let mut missing = None;
        if servers.contains(&Server::Nchan)
            && let Err(why) = nginx::find()
        {
            eprintln!("nchan does not take part: {why}");
            missing = Some(why);
            servers.retain(|server| *server != Server::Nchan);
        }
        let all = servers.clone();
        servers.retain(|server| !Server::SPECIAL.contains(server));
        Self {
            all,
            servers,
            subscribers: subscribers.to_vec(),
            core,
            quick: arguments.quick(),
            rounds: arguments.rounds(),
            marks: Marks::default(),
            missing,
        }
    }

    /// How the servers run, in a few sentences.
    pub(crate) fn description(&self) -> String {
        let pinned = match self.core {
            Some(_) => "on one core, with the load generator on another",
            None => "on the same core as the load generator, for there is no other",
        };
        let missing = self.missing.map_or_else(String::new, |why| {
            format!("\n\n**nchan does not take part: {why}.**")
        });
        let brevity = if self.quick {
            "\n\n**This is a quick run: it shows that everything works, and measures nothing.**"
        } else {
            ""
        };
        format!(
            "Events of 200 bytes, published once and sent to all subscribers. Each server is a \
             process of its own {pinned}; all have one worker, `TCP_NODELAY`, and keep-alive on. \
             Costs are the CPU time that the kernel charges to the server, user and system mode, \
             for each event that a subscriber gets; the publishing is in it. Every subscriber \
             checks the number and the bytes of each event, and the load generator waits until \
             all have what was published before it goes on. “hub” is our hub with its defaults, \
             on each adapter. “axum” has `tokio::sync::broadcast` as its documentation shows it, \
             “actix-web-lab” a channel for each client, “nchan” is nginx. The floor is a \
             hand-written loop of one `write` for each subscriber, of bytes formatted beforehand, \
             without HTTP’s chunks and without ids; a burst is one write. “floor, tasks” does the \
             same from a task for each subscriber, which is woken for it: less than that no server \
             of tasks can cost. The order to publish is \
             a datagram with the number of events, for nchan the requests that publish them, on \
             one connection and in one write.{missing}{brevity}"
        )
    }

    /// The numbers of subscribers: `usual`, those that were asked for, or few in a quick run.
    pub(crate) fn subscribers(&self, usual: &[u64]) -> Vec<u64> {
        match (self.quick, &self.subscribers[..]) {
            (true, _) => vec![1, 20],
            (_, []) => usual.into(),
            (_, asked) => asked.into(),
        }
    }

    /// `usual`, or less if this is a quick run.
    pub(crate) fn at_most(&self, usual: u64, quick: u64) -> u64 {
        if self.quick { usual.min(quick) } else { usual }
    }

    /// `usual` rounds, or one if this is a quick run.
    pub(crate) fn rounds(&self, usual: usize) -> usize {
        if self.quick {
            1
        } else {
            self.rounds.unwrap_or(usual).max(1)
        }
    }

    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Those of `some` that take part.
    pub(crate) fn those_of(&self, some: &[Server]) -> Vec<Server> {
        let servers = self.all.iter().copied();
        servers.filter(|server| some.contains(server)).collect()
    }

    pub(crate) fn start(&self, server: Server) -> io::Result<Process> {
        Process::start(server, self.core)
    }

    /// Starts a server and subscribes so many, who all have got something before.
    pub(crate) fn start_with(
        &self,
        server: Server,
        count: u64,
    ) -> io::Result<(Process, Subscribers)> {
        let mut process = self.start(server)?;
        let mut subscribers = Subscribers::of(&process);
        subscribers.add(&process, count)?;
        deliver(&mut process, &mut subscribers, 1)?;
        Ok((process, subscribers))
    }

    pub(crate) const fn marks(&mut self) -> &mut Marks {
        &mut self.marks
    }

    /// The servers of which there are samples.
    fn measured(&self, columns: &[(String, &Samples)]) -> impl Iterator<Item = Server> {
        let all = self.all.iter().copied();
        all.filter(|server| {
            let mut columns = columns.iter();
            columns.any(|(_, samples)| samples.median(server.name()).is_some())
        })
    }

    /// A table of several columns: one row for each server, as multiples of axum's.
    pub(crate) fn ratio_table(
        &self,
        title: &str,
        columns: &[(String, &Samples)],
        ratio: impl Fn(&Samples, &str, &str) -> Option<sse_bench_report::Ratios>,
    ) -> Table {
        let baseline = if self.servers.contains(&Server::Axum) {
            Server::Axum
        } else {
            self.servers[0]
        };
        let heads = columns.iter().map(|(head, _)| head.clone());
        let title = format!("{title}, as multiples of “{}”", baseline.name());
        let mut table = Table::new(title, std::iter::once("server".to_owned()).chain(heads));
        for server in self.measured(columns) {
            let cells = columns.iter().map(|(_, samples)| {
                let ratios = ratio(samples, server.name(), baseline.name());
                ratios.map_or_else(String::new, |ratios| ratios.to_string())
            });
            table.row(std::iter::once(server.name().to_owned()).chain(cells));
        }
        table
    }

    /// A table of medians, for orientation: one row for each server.
    pub(crate) fn median_table(
        &self,
        title: &str,
        columns: &[(String, &Samples)],
        digits: usize,
    ) -> Table {
        let heads = columns.iter().map(|(head, _)| head.as_str());
        let mut table = Table::new(title, std::iter::once("server").chain(heads));
        for server in self.measured(columns) {
            let cells = columns.iter().map(|(_, samples)| {
                let median = samples.median(server.name());
                median.map_or_else(String::new, |median| format!("{median:.digits$}"))
            });
            table.row(std::iter::once(server.name().to_owned()).chain(cells));
        }
        table
    }
}

/// Publishes so many events at once, and waits until all subscribers have them.
pub(crate) fn deliver(
    process: &mut Process,
    subscribers: &mut Subscribers,
    count: u64,
) -> io::Result<()> {
    let number = process.publish(count)?;
    subscribers.wait_for(number)?;
    process.take_answers()
}
