//! One suite over every log that a hub can have: its own, Redis and NATS, the last two as real
//! servers. The same must be true for all.

mod embedded;
#[cfg(feature = "nats")]
mod jetstream;
mod members;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod nats_shards;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_append;
#[cfg(feature = "redis")]
mod redis_clock;
#[cfg(feature = "redis")]
mod redis_connection;
#[cfg(feature = "redis")]
mod redis_loss;
#[cfg(feature = "redis")]
mod redis_shards;
#[cfg(any(feature = "nats", feature = "redis"))]
mod shards;
mod suite;

/// The tests of the suite for one engine, a type that implements [`suite::Engine`].
macro_rules! conformance {
    ($engine:ty) => {
        crate::conformance!($engine:
            what_is_published_on_one_node_arrives_on_all,
            a_subscriber_resumes_on_another_node_exactly,
            several_topics_are_resumed_from_one_id,
            history_beyond_the_window_is_read_in_pages,
            from_the_start_is_from_the_oldest_entry_that_is_kept,
            what_was_trimmed_is_a_gap,
            a_slow_reader_goes_on_with_the_oldest_event_that_is_kept,
            damaged_forged_and_future_ids_are_gaps,
            an_idempotency_key_publishes_once,
            a_snapshot_comes_first_and_then_what_follows_it,
            concurrent_publishers_are_in_one_order_for_all,
            a_topic_that_is_finished_ends_on_all_nodes,
            a_topic_is_finished_once_and_nothing_follows,
            a_finished_topic_beyond_the_window_is_read_up_to_its_end,
            a_filter_hides_no_more_than_it_says_on_any_node,
            a_group_is_resumed_by_one_id_on_any_node,
            the_members_of_all_nodes_are_one_set,
            a_member_is_disconnected_on_all_nodes,
            subscribers_that_hop_between_nodes_lose_nothing_and_get_nothing_twice,
            a_topic_that_a_node_has_evicted_is_resumed_exactly,
            a_topic_that_is_opened_and_evicted_all_the_time_loses_nothing,
        );
    };
    ($engine:ty: $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::suite::within_bounds(crate::suite::$case::<$engine>()).await;
            }
        )*
    };
}
pub(crate) use conformance;
