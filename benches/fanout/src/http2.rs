//! The load generator's streams over HTTP/2, several on each connection.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use h2::{Reason, RecvStream};
use http::Request;
use sse_bench_process::Body as _;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::events::Deliveries;
use crate::process::Process;

/// How long nothing may arrive while an event is expected.
const TIMEOUT: Duration = Duration::from_secs(30);

/// More than a connection receives in a run, so that the window of the streams is not what limits.
const WINDOW: u32 = 1 << 30;

/// Streams of one server, each with its task in the load generator's only thread.
pub(crate) struct Streams {
    runtime: Runtime,
    tasks: LocalSet,
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    progress: RefCell<Progress>,
    changed: Notify,
}

#[derive(Default)]
struct Progress {
    /// How many streams have the event that is waited for.
    have: usize,
    all: usize,
    waited_for: u64,
    failure: Option<io::Error>,
}

impl Streams {
    /// Opens so many connections with so many streams each.
    pub(crate) fn open(process: &Process, connections: u64, each: u64) -> io::Result<Self> {
        let streams = Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            tasks: LocalSet::new(),
            shared: Rc::default(),
        };
        let opened = async {
            for _ in 0..connections {
                let mut requests = connect(process.address()).await?;
                for _ in 0..each {
                    streams.add(&mut requests, process).await?;
                }
            }
            Ok::<_, io::Error>(())
        };
        streams.tasks.block_on(&streams.runtime, opened)?;
        Ok(streams)
    }

    async fn add(&self, requests: &mut SendRequest<Bytes>, process: &Process) -> io::Result<()> {
        let request = Request::get(format!("http://{}/events", process.address()));
        let request = request.body(()).map_err(io::Error::other)?;
        let mut ready = requests.clone().ready().await.map_err(io::Error::other)?;
        let (response, _) = ready
            .send_request(request, true)
            .map_err(io::Error::other)?;
        let body = response.await.map_err(io::Error::other)?.into_body();
        self.shared.progress.borrow_mut().all += 1;
        let shared = Rc::clone(&self.shared);
        let deliveries = Deliveries::after(process.published());
        tokio::task::spawn_local(async move {
            if let Err(error) = read(body, deliveries, &shared).await {
                shared.progress.borrow_mut().failure = Some(error);
                shared.changed.notify_one();
            }
        });
        Ok(())
    }

    /// Waits until all have the event with this number, which is not published yet.
    pub(crate) fn wait_for(
        &self,
        number: u64,
        publish: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        {
            let mut progress = self.shared.progress.borrow_mut();
            progress.have = 0;
            progress.waited_for = number;
        }
        publish()?;
        let all_have = async {
            loop {
                {
                    let mut progress = self.shared.progress.borrow_mut();
                    if let Some(error) = progress.failure.take() {
                        return Err(error);
                    }
                    if progress.have == progress.all {
                        return Ok(());
                    }
                }
                self.shared.changed.notified().await;
            }
        };
        let within = async { timeout(TIMEOUT, all_have).await? };
        self.tasks.block_on(&self.runtime, within)
    }
}

async fn connect(address: SocketAddr) -> io::Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut builder = client::Builder::new();
    builder
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    let (requests, connection) = builder.handshake(stream).await.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        // An error shows in the streams as well.
        let _ = connection.await;
    });
    Ok(requests)
}

async fn read(mut body: RecvStream, mut deliveries: Deliveries, shared: &Shared) -> io::Result<()> {
    while let Some(data) = body.data().await {
        let data = data.map_err(io::Error::other)?;
        body.flow_control()
            .release_capacity(data.len())
            .map_err(io::Error::other)?;
        let before = deliveries.next();
        deliveries.take(&data)?;
        let mut progress = shared.progress.borrow_mut();
        let number = progress.waited_for;
        if before <= number && deliveries.has(number) {
            progress.have += 1;
            if progress.have == progress.all {
                shared.changed.notify_one();
            }
        }
    }
    Err(io::Error::other(h2::Error::from(Reason::STREAM_CLOSED)))
}
