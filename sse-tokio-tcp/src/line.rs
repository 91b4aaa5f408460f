//! A connection whose response is being sent, as its task has it and as others may.
//!
//! While the task sleeps and has nothing left to write, others can write to the connection: see
//! [`DirectWrite`]. Whoever writes holds the lock, the task each time that it runs; others never
//! wait for it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Waker};

use bytes::{Buf as _, Bytes};
use sse_session::{Delivery, DirectWrite, Errand};

use crate::connection::ConnectionError;
use crate::transport::Socket;
use crate::wire::{self, Framing, Piece, Writing};

pub(crate) struct Line<I> {
    home: usize,
    out: Mutex<Out<I>>,
}

/// The connection and what is to be done with it.
pub(crate) struct Out<I> {
    /// While nobody has taken it.
    pub(crate) io: Option<I>,
    /// How the end of the body is told.
    pub(crate) framing: Framing,
    /// Not part of this, for there is none while events come and are taken.
    pub(crate) seldom: Option<Box<Seldom>>,
    /// While the connection is at rest.
    is_at_rest: bool,
    /// Whose connection this is.
    task: Option<Waker>,
    /// What the task is to do before anything else, when it runs next.
    errand: Option<Errand>,
}

pub(crate) enum Seldom {
    /// The response's head, which goes out with the first events.
    Head(Vec<u8>),
    /// What the client has not taken yet, and what comes after it.
    Rest(Writing<Piece>, Option<Result<(), ConnectionError>>),
}

impl Seldom {
    /// All of a response whose content is known.
    pub(crate) fn all(head: Vec<u8>, body: Bytes, framing: Framing) -> Self {
        let piece = wire::piece(head, body, framing, false);
        Self::Rest(Writing::new(piece), Some(Ok(())))
    }
}

impl<I> Line<I> {
    /// A connection of which nothing is known yet, but what it is run together with.
    pub(crate) fn new(io: I, home: usize) -> Self {
        Self {
            home,
            out: Mutex::new(Out {
                io: Some(io),
                framing: Framing::None,
                seldom: None,
                is_at_rest: false,
                task: None,
                errand: None,
            }),
        }
    }

    /// The connection is put back, with what is to be sent first.
    pub(crate) fn begin(&self, io: I, seldom: Seldom, framing: Framing) {
        let mut out = self.out();
        out.io = Some(io);
        out.framing = framing;
        out.seldom = Some(Box::new(seldom));
    }

    pub(crate) fn framing(&self) -> Framing {
        self.out().framing
    }

    /// The task takes the connection, after it has gone on the errand that it was woken for.
    pub(crate) fn take_up(&self) -> MutexGuard<'_, Out<I>> {
        let mut out = self.out();
        if let Some(errand) = out.errand.take() {
            drop(out);
            // Still at rest for that, as the errand may be to this connection too.
            errand();
            out = self.out();
        }
        out.is_at_rest = false;
        out
    }

    /// Takes the connection away. Nothing is written to it here any more.
    pub(crate) fn take(&self) -> Option<I> {
        let mut out = self.out();
        let (io, errand, task) = (out.io.take(), out.errand.take(), out.task.take());
        out.seldom = None;
        out.is_at_rest = false;
        drop(out);
        // Outside of the lock, for it is not known what they do. The task is not kept by those who
        // still know the connection.
        drop((errand, task));
        io
    }

    fn out(&self) -> MutexGuard<'_, Out<I>> {
        // Who panics here is the handler, and its connection ends with it.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, if it is at rest and has no errand to go on.
    fn out_at_rest(&self) -> Option<MutexGuard<'_, Out<I>>> {
        match self.out.try_lock() {
            Ok(out) => (out.is_at_rest && out.errand.is_none()).then_some(out),
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => None,
        }
    }
}

impl<I> Out<I> {
    /// All is written, and the task sleeps from now on.
    pub(crate) fn rest(&mut self, cx: &Context<'_>) {
        self.is_at_rest = true;
        match &mut self.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

impl<I: Send + 'static> DirectWrite for Line<I> {
    fn deliver(&self, delivery: &Delivery) -> bool {
        let Some(mut out) = self.out_at_rest() else {
            return false;
        };
        let Some(socket) = out.io.as_ref().and_then(Socket::of) else {
            return false;
        };
        let bytes = match out.framing {
            Framing::Chunked => delivery.chunk(),
            Framing::None | Framing::Length | Framing::Close => {
                delivery.events().map(|events| &**events)
            }
        };
        let (Some(events), Some(bytes)) = (delivery.events(), bytes) else {
            return false;
        };
        match socket.try_write(bytes) {
            Ok(written) if written == bytes.len() => true,
            // An error is for the task to find.
            Ok(0) | Err(_) => false,
            Ok(written) => {
                let mut rest = wire::piece(Vec::new(), events.clone(), out.framing, false);
                rest.advance(written);
                out.seldom = Some(Box::new(Seldom::Rest(Writing::new(rest), None)));
                out.is_at_rest = false;
                let task = out.task.clone();
                drop(out);
                if let Some(task) = task {
                    task.wake();
                }
                true
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        self.out_at_rest().is_some()
    }

    fn send_on(&self, errand: Errand) -> Result<(), Errand> {
        let Some(mut out) = self.out_at_rest() else {
            return Err(errand);
        };
        let Some(task) = out.task.clone() else {
            return Err(errand);
        };
        out.errand = Some(errand);
        drop(out);
        task.wake();
        Ok(())
    }

    fn home(&self) -> usize {
        self.home
    }
}

impl<I> fmt::Debug for Line<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A connection at rest, and the client's end of it.
    async fn at_rest(framing: Framing) -> (Line<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (io, _) = listener.accept().await.unwrap();
        let line = Line::new(io, 0);
        let io = line.take().unwrap();
        line.begin(io, Seldom::Head(Vec::new()), framing);
        assert!(!line.is_at_rest(), "the head is to be written");
        line.take_up().seldom = None;
        assert!(!line.is_at_rest(), "the task runs");
        poll_fn(|cx| {
            line.take_up().rest(cx);
            std::task::Poll::Ready(())
        })
        .await;
        assert!(line.is_at_rest());
        (line, client.unwrap())
    }

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    fn delivery(text: String) -> Delivery {
        Delivery::new(text.into(), Arc::default())
    }

    #[tokio::test]
    async fn what_a_client_takes_only_in_part_is_left_to_the_task() {
        for framing in [Framing::Chunked, Framing::Close] {
            let (line, mut client) = at_rest(framing).await;
            let mut expected = Vec::new();
            // A length that no buffer is a multiple of.
            for number in 0.. {
                let delivery = delivery(format!("data: {number:65001}\n\n"));
                if !line.deliver(&delivery) {
                    break;
                }
                match framing {
                    Framing::Chunked => expected.extend_from_slice(delivery.chunk().unwrap()),
                    _ => expected.extend_from_slice(delivery.events().unwrap()),
                }
            }
            // The last one was taken in part, or just in full; nothing goes before its rest.
            assert!(!line.deliver(&delivery("data: x\n\n".to_owned())));
            let mut received = vec![0; expected.len()];
            let read = client.read_exact(&mut received);
            let write = poll_fn(|cx| {
                let out = &mut *line.take_up();
                match (out.seldom.as_deref_mut(), &mut out.io) {
                    (Some(Seldom::Rest(rest, None)), Some(io)) => {
                        rest.poll(io, cx, Duration::from_secs(60))
                    }
                    _ => panic!("nothing is left"),
                }
            });
            let (read, written) = tokio::join!(read, write);
            written.unwrap();
            read.unwrap();
            assert!(received == expected, "{framing:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_delivered_once_it_was_called_off_or_the_connection_is_gone() {
        let (line, mut client) = at_rest(Framing::Chunked).await;
        let call_off = Arc::new(AtomicBool::new(false));
        let delivery = Delivery::new(Bytes::from_static(b"data\n\n"), Arc::clone(&call_off));
        assert!(line.deliver(&delivery));
        call_off.store(true, Ordering::Release);
        assert!(!line.deliver(&delivery));
        call_off.store(false, Ordering::Release);
        let task = Arc::new(Task);
        let waker = Waker::from(Arc::clone(&task));
        line.take_up().rest(&Context::from_waker(&waker));
        drop(waker);
        drop(line.take());
        assert_eq!(Arc::strong_count(&task), 1, "its task is not kept");
        assert!(!line.deliver(&delivery));
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"6\r\ndata\n\n\r\n");
    }

    #[tokio::test]
    async fn a_task_has_one_errand_at_a_time_and_drops_it_with_the_connection() {
        let (line, _client) = at_rest(Framing::Chunked).await;
        let done = Arc::new(AtomicUsize::new(0));
        let errand = || -> Errand {
            let done = Arc::clone(&done);
            Box::new(move || {
                done.fetch_add(1, Ordering::Relaxed);
            })
        };
        assert!(line.send_on(errand()).is_ok());
        assert!(line.send_on(errand()).is_err());
        assert!(!line.is_at_rest());
        drop(line.take_up());
        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert!(line.send_on(errand()).is_err(), "the task runs");
        poll_fn(|cx| {
            line.take_up().rest(cx);
            std::task::Poll::Ready(())
        })
        .await;
        assert!(line.send_on(errand()).is_ok());
        drop(line.take());
        assert_eq!(
            (done.load(Ordering::Relaxed), Arc::strong_count(&done)),
            (1, 1)
        );
        assert!(line.send_on(errand()).is_err());
    }
}
