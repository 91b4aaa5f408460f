//! Limits on open streams, counted exactly however clients come and go.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use sse_session::{Limit, Limiter, Refusal as _, SendError, Sse, SseOptions, SseStream};

#[test]
fn a_permit_is_returned_when_its_last_clone_is_dropped() {
    let limiter = Limiter::new(2, 1);
    let ada = limiter.try_acquire("ada").expect("a permit");
    let error = limiter.try_acquire("ada").expect_err("its limit");
    assert_eq!(error.limit(), Limit::Key(1));
    let _bob = limiter.clone().try_acquire("bob").expect("a permit");
    let error = limiter.try_acquire("eve").expect_err("the limit of all");
    assert_eq!(error.limit(), Limit::Total(2));
    assert_eq!(
        (limiter.open(), limiter.open_for(&"ada"), limiter.keys()),
        (2, 1, 2)
    );

    let clone = ada.clone();
    drop(ada);
    assert!(limiter.try_acquire("ada").is_err());
    drop(clone);
    assert_eq!(
        (limiter.open(), limiter.open_for(&"ada"), limiter.keys()),
        (1, 0, 1)
    );
    let _again = limiter.try_acquire("ada").expect("a permit");
}

#[test]
fn limits_of_zero_refuse_all() {
    let error = Limiter::new(0, 1).try_acquire(1).expect_err("refused");
    assert_eq!(error.limit(), Limit::Total(0));
    let error = Limiter::new(1, 0).try_acquire(1).expect_err("refused");
    assert_eq!(error.limit(), Limit::Key(0));
}

#[test]
fn the_answer_says_which_limit_it_was_and_when_to_come_back() {
    let limiter = Limiter::new(1, 1);
    let _permit = limiter.try_acquire(1).expect("a permit");
    let of_key = limiter.try_acquire(1).expect_err("refused");
    assert_eq!(of_key.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(of_key.retry_after_secs(), Some(5));
    assert_eq!(
        of_key.to_string(),
        "1 streams of one client are open, its limit"
    );
    let limiter = limiter.retry_after(Duration::from_millis(1_001));
    let total = limiter.try_acquire(2).expect_err("refused");
    assert_eq!(total.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(total.retry_after_secs(), Some(2));
    assert_eq!(total.to_string(), "1 streams are open, which is the limit");
}

#[cfg(feature = "http-body")]
#[test]
fn a_refusal_is_a_response_that_no_cache_keeps() {
    let limiter = Limiter::new(1, 0);
    let error = limiter.try_acquire(1).expect_err("refused");
    let response = sse_session::refused(&error);
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()[RETRY_AFTER], "5");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
    assert!(response.body().has_ended());
}

#[tokio::test]
async fn a_stream_holds_its_permit_for_longer_than_its_handler_runs() {
    let limiter = Limiter::new(1, 1);
    let options = |limiter: &Limiter<u8>| {
        let permit = limiter.try_acquire(1).expect("a permit");
        SseOptions::new().permit(permit)
    };
    let handler = |sse: Sse| async move {
        sse.send("one").await?;
        drop(sse);
        Ok::<_, SendError>(())
    };
    // The handler has returned with this piece, which a server has yet to write.
    let mut stream = Box::pin(SseStream::new(&options(&limiter), None, handler));
    let piece = stream.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, "data: one\n\n");
    assert_eq!(limiter.open(), 1);
    drop(stream);
    assert_eq!(limiter.open(), 0);

    // A stream that is never polled, and one whose handler panics.
    drop(SseStream::new(&options(&limiter), None, handler));
    let stream = SseStream::new(&options(&limiter), None, panicking);
    assert!(Box::pin(stream).next().await.expect("an end").is_err());
    assert_eq!((limiter.open(), limiter.keys()), (0, 0));
}

async fn panicking(_: Sse) {
    panic!("a panic for this test");
}

const THREADS: usize = 8;
const KEYS: usize = 5;
const PER_KEY: usize = 2;
const TOTAL: usize = 7;

#[test]
fn threads_never_pass_a_limit_and_nothing_is_left() {
    let limiter = Limiter::new(TOTAL, PER_KEY);
    let open: Arc<[AtomicUsize; KEYS]> = Arc::default();
    let (granted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (limiter, open, barrier) = (limiter.clone(), Arc::clone(&open), &barrier);
            let (granted, refused) = (&granted, &refused);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(thread as u64);
                let mut held = Vec::new();
                barrier.wait();
                for _ in 0..20_000 {
                    let key = random.usize(..KEYS);
                    if random.bool()
                        && let Ok(permit) = limiter.try_acquire(key)
                    {
                        // Counted after a permit is taken and before it is returned, so that more
                        // than the limit cannot be seen unless it was passed.
                        let of_key = open[key].fetch_add(1, Ordering::SeqCst) + 1;
                        assert!(of_key <= PER_KEY, "{of_key} of one key");
                        granted.fetch_add(1, Ordering::Relaxed);
                        held.push((key, permit));
                    } else if let Some((key, permit)) = held.pop() {
                        open[key].fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    } else {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                    assert!(limiter.open() <= TOTAL);
                }
                for (key, permit) in held {
                    open[key].fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert!(granted.into_inner() > 1_000 && refused.into_inner() > 1_000);
    assert_eq!((limiter.open(), limiter.keys()), (0, 0));
    // As many as ever, and no more.
    let all: Vec<_> = (0..2 * TOTAL).map(|key| limiter.try_acquire(key)).collect();
    assert_eq!(all.iter().filter(|permit| permit.is_ok()).count(), TOTAL);
}

/// A key whose code panics.
#[derive(Clone, PartialEq, Eq)]
struct Panicking(bool);

impl Hash for Panicking {
    fn hash<H: Hasher>(&self, _: &mut H) {
        assert!(!self.0, "a panic for this test");
    }
}

#[test]
fn a_key_that_panics_changes_nothing() {
    let limiter = Limiter::new(1, 1);
    for _ in 0..3 {
        let attempt = AssertUnwindSafe(|| limiter.try_acquire(Panicking(true)).is_ok());
        assert!(catch_unwind(attempt).is_err());
    }
    assert_eq!((limiter.open(), limiter.keys()), (0, 0));
    assert!(limiter.try_acquire(Panicking(false)).is_ok());
}

/// A key that uses the limiter when it is cloned or dropped.
#[derive(PartialEq, Eq, Hash)]
struct Curious(u8);

static CURIOUS: std::sync::LazyLock<Limiter<Curious>> =
    std::sync::LazyLock::new(|| Limiter::new(10, 10));

impl Clone for Curious {
    fn clone(&self) -> Self {
        let _ = CURIOUS.open();
        Self(self.0)
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let _ = CURIOUS.open();
    }
}

#[test]
fn keys_may_use_the_limiter_when_they_are_cloned_and_dropped() {
    let (done, finished) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let permits = [1, 1, 2].map(|key| CURIOUS.try_acquire(Curious(key)));
        assert!(permits.iter().all(Result::is_ok));
        drop(permits);
        done.send(CURIOUS.open()).expect("a receiver");
    });
    let open = finished.recv_timeout(Duration::from_secs(60));
    assert_eq!(open, Ok(0), "no deadlock");
}
