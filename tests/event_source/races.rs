//! Reconnection times without a clock: streams that end at the same moment, one of which, the
//! control, has set a known time. A stream that is requested again before the control has a shorter
//! time.

/// The index of the control.
pub(crate) const CONTROL: usize = 0;

/// The number of streams of a race: a browser keeps six connections to a server.
const STREAMS: usize = 6;

/// A time between `SOON` and the default of three seconds.
const BELOW_THE_DEFAULT: &str = "retry: 1500\n\n";

/// A time between the default and `LATE`.
const ABOVE_THE_DEFAULT: &str = "retry: 5000\n\n";

/// Streams that may set a reconnection time below the default.
const SOON: &[&str] = &[
    "data: nothing\n\n",
    "retry: 50\n\n",
    // Without a blank line: the field is processed at the end of its line.
    "retry: 50\n",
    "retry:50\n\n",
    "retry: 0\n\n",
    "retry: 60000\n\n",
    "retry: 60000\nretry: 50\n\n",
    "retry: 50\nretry\n\n",
    "retry: 50\nretry:\n\n",
    "retry: 50\nretry: \n\n",
    "retry: 50\nretry: 60000x\n\n",
    "retry: 50\nretry: +60000\n\n",
    "retry: 50\nretry:  60000\n\n",
    "retry: 50\nretry: 60000 \n\n",
    "retry: 50\nretry: 60000.0\n\n",
    "retry: 50\nretry: 0060000\n\n",
    "retry: 50\nretry: 99999999999\n\n",
    "retry: 50\nretry: 18446744073709551615\n\n",
    "retry: 50\nretry: 18446744073709551616\n\n",
    "retry: 60000\nretry: -1\n\n",
    "retry: 60000\nretry: 50ms\n\n",
    "Retry: 50\n\n",
];

/// Streams that may set a reconnection time above the default.
const LATE: &[&str] = &[
    "data: nothing\n\n",
    "retry: 60000\n\n",
    "retry: 60000\nretry:\n\n",
    "Retry: 60000\n\n",
];

/// Streams that end together, by their bodies.
#[derive(Clone, Debug)]
pub(crate) struct Race(Vec<&'static str>);

impl Race {
    /// Returns the body of each stream, the control first.
    pub(crate) fn streams(&self) -> &[&'static str] {
        &self.0
    }

    /// Returns the question that one stream answers.
    pub(crate) fn question(&self, stream: usize) -> String {
        format!("{:?} before {:?}", self.0[stream], self.0[CONTROL])
    }
}

/// All races.
pub(crate) fn races() -> Vec<Race> {
    let race = |control: &'static str, others: &[&'static str]| {
        Race([control].iter().chain(others).copied().collect())
    };
    let soon = SOON.chunks(STREAMS - 1);
    soon.map(|streams| race(BELOW_THE_DEFAULT, streams))
        .chain([race(ABOVE_THE_DEFAULT, LATE)])
        .collect()
}
