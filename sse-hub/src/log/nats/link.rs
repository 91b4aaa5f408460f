//! The connection to NATS and to its stream: requests, each of which is answered in time.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Statistics;
use async_nats::connection::State;
use async_nats::jetstream::Error as ApiError;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{Context, ContextBuilder};
use async_nats::{Client, ConnectOptions, ToServerAddrs};
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use sse_session::second_look::within;
use tokio::time::Instant;

use crate::log::EngineError;
use crate::log::nats::check;
use crate::log::nats::client;
use crate::log::nats::entry_id::EntryId;
use crate::log::nats::epoch;
use crate::log::nats::error::ConnectError;
use crate::log::nats::finished::Finished;
use crate::log::nats::interest::{Interest, Lease};
use crate::log::nats::not_now::{self, Attempts};
use crate::log::nats::options::NatsOptions;
use crate::log::nats::signal::Signal;
use crate::log::nats::subject::Subjects;

/// The server's code for a stream that does not exist.
const STREAM_NOT_FOUND: u64 = 10_059;

/// How long a stream that was deleted is not created again.
const AFTER_DELETION: Duration = Duration::from_millis(300);

/// How long the information about the stream may take before it is requested again: the servers of a
/// cluster do not answer while the stream has no leader.
const WITHOUT_LEADER: Duration = Duration::from_secs(1);

/// The limit that the crate `async-nats` is given. Every wait has another one here, as its own ones do
/// not look at the connection again before they end a wait.
const UNLIMITED: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of no session.
const NO_SESSION: u64 = u64::MAX;

/// What all parts of an engine share.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    pub(super) stream: Stream<()>,
    statistics: Arc<Statistics>,
    pub(super) signal: Arc<Signal>,
    pub(super) subjects: Subjects,
    pub(super) options: NatsOptions,
    /// What was found out last about the stream.
    known: Mutex<Known>,
    pub(super) end: Mutex<End>,
    /// Held while the end of the stream is requested for the first time in a session.
    pub(super) end_turn: tokio::sync::Mutex<()>,
    /// Whether a mirror was found to answer in place of the stream.
    pub(super) has_mirror: AtomicBool,
    pub(super) interest: Arc<Interest>,
    pub(super) finished: Finished,
}

/// What is known about the stream in a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) session: u64,
    pub(super) epoch: u64,
    /// Whether there are replicas, which may lag behind their leader.
    pub(super) has_replicas: bool,
}

/// The end of the stream, as it was once.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) session: u64,
    pub(super) id: EntryId,
    pub(super) asked_at: Instant,
}

/// The server's information about the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Info {
    pub(super) epoch: u64,
    /// There is no entry before it.
    pub(super) first: u64,
    /// There was never an entry after it.
    pub(super) last: u64,
    /// How many entries the requested topic has.
    pub(super) entries: u64,
    /// How many entries it may have; not limited if negative.
    pub(super) max_entries: i64,
    has_replicas: bool,
    /// Why the stream cannot be used, if it cannot.
    unsuitable: Option<&'static str>,
}

impl Link {
    pub(super) async fn connect(
        options: NatsOptions,
        client: ConnectOptions,
        servers: impl ToServerAddrs,
    ) -> Result<Self, ConnectError> {
        let signal = Arc::default();
        let client = client::connect(client, servers, vec![Arc::clone(&signal)]).await?;
        Self::over(options, client, signal).await
    }

    /// Uses a connection, which notes its events in the signal.
    pub(super) async fn over(
        options: NatsOptions,
        client: Client,
        signal: Arc<Signal>,
    ) -> Result<Self, ConnectError> {
        let jetstream = ContextBuilder::new()
            .timeout(UNLIMITED)
            .max_ack_inflight(
                options
                    .max_in_flight
                    .min(tokio::sync::Semaphore::MAX_PERMITS),
            )
            .build(client.clone());
        let stream = jetstream
            .get_stream_no_info(&options.stream)
            .await
            .map_err(|error| ConnectError::Stream(error.into()))?;
        let statistics = client.statistics();
        let link = Self {
            client,
            jetstream,
            stream,
            subjects: Subjects::new(&options.prefix),
            options,
            known: Mutex::new(Known {
                session: NO_SESSION,
                epoch: 0,
                has_replicas: false,
            }),
            end: Mutex::new(End {
                session: NO_SESSION,
                id: EntryId::unstamped(0).as_end(),
                asked_at: Instant::now(),
            }),
            end_turn: tokio::sync::Mutex::default(),
            has_mirror: AtomicBool::new(false),
            finished: Finished::default(),
            statistics,
            signal,
            interest: Arc::default(),
        };
        // On the heap, as the futures of connecting are kept within one another: on a stack, each copy of
        // this one would take 100 KB in a build without optimization.
        if let Err(error) = link.within(Box::pin(link.known())).await {
            // Which has a reason of its own.
            link.check_config().await?;
            return Err(ConnectError::Stream(error.into()));
        }
        Ok(link)
    }

    pub(super) fn session(&self) -> u64 {
        self.signal.session(&self.statistics)
    }

    pub(super) fn live_epoch(&self) -> u64 {
        self.signal.live_epoch(&self.statistics)
    }

    /// Invalidates what is known in this session: something contradicts it.
    pub(super) fn invalidate(&self, session: u64) {
        self.signal.invalidate(&self.statistics, session);
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(self.client.connection_state(), State::Connected)
    }

    /// Whether the stream is known to exist.
    pub(super) fn is_up(&self) -> bool {
        self.is_connected() && lock(&self.known).session == self.session()
    }

    /// Subscribes to a topic, unless that was done before.
    pub(super) async fn acquire(&self, name: &str) -> Result<Lease, EngineError> {
        let subject = self.subjects.live(name);
        let lease = self.interest.acquire(&self.client, name, subject).await?;
        self.signal.wake();
        Ok(lease)
    }

    /// Waits for an answer, which fails in time; and at once if the connection is lost, as requests
    /// over it are not answered then.
    pub(super) async fn answer<T>(
        &self,
        request: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let lost = pin!(self.signal.disconnected());
        let limit = self.options.answer_within;
        match within(limit, select(pin!(request), lost)).await {
            Some(Either::Left((answer, _))) => answer,
            Some(Either::Right(_)) => Err(EngineError::Unavailable),
            None => Err(EngineError::TimedOut { limit }),
        }
    }

    /// Begins attempts of a request.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts::new(self.options.answer_within)
    }

    /// Waits before another attempt of a request that has failed, and did nothing; `None` if another
    /// one is of no use.
    pub(super) async fn retry(&self, attempts: &mut Attempts, error: &EngineError) -> Option<()> {
        if self.lacks_jetstream() || !self.is_connected() || !not_now::is_not_now(error) {
            return None;
        }
        attempts.wait().await
    }

    /// Whether the server has no JetStream, and no others that have it.
    pub(super) fn lacks_jetstream(&self) -> bool {
        let server = self.client.server_info();
        !server.jetstream && server.cluster.is_none()
    }

    /// Makes a new connection, to another one of the servers if there are several.
    pub(super) async fn leave_server(&self) {
        let servers = self.client.server_pool().await;
        if servers.is_ok_and(|servers| servers.len() > 1) {
            // It fails only when the client has ended.
            let _ = self.client.force_reconnect().await;
        }
    }

    async fn within<T>(
        &self,
        request: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let limit = self.options.answer_within;
        within(limit, request)
            .await
            .unwrap_or(Err(EngineError::TimedOut { limit }))
    }

    /// Returns which stream it is in this session. If there is none, it is created.
    ///
    /// All callers just after the beginning of a session send requests of their own. If one sent
    /// the request for all, they would depend on a future that may not be polled again.
    pub(super) async fn known(&self) -> Result<Known, EngineError> {
        loop {
            let session = self.session();
            let known = *lock(&self.known);
            if known.session == session {
                return Ok(known);
            }
            let info = self.info_or_create(known).await?;
            if let Some(reason) = info.unsuitable {
                return Err(EngineError::Refused(
                    ConnectError::Unsuitable(reason).to_string(),
                ));
            }
            let mut known = lock(&self.known);
            // Another caller may have asked later and stored its answer earlier.
            if known.session != session || known.epoch < info.epoch {
                *known = Known {
                    session,
                    epoch: info.epoch,
                    has_replicas: info.has_replicas,
                };
            }
        }
    }

    async fn info_or_create(&self, before: Known) -> Result<Info, EngineError> {
        let mut attempts = self.attempts();
        // It does no harm to ask again.
        let limit = match self.client.server_info().cluster {
            Some(_) => self.options.answer_within.min(WITHOUT_LEADER),
            None => self.options.answer_within,
        };
        loop {
            // Boxed, as it is large, and is part of most other futures here.
            let info = Box::pin(self.try_info_or_create(before));
            match within(limit, info).await {
                None if attempts.wait().await.is_some() => {}
                None => return Err(EngineError::TimedOut { limit }),
                Some(Err(error)) if self.retry(&mut attempts, &error).await.is_some() => {}
                Some(info) => return info,
            }
        }
    }

    async fn try_info_or_create(&self, before: Known) -> Result<Info, EngineError> {
        if let Some(info) = self.info(None).await? {
            return Ok(info);
        }
        if before.session != NO_SESSION {
            // It is being deleted: some servers create an unusable stream if one of the same name is
            // created meanwhile.
            tokio::time::sleep(AFTER_DELETION).await;
            if let Some(info) = self.info(None).await? {
                return Ok(info);
            }
        }
        // Several nodes may do this at once. To most servers, creating the same stream twice is no error; some find that
        // the subjects overlap with those of the one that is being created.
        let config = self.options.stream_config(&self.subjects);
        let created = self.jetstream.create_stream(config);
        let created = created.map_err(|error| EngineError::Client(error.into()));
        if let Err(error) = self.within(created).await {
            return self.info(None).await?.ok_or(error);
        }
        tracing::info!(stream = self.options.stream, "stream created");
        let info = self.info(None).await?;
        info.ok_or(EngineError::InvalidAnswer("the stream that was created"))
    }

    /// Requests the information about the stream; `None` if there is none. With a subject, it
    /// includes the number of entries of that.
    pub(super) async fn info(&self, subject: Option<&str>) -> Result<Option<Info>, EngineError> {
        let Some(info) = self.raw_info(subject).await? else {
            return Ok(None);
        };
        let number = |path: &str| info.pointer(path).and_then(Value::as_u64);
        let created = info["created"].as_str().and_then(epoch::of);
        let epoch = created.ok_or(not_now::BEING_CREATED)?;
        Ok(Some(Info {
            epoch,
            first: number("/state/first_seq").unwrap_or(0),
            last: number("/state/last_seq").unwrap_or(0),
            entries: subject
                .and_then(|subject| info["state"]["subjects"][subject].as_u64())
                .unwrap_or(0),
            max_entries: info["config"]["max_msgs_per_subject"]
                .as_i64()
                .unwrap_or(-1),
            has_replicas: number("/config/num_replicas").unwrap_or(1) > 1,
            unsuitable: check::config(&info["config"], &self.subjects).err(),
        }))
    }

    async fn raw_info(&self, subject: Option<&str>) -> Result<Option<Value>, EngineError> {
        self.check_connected()?;
        let request = subject.map_or_else(|| json!({}), |one| json!({ "subjects_filter": one }));
        let info = self
            .jetstream
            .request(format!("STREAM.INFO.{}", self.options.stream), &request)
            .map_err(|error| EngineError::Client(error.into()));
        let info: Value = self.within(info).await?;
        match &info["error"] {
            Value::Null => Ok(Some(info)),
            error if error["err_code"].as_u64() == Some(STREAM_NOT_FOUND) => Ok(None),
            error => Err(match serde_json::from_value::<ApiError>(error.clone()) {
                Ok(error) => EngineError::Client(error.into()),
                Err(_) => EngineError::Refused(error["description"].to_string()),
            }),
        }
    }

    /// Checks that the stream, if there is one, is configured as required.
    async fn check_config(&self) -> Result<(), ConnectError> {
        let info = self.within(self.info(None)).await.ok().flatten();
        let reason = info.and_then(|info| info.unsuitable);
        reason.map_or(Ok(()), |reason| Err(ConnectError::Unsuitable(reason)))
    }

    /// Fails while there is no connection: the client would keep requests until there is one, long
    /// after they have timed out.
    pub(super) fn check_connected(&self) -> Result<(), EngineError> {
        if self.is_connected() {
            Ok(())
        } else {
            Err(EngineError::Unavailable)
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic is done under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
