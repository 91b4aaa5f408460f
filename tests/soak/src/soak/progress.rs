//! How a soak is, as a line.

use std::fmt;
use std::time::Duration;

use super::{Plan, Resources};
use crate::figures::{grouped, mib, time};
use crate::messages::ClientsState;

/// How a soak is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    pub(super) plan: &'a Plan,
    pub(super) passed: Duration,
    pub(super) clients: &'a ClientsState,
    pub(super) handlers: u64,
    pub(super) resources: Resources,
}

impl fmt::Display for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            plan,
            clients,
            resources,
            ..
        } = self;
        write!(
            f,
            "{} {}/{}  {} streams ({} handlers), {} opened, {} events, {} gaps, {} silent, \
             {} doubled; {} MiB, {} descriptors",
            plan.subject.name,
            time(self.passed),
            time(plan.time),
            grouped(clients.open),
            grouped(self.handlers),
            grouped(clients.fresh + clients.resumed),
            grouped(clients.events),
            grouped(clients.gaps),
            clients.silent,
            clients.doubled,
            mib(resources.resident),
            grouped(resources.descriptors as u64),
        )
    }
}
