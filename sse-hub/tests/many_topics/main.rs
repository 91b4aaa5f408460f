//! Many different topics that are opened at once over a real engine: each is opened once, and all are
//! ready soon. Run with `--nocapture` to see the times, and those of the hub without an engine.
#![cfg(any(feature = "nats", feature = "redis"))]

mod cases;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;

/// The tests of one engine, a type that implements [`cases::Engine`].
macro_rules! many_topics {
    ($engine:ty) => {
        crate::many_topics!($engine:
            a_thousand_topics_are_opened_at_once,
            five_thousand_topics_are_opened_at_once,
            topics_are_opened_while_others_are_closed,
            a_node_that_restarts_gets_the_subscribers_of_ten_thousand_topics_at_once,
        );
    };
    ($engine:ty: $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let case = crate::cases::$case::<$engine>();
                let within = std::time::Duration::from_secs(100);
                tokio::time::timeout(within, case).await.expect("it completes");
            }
        )*
    };
}
pub(crate) use many_topics;
