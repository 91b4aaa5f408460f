//! Streams of HTTP/2 that share a connection, as those of a browser or a proxy do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, StatusCode, Version};
use sse_hub_testing::reader::{Event, Reader};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::line::End;

/// How much of a stream may be under way to a client that stalls.
const STREAM_WINDOW: u32 = 64 * 1024 - 1;

/// The same of a connection. Streams that stall must not hold back the others.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A connection that some clients share. It is opened by the first of them, and again after a reset.
#[derive(Debug)]
pub(crate) struct Shared {
    port: u16,
    /// Whether the connection ends with RST.
    with_rst: bool,
    open: tokio::sync::Mutex<Option<Open>>,
    /// What resets the connection.
    resetting: Mutex<Option<Resetting>>,
}

#[derive(Clone, Debug)]
struct Open {
    requests: SendRequest<Bytes>,
    resetting: Resetting,
}

#[derive(Clone, Debug)]
struct Resetting {
    task: AbortHandle,
    was_reset: Arc<AtomicBool>,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    body: RecvStream,
    sender: SendStream<Bytes>,
    reader: Reader,
    was_reset: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new(port: u16, with_rst: bool) -> Self {
        Self {
            port,
            with_rst,
            open: tokio::sync::Mutex::default(),
            resetting: Mutex::default(),
        }
    }

    /// Resets the connection, with all streams. Returns whether there is one.
    pub(crate) fn reset(&self) -> bool {
        let resetting = self.resetting.lock();
        let resetting = resetting.unwrap_or_else(PoisonError::into_inner).take();
        resetting.is_some_and(|it| {
            it.was_reset.store(true, Ordering::Relaxed);
            // The task owns the connection.
            it.task.abort();
            true
        })
    }

    /// Opens a stream.
    pub(crate) async fn open(&self, topics: &str, id: Option<&str>) -> io::Result<Stream> {
        loop {
            let (response, sender, was_reset) = self.request(topics, id).await?;
            match response.await {
                Ok(response) if response.status() == StatusCode::OK => {
                    return Ok(Stream {
                        body: response.into_body(),
                        sender,
                        reader: Reader::after(id),
                        was_reset,
                    });
                }
                Ok(response) => return Err(io::Error::other(response.status().to_string())),
                Err(_) if was_reset.load(Ordering::Relaxed) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    /// Sends a request, and resets the stream at once.
    pub(crate) async fn abort(&self, topics: &str) -> io::Result<()> {
        let (_, mut sender, _) = self.request(topics, None).await?;
        sender.send_reset(Reason::CANCEL);
        Ok(())
    }

    async fn request(
        &self,
        topics: &str,
        id: Option<&str>,
    ) -> io::Result<(ResponseFuture, SendStream<Bytes>, Arc<AtomicBool>)> {
        let mut request = Request::get(format!("http://localhost/?{topics}"))
            .version(Version::HTTP_2)
            .body(())
            .map_err(io::Error::other)?;
        if let Some(id) = id {
            let id = id.parse().map_err(io::Error::other)?;
            request.headers_mut().insert("last-event-id", id);
        }
        loop {
            let mut open = self.open.lock().await;
            let Open {
                mut requests,
                resetting: Resetting { was_reset, .. },
            } = match &*open {
                Some(open) if !open.resetting.is_over() => open.clone(),
                _ => open.insert(self.connect().await?).clone(),
            };
            drop(open);
            let sent = async {
                requests = requests.ready().await?;
                requests.send_request(request.clone(), true)
            };
            match sent.await {
                Ok((response, sender)) => return Ok((response, sender, was_reset)),
                Err(_) if was_reset.load(Ordering::Relaxed) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    async fn connect(&self) -> io::Result<Open> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        if self.with_rst {
            stream.set_zero_linger()?;
        }
        stream.set_nodelay(true)?;
        let (requests, connection) = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(stream)
            .await
            .map_err(io::Error::other)?;
        let task = tokio::spawn(connection);
        let resetting = Resetting {
            task: task.abort_handle(),
            was_reset: Arc::default(),
        };
        let current = self.resetting.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = Some(resetting.clone());
        Ok(Open {
            requests,
            resetting,
        })
    }
}

impl Resetting {
    fn is_over(&self) -> bool {
        self.was_reset.load(Ordering::Relaxed)
    }
}

impl Stream {
    pub(crate) async fn read(&mut self) -> Result<Vec<Event>, End> {
        loop {
            let Some(Ok(data)) = self.body.data().await else {
                let was_reset = self.was_reset.load(Ordering::Relaxed);
                return Err(if was_reset { End::Shared } else { End::Server });
            };
            // It fails if the stream has ended meanwhile, which the next read finds.
            let _ = self.body.flow_control().release_capacity(data.len());
            let events = self.reader.feed(&data);
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.reader.id.as_deref()
    }

    pub(crate) fn reset(mut self) {
        self.sender.send_reset(Reason::CANCEL);
    }
}
