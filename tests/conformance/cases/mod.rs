//! What must be true, by topic.

use std::time::Duration;

/// How long a case may take at the most, however busy the machine is. None needs a tenth of it.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Runs a case, or the test of one transport.
pub(crate) async fn within_limit(case: impl Future<Output = ()>) {
    tokio::time::timeout(LIMIT, case)
        .await
        .expect("the case takes its time, or waits for what does not come");
}

/// Makes a test of each case for each transport: `hyper::case`, `actix::case` and `tcp::case`.
macro_rules! on_every_transport {
    ($($case:ident),+ $(,)?) => {
        mod hyper {
            $(#[tokio::test]
            async fn $case() {
                $crate::cases::within_limit(super::$case::<$crate::transports::Hyper>()).await;
            })+
        }
        mod actix {
            $(#[tokio::test]
            async fn $case() {
                $crate::cases::within_limit(super::$case::<$crate::transports::Actix>()).await;
            })+
        }
        mod tcp {
            $(#[tokio::test]
            async fn $case() {
                $crate::cases::within_limit(super::$case::<$crate::transports::Tcp>()).await;
            })+
        }
    };
}

mod failure;
mod head;
mod script;
