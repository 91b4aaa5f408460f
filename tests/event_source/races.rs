//! Reconnection times without a clock: streams that end at the same moment, one of which, the
//! control, has set a certain time. Who is back before it waits for less.

/// The place of the control.
pub(crate) const CONTROL: usize = 0;

/// How many streams a race has: a browser keeps six connections to a server.
const STREAMS: usize = 6;

/// A time between what is called soon and the default of three seconds.
const BELOW_THE_DEFAULT: &str = "retry: 1500\n\n";

/// A time between the default and what is called late.
const ABOVE_THE_DEFAULT: &str = "retry: 5000\n\n";

/// What streams say, of which it is to be told whether it means "soon".
const SOON: &[&str] = &[
    "data: nothing\n\n",
    "retry: 50\n\n",
    // Without the end of the block: a field is processed with its line.
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

/// What streams say, of which it is to be told whether it means "late".
const LATE: &[&str] = &[
    "data: nothing\n\n",
    "retry: 60000\n\n",
    "retry: 60000\nretry:\n\n",
    "Retry: 60000\n\n",
];

/// Streams that end together.
#[derive(Clone, Debug)]
pub(crate) struct Race(Vec<&'static str>);

impl Race {
    /// What each stream says, the control first.
    pub(crate) fn streams(&self) -> &[&'static str] {
        &self.0
    }

    /// The question that one stream answers.
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
