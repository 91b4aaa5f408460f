//! A short soak of each subject, with some hundred clients and five times as fast, and a short round of
//! each attack.

use std::path::Path;
use std::time::Duration;

use sse_soak::{ATTACKS, Allocator, Plan, SUBJECTS, SiegePlan, Subject, besiege, run};

/// Long enough for every client to come and go some times, and for gaps.
const TIME: Duration = Duration::from_secs(3);

const CLIENTS: usize = 200;

/// How long an attack lasts.
const ATTACK_TIME: Duration = Duration::from_millis(500);

/// How many streams there are that are attacked.
const HONEST: usize = 20;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sse-soak");

fn subject(name: &str) -> Subject {
    let subject = SUBJECTS.into_iter().find(|subject| subject.name == name);
    subject.expect("a subject")
}

async fn soak(name: &str) {
    let plan = Plan {
        subject: subject(name),
        clients: CLIENTS,
        time: TIME,
        pace: 5,
        allocator: Allocator::System,
        seed: 19,
    };
    let outcome = run(Path::new(PROGRAM), &plan, |_| {}).await;
    let outcome = outcome.expect("carried out");
    println!("{outcome}");
    assert_eq!(outcome.complaints(), [""; 0]);
}

/// Carries out all attacks on a subject.
async fn attack(name: &str) {
    for attack in ATTACKS.iter().filter(|attack| attack.on.contains(&name)) {
        let plan = SiegePlan {
            attack,
            subject: subject(name),
            honest: HONEST,
            rounds: 1,
            time: Some(ATTACK_TIME),
        };
        let outcome = besiege(Path::new(PROGRAM), plan, |_| {}).await;
        let outcome = outcome.expect("carried out");
        println!("{outcome}");
        assert_eq!(outcome.complaints(), [""; 0], "{}", attack.name);
    }
}

macro_rules! tests {
    ($function:ident: $($test:ident: $subject:literal,)+) => {
        $(#[tokio::test]
        async fn $test() {
            super::$function($subject).await;
        })+
    };
}

mod each_event_is_delivered_once_or_in_a_gap_and_nothing_is_left {
    tests! {
        soak:
        on_hyper: "hyper",
        on_hyper_with_http_2: "hyper-http2",
        on_actix: "actix",
        on_raw_tcp: "tcp",
        on_two_nodes_with_redis: "redis",
        on_two_nodes_with_nats: "nats",
    }
}

mod honest_streams_lose_nothing_under_attack_and_nothing_is_left {
    tests! {
        attack:
        on_hyper: "hyper",
        on_hyper_with_http_2: "hyper-http2",
        on_actix: "actix",
        on_raw_tcp: "tcp",
    }
}
