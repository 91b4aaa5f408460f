//! Limits on open streams: of all of them, and of those of one address or user.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::refusal::Refusal;

/// Limits how many streams are open at a time: in total, and for each key, such as the client's address
/// or user.
///
/// A clone is the same limiter. Ask it before a stream is opened, give the [`Permit`] to the stream by
/// [`SseOptions::permit`](crate::SseOptions::permit), and answer the error with the adapter's function
/// `refused`.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
///
/// use sse_session::{LimitReached, Limiter, Refusal as _};
///
/// let limiter = Limiter::new(10_000, 2);
/// let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// let first = limiter.try_acquire(client)?;
/// let _second = limiter.try_acquire(client)?;
/// let error = limiter.try_acquire(client).expect_err("a third one");
/// assert_eq!(error.status(), http::StatusCode::TOO_MANY_REQUESTS);
///
/// drop(first);
/// let _third = limiter.try_acquire(client)?;
/// assert_eq!(limiter.open(), 2);
/// # Ok::<(), LimitReached>(())
/// ```
///
/// # Keys
///
/// Anything that can be a key of a map. A key is kept twice while a stream of it is open, so one that is
/// made of a client's text needs a bound of its own. No code of a key but its `Hash` and `Eq` runs
/// under the limiter's lock, and these must not use the limiter.
///
/// A client with IPv6 has 2⁶⁴ addresses at least, so that the key is the first 64 bits of one:
///
/// ```
/// use std::net::{IpAddr, Ipv6Addr};
///
/// fn network(address: IpAddr) -> IpAddr {
///     match address.to_canonical() {
///         IpAddr::V4(address) => address.into(),
///         IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
///     }
/// }
/// # assert_eq!(network("2001:db8:1:2:3:4:5:6".parse().unwrap()).to_string(), "2001:db8:1:2::");
/// # assert_eq!(network("::ffff:192.0.2.7".parse().unwrap()).to_string(), "192.0.2.7");
/// ```
///
/// Many users may share one address of IPv4, and a proxy in front of the server has one for all:
/// there, take the user, or the header that the proxy sets.
///
/// # What it holds
///
/// A number for each key that has open streams. Nothing remains of a key without one.
pub struct Limiter<K> {
    shared: Arc<Shared<K>>,
    retry_after: Duration,
}

struct Shared<K> {
    total: usize,
    per_key: usize,
    open: Mutex<Open<K>>,
}

struct Open<K> {
    total: usize,
    keys: HashMap<K, usize>,
}

impl<K: Eq + Hash> Limiter<K> {
    /// The default time after which a refused client may come back: 5 seconds.
    pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

    /// Returns a limiter for `total` open streams, of which each key has `per_key` at most.
    #[must_use]
    pub fn new(total: usize, per_key: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                total,
                per_key,
                open: Mutex::new(Open {
                    total: 0,
                    keys: HashMap::new(),
                }),
            }),
            retry_after: Self::DEFAULT_RETRY_AFTER,
        }
    }

    /// Sets the time after which refused clients of this clone may come back, which `Retry-After` says in
    /// whole seconds.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = time;
        self
    }

    /// Takes a permit for one more stream of `key`, without waiting.
    ///
    /// # Errors
    ///
    /// [`LimitReached`] if the key has as many permits as it may have, or all keys together have.
    pub fn try_acquire(&self, key: K) -> Result<Permit, LimitReached>
    where
        K: Clone + Send + Sync + 'static,
    {
        let counted = key.clone();
        let Shared { total, per_key, .. } = *self.shared;
        let mut open = self.shared.lock();
        let of_key = open.keys.get(&key).copied().unwrap_or(0);
        let limit = if of_key >= per_key {
            Some(Limit::Key(per_key))
        } else if open.total >= total {
            Some(Limit::Total(total))
        } else {
            None
        };
        let Some(limit) = limit else {
            // An equal key that is there stays, and the other one is dropped after the lock.
            let unused = if let Some(number) = open.keys.get_mut(&key) {
                *number += 1;
                Some(counted)
            } else {
                open.keys.insert(counted, 1);
                None
            };
            open.total += 1;
            drop(open);
            drop(unused);
            let shared = Arc::clone(&self.shared);
            let counted = Box::new(Counted { shared, key });
            return Ok(Permit(Arc::new(HeldByClones(counted))));
        };
        drop(open);
        Err(LimitReached {
            limit,
            retry_after: self.retry_after,
        })
    }

    /// Returns how many permits are taken.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.lock().total
    }

    /// Returns how many permits of `key` are taken.
    #[must_use]
    pub fn open_for(&self, key: &K) -> usize {
        self.shared.lock().keys.get(key).copied().unwrap_or(0)
    }

    /// Returns how many keys have permits.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.shared.lock().keys.len()
    }
}

impl<K> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, Open<K>> {
        // A key whose `Hash` or `Eq` panics is looked for before the counts change.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for Limiter<K> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            retry_after: self.retry_after,
        }
    }
}

impl<K> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("total", &self.shared.total)
            .field("per_key", &self.shared.per_key)
            .field("open", &self.shared.lock().total)
            .finish_non_exhaustive()
    }
}

/// A permit for one open stream, from [`Limiter::try_acquire`].
///
/// It is returned when the last clone is dropped. A stream that is given it by
/// [`SseOptions::permit`](crate::SseOptions::permit) holds it until it is dropped itself. A permit can
/// also be held by a handler, or by the task of a connection.
#[derive(Clone)]
#[must_use = "a permit is returned when it is dropped"]
pub struct Permit(#[expect(dead_code, reason = "it is held for its destructor")] Arc<HeldByClones>);

/// What the clones of a permit share. Behind one more pointer, so that options without a permit have one word for
/// it.
struct HeldByClones(#[expect(dead_code, reason = "it is held for its destructor")] Box<dyn Held>);

/// What a permit holds, of whatever key.
trait Held: Send + Sync {}

struct Counted<K: Eq + Hash> {
    shared: Arc<Shared<K>>,
    key: K,
}

impl<K: Eq + Hash + Send + Sync> Held for Counted<K> {}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut open = self.shared.lock();
        let Some(number) = open.keys.get_mut(&self.key) else {
            return;
        };
        *number -= 1;
        let is_last = *number == 0;
        open.total -= 1;
        let key = is_last.then(|| open.keys.remove_entry(&self.key));
        drop(open);
        drop(key);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Which limit of a [`Limiter`] is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// That of all streams.
    Total(usize),
    /// That of the streams of one key.
    Key(usize),
}

/// A [`Limiter`] has no permit for a stream.
///
/// As a [`Refusal`], its status is 503 (Service Unavailable) for the limit of all streams and 429 (Too Many
/// Requests, RFC 6585 § 4) for that of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    limit: Limit,
    retry_after: Duration,
}

impl LimitReached {
    /// Returns the limit.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }
}

impl Refusal for LimitReached {
    fn status(&self) -> StatusCode {
        match self.limit {
            Limit::Total(_) => StatusCode::SERVICE_UNAVAILABLE,
            Limit::Key(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// Returns the time that was set by [`Limiter::retry_after`], rounded up.
    fn retry_after_secs(&self) -> Option<u64> {
        let seconds = self.retry_after.as_secs();
        Some(seconds.saturating_add(u64::from(self.retry_after.subsec_nanos() > 0)))
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::Total(limit) => write!(f, "{limit} streams are open, which is the limit"),
            Limit::Key(limit) => write!(f, "{limit} streams of one client are open, its limit"),
        }
    }
}

impl Error for LimitReached {}
