//! What a soak has found.

use std::fmt;

use super::{Plan, Resources};
use crate::figures::{grouped, mib};
use crate::messages::ClientsState;

/// How many bytes more than at the start may be allocated on a node when all clients are gone: what tables
/// have grown to, and how full the last segments of the topics are.
const HEAP_LEFT: u64 = 2 * 1024 * 1024;

/// How many pieces more. A topic that has had subscribers has some tables more.
const PIECES_LEFT: u64 = 1_000;

/// What a soak has found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was soaked.
    pub plan: Plan,
    /// What the clients have counted.
    pub clients: ClientsState,
    /// How many clients have received the last event of all their topics.
    pub complete: u64,
    /// What the servers held before the first client, with all topics as full as they may be.
    pub start: Resources,
    /// The most that they held.
    pub peak: Resources,
    /// What they held after the last client, with all topics as full.
    pub end: Resources,
    /// How many handlers were started.
    pub handlers: u64,
    /// How many of them were left when all clients were gone.
    pub handlers_left: u64,
    /// How many panics there were.
    pub panics: u64,
    /// How many events could not be published.
    pub unpublished: u64,
    complaints: Vec<String>,
}

impl Outcome {
    pub(super) fn new(plan: Plan, start: Resources) -> Self {
        Self {
            plan,
            clients: ClientsState::default(),
            complete: 0,
            start,
            peak: start,
            end: start,
            handlers: 0,
            handlers_left: 0,
            panics: 0,
            unpublished: 0,
            complaints: Vec::new(),
        }
    }

    pub(super) fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    /// Returns what is wrong. Nothing is, if it is empty.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let Self {
            plan,
            clients,
            start,
            end,
            ..
        } = self;
        let all = plan.clients as u64;
        let mut complaints = self.complaints.clone();
        let none = [
            ("events are missing without a gap", clients.silent),
            ("events came twice", clients.doubled),
            ("other faults of streams", clients.faults),
            ("handlers are left", self.handlers_left),
            ("panics", self.panics),
            ("events could not be published", self.unpublished),
        ];
        complaints.extend(
            none.iter()
                .filter(|(_, count)| *count > 0)
                .map(|(what, count)| format!("{what}: {count}")),
        );
        let mut expect = |is_so: bool, otherwise: String| {
            if !is_so {
                complaints.push(otherwise);
            }
        };
        let complete = self.complete;
        // Otherwise it has not shown anything.
        expect(
            // An engine keeps more than a client may miss in a short time.
            clients.has_all_kinds(plan.subject.engine.is_none()),
            format!("not everything has happened: {clients:?}"),
        );
        expect(
            complete == all,
            format!("{complete} of {all} clients have all"),
        );
        // A client that was away or stalled has a gap in few of its topics, of which it has two on average.
        let most = (clients.resumed + clients.stalled) / 2;
        expect(
            clients.gaps <= most,
            format!("{} gaps, of at most {most}", clients.gaps),
        );
        let opened = clients.fresh + clients.resumed;
        expect(
            self.handlers >= opened,
            format!("{} handlers for {opened} responses", self.handlers),
        );
        expect(
            end.descriptors == start.descriptors,
            format!(
                "{} descriptors at the end, {} at the start",
                end.descriptors, start.descriptors
            ),
        );
        let nodes = plan.subject.nodes() as u64;
        for (what, start, end, most) in [
            ("bytes", start.heap, end.heap, HEAP_LEFT),
            ("pieces", start.pieces, end.pieces, PIECES_LEFT),
        ] {
            let (left, most) = (end.saturating_sub(start), most * nodes);
            expect(
                left <= most,
                format!("{left} {what} of heap are left, of at most {most}"),
            );
        }
        complaints.extend(clients.examples.iter().cloned());
        complaints
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, .. } = self;
        writeln!(
            f,
            "{} streams, {} of them resumed; {} closed, {} reset, {} connections reset, {} aborted, \
             {} refused, {} stalled",
            grouped(clients.fresh + clients.resumed),
            grouped(clients.resumed),
            grouped(clients.closed),
            grouped(clients.reset),
            grouped(clients.connections_reset),
            grouped(clients.aborted),
            grouped(clients.refused),
            grouped(clients.stalled),
        )?;
        writeln!(
            f,
            "{} events, {} snapshots, {} gaps with {} events; {} silent, {} doubled",
            grouped(clients.events),
            grouped(clients.snapshots),
            grouped(clients.gaps),
            grouped(clients.missed),
            clients.silent,
            clients.doubled,
        )?;
        writeln!(
            f,
            "{} handlers, {} left; {} panics",
            grouped(self.handlers),
            self.handlers_left,
            self.panics,
        )?;
        for (name, it) in [
            ("start", self.start),
            ("peak", self.peak),
            ("end", self.end),
        ] {
            writeln!(
                f,
                "{name:<5} {:>6} descriptors, {:>7} MiB of heap in {:>9} pieces, {:>7} MiB resident",
                grouped(it.descriptors as u64),
                mib(it.heap),
                grouped(it.pieces),
                mib(it.resident),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::allocator::Allocator;
    use crate::subject::SUBJECTS;

    /// A run in which nothing was wrong.
    fn outcome() -> Outcome {
        let plan = Plan {
            subject: SUBJECTS[0],
            clients: 100,
            time: Duration::ZERO,
            pace: 1,
            allocator: Allocator::System,
            seed: 0,
        };
        let clients = ClientsState {
            fresh: 100,
            resumed: 900,
            closed: 500,
            reset: 400,
            aborted: 10,
            stalled: 100,
            events: 100_000,
            gaps: 60,
            ..ClientsState::default()
        };
        Outcome {
            clients,
            complete: 100,
            handlers: 1_000,
            ..Outcome::new(plan, Resources::default())
        }
    }

    #[test]
    fn a_run_in_which_all_becomes_gaps_is_wrong() {
        assert_eq!(outcome().complaints(), [""; 0]);
        let mut all_gaps = outcome();
        all_gaps.clients.gaps = 501;
        assert_eq!(all_gaps.complaints(), ["501 gaps, of at most 500"]);
        let mut none = outcome();
        none.clients.gaps = 0;
        assert_eq!(none.complaints().len(), 1);
    }
}
