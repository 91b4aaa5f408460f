//! The server of one client: answers the requests of a case in order from its script, whatever they
//! request, and all further ones with 204. It records the requests.
//!
//! In a race, which compares reconnection times, the first streams end together once all are open.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::cases::{Case, cases, stream};
use crate::races::{CONTROL, Race, races};

const PAGE: &str = include_str!("page.html");
const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
const STOP: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The headers of the request that are compared, besides the last event ID.
const HEADERS: [&str; 3] = ["accept", "cache-control", "pragma"];

/// The script for one client, and its requests.
pub(crate) struct Script {
    cases: Vec<Case>,
    races: Vec<Race>,
    /// For each race, the moment when all streams are open.
    starts: Vec<Barrier>,
    /// For each race, the moment when the control has ended.
    ends: Vec<Barrier>,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// By case: its requests, without the parts that are always the same.
    requests: BTreeMap<usize, Vec<String>>,
    /// The headers of all requests of cases.
    headers: BTreeSet<String>,
    /// By race: the streams that were requested again, in this order.
    returned: BTreeMap<usize, Vec<usize>>,
    /// By race: the streams that were requested.
    requested: BTreeMap<usize, BTreeSet<usize>>,
}

impl Script {
    pub(crate) fn new(cases: Vec<Case>, races: Vec<Race>) -> Self {
        let barriers = || races.iter().map(|race| Barrier::new(race.streams().len()));
        Self {
            starts: barriers().collect(),
            ends: barriers().collect(),
            cases,
            races,
            record: Mutex::default(),
        }
    }

    /// Returns the requests of a case.
    pub(crate) fn requests(&self, case: usize) -> Vec<String> {
        let record = self.record();
        record.requests.get(&case).cloned().unwrap_or_default()
    }

    /// Returns the headers of all requests.
    pub(crate) fn headers(&self) -> BTreeSet<String> {
        self.record().headers.clone()
    }

    /// Returns the streams of a race that were requested again before the control.
    pub(crate) fn before_the_control(&self, race: usize) -> BTreeSet<usize> {
        let record = self.record();
        let returned = record.returned.get(&race).into_iter().flatten().copied();
        returned.take_while(|stream| *stream != CONTROL).collect()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the request of a case, and returns its answer.
    fn answer(&self, index: usize, case: &Case, request: &Request) -> Vec<u8> {
        let mut record = self.record();
        record.headers.extend(request.headers.iter().cloned());
        let requests = record.requests.entry(index).or_default();
        requests.push(request.to_line());
        let answer = case.answers.get(requests.len() - 1).cloned();
        answer.unwrap_or_else(|| STOP.into())
    }

    /// Records the request of a stream in a race. Returns whether it is a repeated one.
    fn has_returned(&self, race: usize, stream: usize) -> bool {
        let mut record = self.record();
        let returned = !record.requested.entry(race).or_default().insert(stream);
        if returned {
            record.returned.entry(race).or_default().push(stream);
        }
        returned
    }
}

/// Returns the paths of all cases.
pub(crate) fn case_paths() -> Vec<String> {
    let cases = 0..cases().len();
    cases.map(|case| format!("/case/{case}/start")).collect()
}

/// Returns the paths of the streams, for each race.
pub(crate) fn race_paths() -> Vec<Vec<String>> {
    let paths = |(race, streams): (usize, Race)| {
        let streams = 0..streams.streams().len();
        streams
            .map(|stream| format!("/race/{race}/{stream}"))
            .collect()
    };
    races().into_iter().enumerate().map(paths).collect()
}

/// Listens on a free port.
pub(crate) async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves while it is polled.
pub(crate) async fn serve(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((io, _)) = listener.accept().await {
        connections.spawn(converse(io, Arc::clone(&script)));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(mut io: TcpStream, script: Arc<Script>) -> io::Result<()> {
    io.set_nodelay(true)?;
    // A browser also opens connections on which it sends no request.
    let Some(request) = Request::read(&mut io).await? else {
        return Ok(());
    };
    let mut segments = request.path.split('/').skip(1);
    let kind = segments.next().unwrap_or_default();
    let mut number = || segments.next().and_then(|number| number.parse().ok());
    match (kind, number(), number()) {
        ("", ..) => io.write_all(&[HTML, PAGE].concat().into_bytes()).await?,
        ("case", Some(index), _) if index < script.cases.len() => {
            let answer = script.answer(index, &script.cases[index], &request);
            io.write_all(&answer).await?;
        }
        ("race", Some(index), Some(slot)) if index < script.races.len() => {
            race(&mut io, &script, index, slot).await?;
        }
        _ => io.write_all(NOT_FOUND.as_bytes()).await?,
    }
    io.shutdown().await
}

async fn race(io: &mut TcpStream, script: &Script, index: usize, slot: usize) -> io::Result<()> {
    if script.has_returned(index, slot) {
        return io.write_all(STOP.as_bytes()).await;
    }
    let body = script.races[index].streams()[slot];
    io.write_all(&stream(body)).await?;
    script.starts[index].wait().await;
    if slot == CONTROL {
        io.shutdown().await?;
    }
    script.ends[index].wait().await;
    Ok(())
}

struct Request {
    method: String,
    path: String,
    headers: Vec<String>,
    last_event_id: Option<String>,
    cookie: Option<String>,
}

impl Request {
    /// Reads the head of a request. Returns `None` if the client closes the connection before.
    async fn read(io: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(io);
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let first = String::from_utf8_lossy(&line).into_owned();
        let mut words = first.split(' ').map(ToOwned::to_owned);
        let mut request = Self {
            method: words.next().unwrap_or_default(),
            path: words.next().unwrap_or_default(),
            headers: Vec::new(),
            last_event_id: None,
            cookie: None,
        };
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&line);
            let Some((name, value)) = line.split_once(':') else {
                return Ok(Some(request));
            };
            let name = name.to_ascii_lowercase();
            // White space around a value is not part of it (RFC 9110 § 5.5).
            let value = value.trim_matches([' ', '\t', '\r', '\n']);
            match &*name {
                "last-event-id" => request.last_event_id = Some(value.to_owned()),
                "cookie" => request.cookie = Some(value.to_owned()),
                name if HEADERS.contains(&name) => {
                    request.headers.push(format!("{name}: {value}"));
                }
                _ => {}
            }
        }
    }

    /// Returns what differs between the requests of a case.
    fn to_line(&self) -> String {
        let path = self.path.rsplit('/').next().unwrap_or_default();
        let mut line = match &*self.method {
            "GET" => path.to_owned(),
            method => format!("{method} {path}"),
        };
        for (word, value) in [("after", &self.last_event_id), ("with", &self.cookie)] {
            if let Some(value) = value {
                line.push_str(&format!(" {word} {value:?}"));
            }
        }
        line
    }
}
