//! What is known about a client.

/// A client under test.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) runtime: Runtime,
    /// The name of its driver's file, without the ending.
    pub(crate) driver: &'static str,
    pub(crate) kind: Kind,
    /// The cases in which it does not see what it should.
    pub(crate) exceptions: &'static [Exception],
}

/// What runs a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    Node,
    Python,
    Chromium,
}

/// What a client does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It reads events and reconnects. Its user may hear of that.
    EventSource { reports: bool },
    /// It reads the events of one response, and throws this error if that is incomplete.
    Reader(&'static str),
    /// It reads the lines of one response, likewise.
    Lines(&'static str),
    /// It reads the events of an API, and sends `POST` requests.
    Api {
        /// The shape of the events.
        shape: &'static str,
        /// The error that it throws if the response is incomplete.
        incomplete: &'static str,
        /// The error that it throws for an event that says that the server has failed.
        failed: &'static str,
    },
}

/// A case in which a client does not see what it should.
#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) cases: &'static [&'static str],
    /// Why, for those who read the table.
    pub(crate) reason: &'static str,
    /// What it sees.
    pub(crate) sees: &'static [&'static str],
}

impl Client {
    /// Returns what is listed for a case.
    pub(crate) fn exception(&self, case: &str) -> Option<&Exception> {
        let mut exceptions = self.exceptions.iter();
        exceptions.find(|known| known.cases.contains(&case))
    }
}
