//! An attack on a server that has honest clients: what happens to them, and what is left.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::allocator::Allocator;
use crate::attack::Attack;
use crate::child::Child;
use crate::clients::honest;
use crate::figures::{grouped, mib};
use crate::histogram::Histogram;
use crate::messages::{AttackState, ClientsState, HonestState, ServerCommand};
use crate::soak::{Nodes, Plan, Resources};
use crate::subject::Subject;

/// How long servers may take to drop what an attack has left.
const PATIENCE: Duration = Duration::from_secs(180);

/// The time in which what was under way when an attack begins or ends arrives.
const REST: Duration = Duration::from_millis(500);

/// How many bytes of the heap an attack may leave.
const HEAP_LEFT: u64 = 512 * 1024;

/// How an attack is carried out.
#[derive(Clone, Copy, Debug)]
pub struct SiegePlan {
    /// The attack.
    pub attack: &'static Attack,
    /// The server.
    pub subject: Subject,
    /// How many honest streams there are.
    pub honest: usize,
    /// How many rounds there are, each without and with the attack.
    pub rounds: u32,
    /// How long a round lasts at most; by default, as long as the attack says.
    pub time: Option<Duration>,
}

/// What an attack has done.
#[derive(Clone, Debug)]
pub struct SiegeOutcome {
    /// What was done.
    pub plan: SiegePlan,
    attack: AttackState,
    honest: ClientsState,
    without: Histogram,
    with: Histogram,
    start: Resources,
    peak: Resources,
    end: Resources,
    handlers: u64,
    panics: u64,
}

/// Carries out an attack by processes of `program`. `show` is called from time to time.
///
/// # Errors
///
/// When it cannot be carried out. What was found wrong is in the outcome.
pub async fn besiege(
    program: &Path,
    plan: SiegePlan,
    mut show: impl FnMut(&SiegeOutcome),
) -> io::Result<SiegeOutcome> {
    let soak = Plan {
        subject: plan.subject,
        clients: plan.honest,
        time: Duration::ZERO,
        pace: honest::PACE,
        allocator: Allocator::System,
        seed: 0,
    };
    let mut nodes = Nodes::start(program, &soak, None).await?;
    nodes.fill().await?;
    nodes.ask(ServerCommand::Publish).await?;
    let port = nodes.ports().first().copied().unwrap_or_default();
    let (protocol, honest) = (plan.subject.protocol.to_string(), plan.honest as u64);
    let arguments = ["honest", &protocol, &port.to_string(), &honest.to_string()];
    let mut clients = Child::start(program, arguments, Allocator::System)?;
    nodes
        .wait(PATIENCE, |nodes| nodes.handlers() == honest)
        .await?;
    sleep(REST).await;

    let start = nodes.resources().await?;
    let mut outcome = SiegeOutcome {
        plan,
        attack: AttackState::default(),
        honest: ClientsState::default(),
        without: Histogram::default(),
        with: Histogram::default(),
        start,
        peak: start,
        end: start,
        handlers: honest,
        panics: 0,
    };
    let time = plan.time.unwrap_or(plan.attack.time);
    for _ in 0..plan.rounds {
        take(&mut clients).await?;
        sleep(time.min(Duration::from_secs(5))).await;
        outcome.without.merge(&take(&mut clients).await?.delays);

        let (attack, subject) = (plan.attack.name, plan.subject.name);
        let arguments = ["attack", attack, subject, &port.to_string()];
        let mut attacker = Child::start(program, arguments, Allocator::System)?;
        let mut state = attacker.receive::<AttackState>().await?;
        sleep(REST).await;
        take(&mut clients).await?;
        let deadline = Instant::now() + time;
        // On a slow machine, a short round may end before the attack has come to anything.
        let is_undecided =
            |state: &AttackState| plan.is_decided() && !plan.attack.expected.has_happened(state);
        while Instant::now() < deadline
            || is_undecided(&state) && Instant::now() < deadline + PATIENCE
        {
            state = attacker.receive().await?;
            outcome.peak = outcome.peak.max(nodes.resources().await?);
            outcome.handlers = nodes.handlers();
            show(&outcome);
        }
        outcome.with.merge(&take(&mut clients).await?.delays);
        // Its end is that of all its connections.
        attacker.close();
        while let Ok(last) = attacker.receive().await {
            state = last;
        }
        outcome.add(&state);
        let is_over = |nodes: &Nodes| {
            nodes.handlers() == honest && nodes.descriptors == outcome.start.descriptors
        };
        nodes.wait(PATIENCE, is_over).await?;
    }
    nodes.ask(ServerCommand::Stop).await?;
    sleep(REST).await;
    outcome.honest = take(&mut clients).await?.clients;
    // So many events at once are a gap for the clients.
    nodes.fill().await?;
    sleep(REST).await;
    outcome.end = nodes.resources().await?;
    outcome.handlers = nodes.handlers();
    outcome.panics = nodes.panics();
    Ok(outcome)
}

/// Returns how the honest clients were since this was last called.
async fn take(clients: &mut Child) -> io::Result<HonestState> {
    clients.ask(&()).await
}

impl SiegePlan {
    /// Whether a round is long enough for what is expected of the server. It waits for slow clients for a time.
    fn is_decided(&self) -> bool {
        self.attack.is_quick() || self.time.is_none_or(|time| time >= self.attack.time)
    }
}

impl SiegeOutcome {
    fn add(&mut self, state: &AttackState) {
        self.attack.opened += state.opened;
        self.attack.ended += state.ended;
        self.attack.sent += state.sent;
        for (answer, count) in &state.answers {
            *self.attack.answers.entry(answer.clone()).or_default() += count;
        }
    }

    /// Returns the 99th percentile of the honest clients' delays in milliseconds, without and with the
    /// attack.
    pub(crate) fn p99(&self) -> [f64; 2] {
        [&self.without, &self.with].map(|delays| delays.quantile(0.99) / 1_000.0)
    }

    /// Returns the bytes that the attack has made the server allocate: at most, and what is left.
    pub(crate) fn heap(&self) -> [u64; 2] {
        [self.peak, self.end].map(|it| it.heap.saturating_sub(self.start.heap))
    }

    /// Returns what the server has answered.
    pub(crate) fn happened(&self) -> String {
        let attack = &self.attack;
        let answers = attack.answers.iter();
        let answers = answers.map(|(answer, count)| format!("{answer}: {}", grouped(*count)));
        let (ended, opened) = (grouped(attack.ended), grouped(attack.opened));
        let ended = format!("{ended} of {opened} connections ended by the server");
        answers.chain([ended]).collect::<Vec<_>>().join(", ")
    }

    /// Returns what is wrong. Nothing is, if it is empty.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let Self { honest, plan, .. } = self;
        let count = plan.honest as u64;
        let mut complaints = honest.examples.clone();
        let mut expect = |is_so: bool, otherwise: String| {
            if !is_so {
                complaints.push(otherwise);
            }
        };
        expect(
            honest.silent + honest.doubled + honest.gaps + honest.faults == 0,
            format!(
                "{} events silent, {} doubled, {} gaps, {} faults of honest streams",
                honest.silent, honest.doubled, honest.gaps, honest.faults
            ),
        );
        expect(
            honest.open == count && self.handlers == count,
            format!(
                "{} honest streams and {} handlers, expected {count}",
                honest.open, self.handlers
            ),
        );
        expect(
            self.without.count() > 0 && self.with.count() > 0,
            "no events came".to_owned(),
        );
        expect(self.attack.sent > 0, "nothing was sent".to_owned());
        expect(
            !plan.is_decided() || plan.attack.expected.has_happened(&self.attack),
            format!("nothing has happened, expected {}", plan.attack.expected),
        );
        expect(self.panics == 0, format!("{} panics", self.panics));
        let (end, start) = (self.end.descriptors, self.start.descriptors);
        expect(
            end == start,
            format!("{end} descriptors at the end, {start} at the start"),
        );
        let [_, left] = self.heap();
        expect(
            left <= HEAP_LEFT,
            format!("{left} bytes of heap are left, of at most {HEAP_LEFT}"),
        );
        complaints.extend(plan.attack.expected.complaints(&self.attack));
        complaints
    }
}

impl fmt::Display for SiegeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [without, with] = self.p99();
        let [most, left] = self.heap();
        write!(
            f,
            "{} on {}: {}; {} handlers; honest p99 {without:.2} and {with:.2} ms; heap {} MiB more, \
             {} left",
            self.plan.attack.name,
            self.plan.subject.name,
            self.happened(),
            grouped(self.handlers),
            mib(most),
            mib(left),
        )
    }
}
