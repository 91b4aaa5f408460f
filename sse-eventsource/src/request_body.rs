//! The body of a request, and whether it can be sent again with the next attempt.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;

use crate::boxed::{BoxError, erase_data};

type Stream = BoxBody<Bytes, BoxError>;

/// The body of a request: bytes, or any [`http_body::Body`] that is read while it is sent.
///
/// A request may have to be sent more than once: with the next attempt, and after a redirect with
/// status 307 or 308. Bytes are sent again without a copy, and [`from_fn`](Self::from_fn) makes the
/// body anew. A body of [`once`](Self::once) is sent once, whatever
/// [`Reconnect`](crate::Reconnect) says.
///
/// As a [`Body`], it yields `None` after its end or an error, however often it is polled.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use futures_util::stream;
/// use http_body::Frame;
/// use http_body_util::StreamBody;
/// use sse_eventsource::{EventSource, Reconnect, RequestBody};
///
/// let question = RequestBody::from_fn(|| {
///     let pieces = ["{\"stream\":", "true}"];
///     let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
///     StreamBody::new(stream::iter(frames))
/// });
/// let builder = EventSource::post("https://llm.example/v1/chat/completions")
///     .body(question)
///     .reconnect(Reconnect::UntilOpen);
/// # let _ = builder;
/// ```
#[must_use = "a body does nothing until it is sent"]
pub struct RequestBody {
    kind: Kind,
    progress: Option<Progress>,
}

enum Kind {
    /// Also any other kind after its end or an error, then empty.
    Bytes(Bytes),
    /// Made when it is sent, see [`RequestBody::make`].
    Make(Arc<dyn Fn() -> Stream + Send + Sync>),
    Stream(Stream),
    /// Could be sent once, and was.
    Spent,
}

/// Whether a body has been passed to the HTTP stack in full.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicBool>);

impl Progress {
    pub(crate) fn is_complete(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn complete(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl RequestBody {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            progress: None,
        }
    }

    /// Creates a body that `make` makes anew each time it is sent.
    pub fn from_fn<F, B>(make: F) -> Self
    where
        F: Fn() -> B + Send + Sync + 'static,
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::new(Kind::Make(Arc::new(move || stream(make()))))
    }

    /// Creates a body that can be sent once: there is one attempt, after which the event source
    /// does not connect again, and a redirect that needs the body is an error.
    pub fn once<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::new(Kind::Stream(stream(body)))
    }

    /// Returns the bytes, if the body is not a stream: for HTTP stacks without streaming bodies.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Bytes(bytes) => {
                // The stack takes them from here, and does not poll.
                self.record_end();
                Some(bytes)
            }
            _ => None,
        }
    }

    /// Makes it known from now on whether the body has been passed to the HTTP stack in full. An
    /// empty one has.
    pub(crate) fn track(&mut self) -> Progress {
        let progress = Progress::default();
        self.progress = Some(progress.clone());
        if matches!(&self.kind, Kind::Bytes(bytes) if bytes.is_empty()) {
            progress.complete();
        }
        progress
    }

    fn record_end(&self) {
        if let Some(progress) = &self.progress {
            progress.complete();
        }
    }

    /// Returns whether the body can be sent again.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.kind, Kind::Bytes(_) | Kind::Make(_))
    }

    /// Returns whether the body could be sent once, and was.
    pub(crate) fn is_spent(&self) -> bool {
        matches!(self.kind, Kind::Spent)
    }

    /// Takes the body in order to send it. What remains can be sent again, or is spent.
    pub(crate) fn take(&mut self) -> Self {
        let kind = match &self.kind {
            Kind::Bytes(bytes) => Kind::Bytes(bytes.clone()),
            Kind::Make(make) => Kind::Make(Arc::clone(make)),
            Kind::Stream(_) | Kind::Spent => std::mem::replace(&mut self.kind, Kind::Spent),
        };
        Self {
            kind,
            progress: self.progress.clone(),
        }
    }

    /// Makes a body of [`from_fn`](Self::from_fn), whose size is not known before.
    pub(crate) fn make(mut self) -> Self {
        if let Kind::Make(make) = &self.kind {
            self.kind = Kind::Stream(make());
        }
        self
    }
}

fn stream<B>(body: B) -> Stream
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    BoxBody::new(Erased(Mutex::new(Box::pin(body))))
}

/// Any body, with erased types. The adapters of http-body-util would lose its size.
///
/// The mutex makes it `Sync`, which some HTTP stacks require. It is never contended.
struct Erased<B>(Mutex<Pin<Box<B>>>);

impl<B> Erased<B> {
    fn lock(&self) -> MutexGuard<'_, Pin<Box<B>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Body for Erased<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        body.as_mut().poll_frame(cx).map(|frame| {
            let frame = frame?.map_err(Into::into);
            Some(frame.map(erase_data))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}

/// Creates an empty body.
impl Default for RequestBody {
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self::new(Kind::Bytes(bytes))
    }
}

impl From<Vec<u8>> for RequestBody {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for RequestBody {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static [u8]> for RequestBody {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<&'static str> for RequestBody {
    fn from(text: &'static str) -> Self {
        text.as_bytes().into()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Kind::Make(make) = &self.kind {
            self.kind = Kind::Stream(make());
        }
        let polled = match &mut self.kind {
            Kind::Bytes(bytes) if !bytes.is_empty() => {
                let bytes = std::mem::take(bytes);
                // A stack that knows the size does not poll for the end.
                self.record_end();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Kind::Stream(body) => Pin::new(body).poll_frame(cx),
            Kind::Spent => Poll::Ready(Some(Err("the request body was already sent".into()))),
            Kind::Bytes(_) | Kind::Make(_) => Poll::Ready(None),
        };
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.kind = Kind::Bytes(Bytes::new());
        }
        let is_end = match &polled {
            Poll::Ready(None) => true,
            // A stack that knows the size does not poll for the end.
            Poll::Ready(Some(Ok(_))) => self.is_end_stream() || self.size_hint().exact() == Some(0),
            _ => false,
        };
        if is_end {
            self.record_end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Stream(body) => body.is_end_stream(),
            Kind::Make(_) | Kind::Spent => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(body) => body.size_hint(),
            Kind::Make(_) | Kind::Spent => SizeHint::default(),
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("RequestBody");
        match &self.kind {
            // The content may be a secret.
            Kind::Bytes(bytes) => f.field(&format_args!("{} bytes", bytes.len())),
            Kind::Make(_) => f.field(&format_args!("made each time")),
            Kind::Stream(_) => f.field(&format_args!("sent once")),
            Kind::Spent => f.field(&format_args!("spent")),
        };
        f.finish()
    }
}
