//! What is tested of every proxy.

mod arrival;
mod failure;
mod ids;
mod leave;
mod limits;
mod restart;

use std::time::Duration;

pub(crate) use self::arrival::{
    a_head_without_a_body_is_held_by_some,
    compression_delays_nothing_but_where_it_cannot_be_helped,
    the_head_and_each_event_arrive_at_once,
};
pub(crate) use self::failure::{
    a_failed_handler, a_failure_event_arrives_as_the_last_event, a_killed_server,
};
pub(crate) use self::ids::an_id_of_4096_bytes_comes_back;
pub(crate) use self::leave::a_client_that_leaves;
pub(crate) use self::limits::{
    a_limit_on_the_whole_stream, keep_alives_carry_a_silent_stream_past_the_limit,
};
pub(crate) use self::restart::{a_204_is_for_one_client, a_restart_of_the_server};

/// The limit on every test. No assertion depends on it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A time in which nothing is expected. Where something is expected, there is no such limit.
const SHORT: Duration = Duration::from_millis(300);

/// The environment variable that skips the tests of proxies, if it is `1`.
const SKIP: &str = "SSE_SKIP_PROXIES";

/// Runs a test within the limit.
pub(crate) async fn within(test: impl Future<Output = ()>) {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        eprintln!("skipped: this test needs a reverse proxy, and {SKIP}=1");
        return;
    }
    let result = tokio::time::timeout(TIMEOUT, test).await;
    result.expect("in time");
}

/// Declares the tests of a proxy.
macro_rules! on {
    ($proxy:expr) => {
        $crate::cases::on!($proxy;
            the_head_and_each_event_arrive_at_once,
            a_head_without_a_body_is_held_by_some,
            compression_delays_nothing_but_where_it_cannot_be_helped,
            keep_alives_carry_a_silent_stream_past_the_limit,
            a_limit_on_the_whole_stream,
            a_failed_handler,
            a_failure_event_arrives_as_the_last_event,
            a_killed_server,
            a_restart_of_the_server,
            a_204_is_for_one_client,
            a_client_that_leaves,
            an_id_of_4096_bytes_comes_back,
        );
    };
    ($proxy:expr; $($case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::cases::within($crate::cases::$case(&$proxy)).await;
            }
        )+
    };
}
pub(crate) use on;
