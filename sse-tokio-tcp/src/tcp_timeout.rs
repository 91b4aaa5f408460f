//! Has the system end TCP connections whose clients are gone without a word.
//!
//! Where the link is cut, no write fails for a quarter of an hour: the events go into the send buffer
//! and are sent again and again.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;

/// How many probes of an idle connection are not answered before it is lost.
const PROBES: u32 = 3;

/// The shortest time for an acknowledgement: lost packets are repeated after up to some seconds.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const MIN_USER_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest times that systems take.
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(32_767);
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const MAX_USER_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

/// Ends the connections of `listener` that take nothing for `time`, and idle ones that do not answer
/// for that long. A connection inherits these options when it is accepted.
///
/// # Errors
///
/// The first of the system's, which may have refused one option only.
pub(crate) fn set_timeout(listener: &TcpListener, time: Duration) -> io::Result<()> {
    let socket = SockRef::from(listener);
    // Data that is not acknowledged, and a window that stays closed.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let user_timeout =
        socket.set_tcp_user_timeout(Some(time.clamp(MIN_USER_TIMEOUT, MAX_USER_TIMEOUT)));
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let user_timeout = Ok(());
    // Half of the time, and then the probes. They are in whole seconds.
    let bounded = |time: Duration| time.clamp(Duration::from_secs(1), MAX_KEEP_ALIVE);
    let probing = time / 2;
    let keep_alive = TcpKeepalive::new().with_time(bounded(time - probing));
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "fuchsia",
        target_os = "illumos",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        windows,
    ))]
    let keep_alive = keep_alive
        .with_interval(bounded(probing / PROBES))
        .with_retries(PROBES);
    user_timeout.and(socket.set_tcp_keepalive(&keep_alive))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::limits::Limits;
    use crate::listener::Listener;

    /// Returns the options of an accepted connection: the user timeout, and the time, interval and
    /// number of the probes.
    async fn options(time: Duration) -> (Option<Duration>, Duration, Duration, u32) {
        let mut listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Listener::set_write_timeout(&mut listener, time);
        let address = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(address).await.expect("a connection");
        let accepted = Listener::accept(&mut listener).await.expect("a connection");
        let socket = SockRef::from(&accepted);
        assert!(socket.keepalive().expect("an option"));
        (
            socket.tcp_user_timeout().expect("an option"),
            socket.tcp_keepalive_time().expect("an option"),
            socket.tcp_keepalive_interval().expect("an option"),
            socket.tcp_keepalive_retries().expect("an option"),
        )
    }

    #[tokio::test]
    async fn connections_end_after_the_write_timeout_whether_something_was_sent_or_not() {
        let seconds = Duration::from_secs;
        let by_default = options(Limits::new().write_timeout).await;
        assert_eq!(by_default, (Some(seconds(60)), seconds(30), seconds(10), 3));
        let short = options(Duration::from_millis(7500)).await;
        let expected = Some(Duration::from_millis(7500));
        assert_eq!(short, (expected, Duration::from_secs(3), seconds(1), 3));
    }

    #[tokio::test]
    async fn any_write_timeout_can_be_set() {
        let seconds = Duration::from_secs;
        let none = options(Duration::ZERO).await;
        assert_eq!(none, (Some(MIN_USER_TIMEOUT), seconds(1), seconds(1), 3));
        let longest = options(Duration::MAX).await;
        let longest_interval = longest.2;
        assert_eq!(longest.0, Some(MAX_USER_TIMEOUT));
        assert_eq!(
            (longest.1, longest_interval),
            (MAX_KEEP_ALIVE, MAX_KEEP_ALIVE)
        );
    }
}
