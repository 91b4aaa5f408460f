//! Real faults of engines, under load: servers killed, frozen and wiped, connections cut, nodes
//! killed. Every subscriber's events are checked for order, duplicates and holes; what is missing
//! must be a gap. Run with `--nocapture` to see the counts.
#![cfg(any(feature = "nats", feature = "redis"))]

mod cases;
mod check;
#[cfg(feature = "nats")]
mod cluster;
#[cfg(feature = "redis")]
mod failovers;
mod finish;
mod hubs;
mod load;
mod losses;
mod members;
#[cfg(feature = "nats")]
mod nats;
mod nodes;
mod openings;
#[cfg(feature = "redis")]
mod redis;
mod stopped;

/// The tests of one engine, a type that implements [`cases::Engine`].
macro_rules! faults {
    ($engine:ty) => {
        crate::faults!($engine:
            an_engine_that_is_killed_and_restarted_loses_nothing,
            connections_that_are_cut_within_a_message_lose_nothing,
            an_engine_that_is_frozen_and_thawed_loses_nothing,
            a_killed_node_loses_nothing_that_its_clients_do_not_get_elsewhere,
            history_that_is_trimmed_under_a_lagging_reader_is_a_gap,
            a_wiped_engine_is_a_gap,
            while_the_engine_is_down_all_is_as_stated,
        );
        crate::faults!(finish $engine:
            topics_that_are_finished_while_the_engine_is_killed_end_once_for_all,
            topics_that_are_finished_while_connections_are_cut_end_once_for_all,
        );
        crate::faults!(members $engine:
            members_are_right_after_the_engine_was_killed,
            members_are_right_after_connections_were_cut,
            a_member_is_disconnected_although_its_node_was_cut_off,
        );
        crate::faults!(losses $engine:
            a_store_that_is_set_back_is_announced,
            a_store_that_is_set_back_is_announced_if_any_node_lives,
            a_store_that_is_set_back_gives_no_id_again_if_no_node_lives,
        );

        /// What a node process runs; nothing unless it is one.
        #[tokio::test]
        async fn node() {
            crate::nodes::run::<$engine>().await;
        }

        #[tokio::test]
        async fn what_is_answered_while_a_node_is_stopped_counts() {
            let node = concat!(module_path!(), "::node_that_is_stopped");
            let case = crate::stopped::what_is_answered_while_a_node_is_stopped_counts::<$engine>(node);
            let within = std::time::Duration::from_secs(100);
            tokio::time::timeout(within, case).await.expect("it completes");
        }

        /// What a node process runs; nothing unless it is one.
        #[test]
        fn node_that_is_stopped() {
            crate::stopped::run::<$engine>();
        }
    };
    ($engine:ty: $($case:ident,)*) => {
        crate::faults!(cases $engine: $($case,)*);
    };
    ($module:ident $engine:ty: $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let case = crate::$module::$case::<$engine>(concat!(module_path!(), "::node"));
                let within = std::time::Duration::from_secs(100);
                tokio::time::timeout(within, case).await.expect("it completes");
            }
        )*
    };
}
pub(crate) use faults;
