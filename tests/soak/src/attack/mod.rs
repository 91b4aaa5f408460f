//! Attacks on the servers of this project, in a process of their own.

mod expected;
mod frames;
mod front;
mod http1;
mod http2;

use std::future::Future;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

pub(crate) use self::expected::Expected;
use self::front::Front;

/// The time between two lines about the attack.
const INTERVAL: Duration = Duration::from_millis(250);

/// The pause before an attacker that has failed is replaced.
const PAUSE: Duration = Duration::from_millis(100);

/// An attacker, which goes on until this is dropped.
type Attacker = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// An attack.
#[derive(Clone, Copy)]
pub struct Attack {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in the documentation.
    pub title: &'static str,
    /// How much of it there is.
    pub load: &'static str,
    /// What is attacked: names of subjects.
    pub on: &'static [&'static str],
    /// How many attackers there are.
    pub attackers: usize,
    /// How long each round lasts at least.
    pub time: Duration,
    /// What the server does about it.
    pub(crate) expected: Expected,
    begin: fn(Front) -> Attacker,
}

const HTTP_1: &[&str] = &["hyper", "actix", "tcp"];
const HTTP_2: &[&str] = &["hyper-http2"];

/// How a flood of HTTP/2 is ended (RFC 9113 § 7).
const ENHANCE_YOUR_CALM: &str = "GOAWAY ENHANCE_YOUR_CALM";

const SHORT: Duration = Duration::from_secs(5);

/// All attacks, in the order of the documentation.
pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "slow-heads",
        title: "heads that come byte by byte",
        load: "500 connections, 2 bytes/s each",
        on: HTTP_1,
        attackers: 500,
        // Longer than the servers wait.
        time: Duration::from_secs(35),
        expected: Expected::Ended(&["408"]),
        begin: |front| Box::pin(http1::slow_head(front)),
    },
    Attack {
        name: "giant-heads",
        title: "heads of 1 MiB",
        load: "50 connections, again and again",
        on: HTTP_1,
        attackers: 50,
        time: SHORT,
        expected: Expected::Ended(&["431"]),
        begin: |front| Box::pin(http1::giant_head(front)),
    },
    Attack {
        name: "never-read",
        title: "clients that never read",
        load: "500 streams with 640 KiB/s each",
        on: HTTP_1,
        attackers: 500,
        time: SHORT,
        expected: Expected::Endured,
        begin: |front| Box::pin(http1::never_read(front)),
    },
    Attack {
        name: "requests-behind",
        title: "requests on the connection of an open stream",
        load: "100 connections, 128 KiB each",
        on: HTTP_1,
        attackers: 100,
        time: SHORT,
        expected: Expected::Answered("200"),
        begin: |front| Box::pin(http1::requests_behind(front)),
    },
    Attack {
        name: "connect-and-reset",
        title: "requests whose connection is reset at once",
        load: "500/s",
        on: HTTP_1,
        attackers: 5,
        time: SHORT,
        expected: Expected::Endured,
        begin: |front| Box::pin(http1::connect_and_reset(front)),
    },
    Attack {
        name: "refused",
        title: "subscriptions that are refused",
        load: "1,000/s",
        on: HTTP_1,
        attackers: 10,
        time: SHORT,
        expected: Expected::Answered("503"),
        begin: |front| Box::pin(http1::refused(front)),
    },
    Attack {
        name: "forged-ids",
        title: "forged last event IDs of 4 KiB",
        load: "500/s",
        on: HTTP_1,
        attackers: 5,
        time: SHORT,
        expected: Expected::Answered("200"),
        begin: |front| Box::pin(http1::forged_ids(front)),
    },
    Attack {
        name: "rapid-reset",
        title: "requests that are cancelled at once (rapid reset)",
        load: "10 connections, 1,000/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        // A request may be answered before it is cancelled.
        expected: Expected::Ended(&["200", ENHANCE_YOUR_CALM]),
        begin: |front| Box::pin(http2::rapid_reset(front)),
    },
    Attack {
        name: "continuations",
        title: "a head without an end (CONTINUATION)",
        load: "10 connections, 200 KB/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Ended(&[ENHANCE_YOUR_CALM]),
        begin: |front| Box::pin(http2::continuations(front)),
    },
    Attack {
        name: "giant-heads",
        title: "heads of 100 KB",
        load: "10 connections, 10/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Answered("431"),
        begin: |front| Box::pin(http2::giant_head(front)),
    },
    Attack {
        name: "header-bombs",
        title: "heads that name a header of 4 KB a thousand times (HPACK)",
        load: "10 connections, 100/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        // The first request of each connection is an ordinary one.
        expected: Expected::Ended(&["200", "431", ENHANCE_YOUR_CALM]),
        begin: |front| Box::pin(http2::header_bombs(front)),
    },
    Attack {
        name: "pings",
        title: "PINGs whose answers nothing reads",
        load: "10 connections, 2,000/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Endured,
        begin: |front| Box::pin(http2::pings(front)),
    },
    Attack {
        name: "settings",
        title: "SETTINGS whose acknowledgements nothing reads",
        load: "10 connections, 2,000/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Endured,
        begin: |front| Box::pin(http2::settings(front)),
    },
    Attack {
        name: "empty-data",
        title: "DATA frames without data",
        load: "10 connections, 2,000/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Ended(&["200", ENHANCE_YOUR_CALM]),
        begin: |front| Box::pin(http2::empty_data(front)),
    },
    Attack {
        name: "window-updates",
        title: "windows that grow by a byte",
        load: "10 connections, 2,000/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Endured,
        begin: |front| Box::pin(http2::window_updates(front)),
    },
    Attack {
        name: "priorities",
        title: "priorities of streams that are not open",
        load: "10 connections, 2,000/s each",
        on: HTTP_2,
        attackers: 10,
        time: SHORT,
        expected: Expected::Endured,
        begin: |front| Box::pin(http2::priorities(front)),
    },
    Attack {
        name: "never-grant",
        title: "streams without a window, whose client answers PINGs",
        load: "5 connections, 200 streams each with 64 KiB/s",
        on: HTTP_2,
        attackers: 5,
        time: SHORT,
        expected: Expected::Answered("200"),
        begin: |front| Box::pin(http2::never_grant(front)),
    },
];

impl Attack {
    /// Returns the attack of this name on a subject.
    pub(crate) fn named(name: &str, on: &str) -> Option<&'static Self> {
        let is_named = |attack: &&Self| attack.name == name && attack.on.contains(&on);
        ATTACKS.iter().find(is_named)
    }

    /// Whether a server does at once what is expected of it.
    pub(crate) fn is_quick(&self) -> bool {
        self.time == SHORT
    }
}

impl std::fmt::Debug for Attack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attack")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Attacks the server at a port of the loopback address, until the end of the standard input. Says how
/// it goes meanwhile, and at the end.
pub(crate) async fn run(attack: &Attack, port: u16) -> io::Result<()> {
    let front = Front::new(port);
    let mut attackers = JoinSet::new();
    for _ in 0..attack.attackers {
        attackers.spawn((attack.begin)(front.clone()));
    }
    let mut input = tokio::io::stdin();
    let mut says = interval(INTERVAL);
    says.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut byte = [0];
    loop {
        tokio::select! {
            _ = input.read(&mut byte) => return say(&front),
            _ = says.tick() => say(&front)?,
            // It cannot connect, or has lost its connection while it wrote.
            Some(_) = attackers.join_next() => {
                let again = (attack.begin)(front.clone());
                attackers.spawn(async {
                    sleep(PAUSE).await;
                    again.await
                });
            }
        }
    }
}

/// Writes a line to the standard output.
fn say(front: &Front) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &front.state())?;
    output.write_all(b"\n")?;
    output.flush()
}
