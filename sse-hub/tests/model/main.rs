//! Any interleaving of publishing, subscribing, reading slowly, dropping, resuming and trimming,
//! against the simplest model: each topic is the list of all that was published to it.
//!
//! A subscriber must get each event of the list once and in order from where it began, except for
//! gaps; and it must get a gap exactly when events that it has not got are no longer kept, or its id
//! is not known.
//!
//! Some subscribers are served through an `SseStream`, whose task runs only when it was woken:
//! the same must be true for them.
//!
//! Some have a filter that hides every other event. For them, hidden events are no holes, and their ids say
//! where they are.
//!
//! Some are ended by the server, by a future or by their name: they get nothing of what they have not got, and the
//! last event, if there is one, has the id of where they are.

mod checks;
mod connection;
mod model;
mod served;
mod world;

use std::sync::Mutex;

use model::{CLIENTS, KEPT, MAX_AGE, Model, Step, TOPICS};
use proptest::prelude::ProptestConfig;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use world::{Counts, World};

struct Conversation;

impl StateMachineTest for Conversation {
    type SystemUnderTest = World;
    type Reference = Model;

    fn init_test(_: &Model) -> World {
        World::new()
    }

    fn apply(mut world: World, model: &Model, step: Step) -> World {
        // For the paused clock.
        let handle = world.runtime.handle().clone();
        let _entered = handle.enter();
        match &step {
            Step::Publish { topic, events } => {
                for _ in 0..*events {
                    if model.topics[*topic].is_finished {
                        world.publish_in_vain(*topic);
                    } else {
                        world.publish(*topic);
                    }
                }
            }
            Step::Finish { topic } => world.finish(model, *topic),
            Step::Age => {
                world.runtime.block_on(tokio::time::advance(MAX_AGE));
                world.hub.sweep();
            }
            Step::Connect { .. } => world.connect(model, &step),
            Step::Read { client, pieces } => world.read(model, *client, *pieces),
            Step::Drop { client } => world.clients[*client].connection = None,
            Step::Comment { client } => world.comment(*client),
            Step::End { client } => world.end(*client),
            Step::Disconnect { client, topic } => world.disconnect(*client, *topic),
            Step::Switch { client } => world.switch(model, *client),
        }
        world
    }

    fn check_invariants(world: &World, model: &Model) {
        for (topic, log) in TOPICS.iter().zip(&model.topics) {
            let retained = world
                .hub
                .topic_metrics(topic)
                .map_or(0, |metrics| metrics.retained_events);
            assert!(retained <= KEPT);
            assert_eq!(retained, log.published - log.gone);
        }
    }

    fn teardown(mut world: World, model: Model) {
        let handle = world.runtime.handle().clone();
        let _entered = handle.enter();
        // All clients that are left get everything.
        for client in 0..CLIENTS {
            world.read(&model, client, None);
        }
        let mut total = TOTAL.lock().expect("not poisoned");
        total.events += world.counts.events;
        total.gaps += world.counts.gaps;
        total.snapshots += world.counts.snapshots;
        total.resumed += world.counts.resumed;
        total.disconnected += world.counts.disconnected;
        total.switched += world.counts.switched;
        total.ended += world.counts.ended;
        total.refused += world.counts.refused;
        total.ended_by_server += world.counts.ended_by_server;
        total.hidden += world.counts.hidden;
        total.blocks += world.counts.blocks;
    }
}

static TOTAL: Mutex<Counts> = Mutex::new(Counts {
    events: 0,
    gaps: 0,
    snapshots: 0,
    resumed: 0,
    disconnected: 0,
    switched: 0,
    ended: 0,
    refused: 0,
    ended_by_server: 0,
    hidden: 0,
    blocks: 0,
});

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: 2 * default.cases,
        failure_persistence: None,
        ..default
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    fn any_conversation(sequential 1..100 => Conversation);
}

#[test]
fn each_subscriber_gets_the_whole_log_except_for_its_gaps() {
    any_conversation();
    let total = TOTAL.lock().expect("not poisoned");
    let Counts {
        events,
        gaps,
        snapshots,
        resumed,
        disconnected,
        switched,
        ended,
        refused,
        ended_by_server,
        hidden,
        blocks,
    } = *total;
    eprintln!("{:?}", *total);
    // Otherwise, nothing was tested.
    let counts = [
        events,
        gaps,
        snapshots,
        resumed,
        disconnected,
        switched,
        ended,
        refused,
        ended_by_server,
        hidden,
        blocks,
    ];
    for count in counts {
        assert!(count > 20);
    }
}
