//! The cases, by topic.

use std::time::Duration;

/// The time limit of a case. No case needs a tenth of it, even on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Runs a case within [`LIMIT`].
pub(crate) async fn within_limit(case: impl Future<Output = ()>) {
    tokio::time::timeout(LIMIT, case)
        .await
        .expect("the case ends within its time limit");
}

/// Defines a test of each case for each transport: `hyper::case`, `actix::case`,
/// `actix_bounded::case` and `tcp::case`.
macro_rules! on_every_transport {
    ($($case:ident),+ $(,)?) => {
        mod hyper {
            $($crate::cases::test!($case, $crate::transports::Hyper);)+
        }
        mod actix {
            $($crate::cases::test!($case, $crate::transports::Actix);)+
        }
        mod actix_bounded {
            $($crate::cases::test!($case, $crate::transports::ActixBounded);)+
        }
        mod tcp {
            $($crate::cases::test!($case, $crate::transports::Tcp);)+
        }
    };
}

/// Defines a test of one case for one transport.
macro_rules! test {
    ($case:ident, $transport:ty) => {
        #[tokio::test]
        async fn $case() {
            $crate::cases::within_limit(super::$case::<$transport>()).await;
        }
    };
}

use test;

mod actix;
mod axum;
mod back_pressure;
mod compression;
mod disconnect;
mod failure;
mod head;
mod http2;
mod keep_alive;
mod last_event;
mod limiter;
mod load;
mod max_age;
mod never_reads;
mod opening;
mod pipelining;
mod posted;
mod raw_tcp;
mod reconnect;
mod script;
mod shutdown;
mod unread_body;
