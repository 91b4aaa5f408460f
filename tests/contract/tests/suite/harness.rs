//! The other side of the service: a server of event streams, which a test writes, and of callbacks,
//! whose messages a test reads in order.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, LOCATION};
use ::http::request::Parts;
use ::http::{HeaderMap, Method, Request, StatusCode};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// The limit on every wait.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Waits with a time limit.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = timeout(TIMEOUT, future).await;
    done.unwrap_or_else(|_| panic!("no {what} within {TIMEOUT:?}"))
}

/// The service, and the servers that it connects to.
pub(crate) struct Harness {
    pub(crate) process: Child,
    pub(crate) service: String,
    http: HttpClient<HttpConnector, Full<Bytes>>,
    server: JoinHandle<()>,
    state: Arc<Server>,
    url: String,
    connections: Mutex<mpsc::UnboundedReceiver<Connection>>,
}

impl Harness {
    pub(crate) async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_sse-contract-service"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the service starts");
        let output = process.stdout.take().expect("its output");
        let mut lines = BufReader::new(output).lines();
        let line = soon("output of the service", lines.next_line()).await;
        let line = line.expect("its output").expect("a line");
        let service = line.strip_prefix("listening on ").expect("its address");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (connected, connections) = mpsc::unbounded_channel();
        let state = Arc::new(Server {
            connected,
            callbacks: Mutex::default(),
            requests: AtomicUsize::new(0),
        });
        let routes = Router::new()
            .route("/stream", any(stream))
            .route("/status/{status}", any(status))
            .route("/failing-once/{status}", any(failing_once))
            .route("/redirect/{status}/{location}", any(redirect))
            .route("/type/{subtype}", any(text))
            .route("/callbacks/{client}/{number}", post(callback))
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        Self {
            process,
            service: service.to_owned(),
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            server,
            state,
            url,
            connections: Mutex::new(connections),
        }
    }

    /// Returns the URL of a path of the harness.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a request to the service.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> (StatusCode, HeaderMap, String) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.service))
            .body(Full::new(body.into()))
            .expect("a request");
        let response = soon("response", self.http.request(request)).await;
        let (head, body) = response.expect("a response").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        (head.status, head.headers, body)
    }

    /// Makes the service start a client, by default of the stream.
    pub(crate) async fn client(&self, parameters: Value) -> Client<'_> {
        let (sender, messages) = mpsc::unbounded_channel();
        let mut callbacks = self.state.callbacks.lock().await;
        let number = callbacks.len();
        callbacks.push(sender);
        drop(callbacks);
        let mut all = json!({
            "streamUrl": self.url("/stream"),
            "callbackUrl": self.url(&format!("/callbacks/{number}")),
            "tag": "a test",
        });
        let all_parameters = all.as_object_mut().expect("an object");
        all_parameters.extend(parameters.as_object().expect("an object").clone());
        let (status, headers, body) = self.request(Method::POST, "/", all.to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let location = headers[LOCATION].to_str().expect("a path");
        Client {
            harness: self,
            path: location.to_owned(),
            messages,
            early: BTreeMap::new(),
            read: 0,
        }
    }

    /// Starts a client, and returns it with its connection.
    pub(crate) async fn connected(&self, parameters: Value) -> (Client<'_>, Connection) {
        let client = self.client(parameters).await;
        (client, self.connection().await)
    }

    /// Waits for the next connection to the stream.
    pub(crate) async fn connection(&self) -> Connection {
        let mut connections = self.connections.lock().await;
        let connection = soon("connection", connections.recv()).await;
        connection.expect("the server is there")
    }

    /// Returns the number of requests, without callbacks.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A client of the service.
pub(crate) struct Client<'a> {
    harness: &'a Harness,
    pub(crate) path: String,
    messages: mpsc::UnboundedReceiver<(u64, Value)>,
    /// The messages that arrived before their turn.
    early: BTreeMap<u64, Value>,
    read: u64,
}

impl Client<'_> {
    /// Sends a command.
    pub(crate) async fn command(&self, command: Value) -> StatusCode {
        let harness = self.harness;
        let sent = harness.request(Method::POST, &self.path, command.to_string());
        sent.await.0
    }

    /// Waits for the next message.
    pub(crate) async fn message(&mut self) -> Value {
        self.read += 1;
        loop {
            if let Some(message) = self.early.remove(&self.read) {
                return message;
            }
            let message = soon("message", self.messages.recv()).await;
            let (number, message) = message.expect("the server is there");
            assert!(number >= self.read, "message {number} arrived twice");
            let known = self.early.insert(number, message);
            assert!(known.is_none(), "message {number} arrived twice");
        }
    }

    /// Expects this event as the next message.
    pub(crate) async fn expect_event(&mut self, event: &str, data: &str, id: &str) {
        let message = self.message().await;
        let expected = json!({ "type": event, "data": data, "id": id });
        assert_eq!(message, json!({ "kind": "event", "event": expected }));
    }

    /// Expects events of the default type and without an ID as the next messages.
    pub(crate) async fn expect_data(&mut self, data: &[&str]) {
        for data in data {
            self.expect_event("message", data, "").await;
        }
    }

    pub(crate) async fn expect_comment(&mut self, comment: &str) {
        let message = self.message().await;
        assert_eq!(message, json!({ "kind": "comment", "comment": comment }));
    }

    /// Expects an error as the next message, and returns its text.
    pub(crate) async fn expect_error(&mut self) -> String {
        let message = self.message().await;
        assert_eq!(message["kind"], "error", "{message}");
        assert_eq!(message["error"], message["comment"]);
        message["error"].as_str().expect("a text").to_owned()
    }

    /// Closes the client, and expects no further message.
    pub(crate) async fn close(mut self) {
        let request = self.harness.request(Method::DELETE, &self.path, "");
        assert_eq!(request.await.0, StatusCode::NO_CONTENT);
        if let Ok((number, message)) = self.messages.try_recv() {
            panic!("message {number} was not expected: {message}");
        }
        assert!(self.early.is_empty(), "{:?}", self.early);
    }
}

/// A connection to the stream: the request, and the response that the test writes.
pub(crate) struct Connection {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    chunks: mpsc::UnboundedSender<io::Result<Bytes>>,
}

impl Connection {
    /// Returns the value of a header of the request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.head.headers.get(name)?;
        Some(value.to_str().expect("text"))
    }

    /// Sends a chunk.
    pub(crate) fn send(&self, chunk: impl Into<Vec<u8>>) {
        let chunk = Bytes::from(chunk.into());
        self.chunks.send(Ok(chunk)).expect("the client is there");
    }

    /// Sends chunks of this length, with pauses so that they are read one by one.
    pub(crate) async fn send_in_pieces(&self, bytes: impl AsRef<[u8]>, len: usize) {
        for piece in bytes.as_ref().chunks(len) {
            self.send(piece);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends the response in order.
    pub(crate) fn end(self) {}

    /// Cuts the connection in the middle of the response.
    pub(crate) fn cut(self) {
        let cut = Err(io::ErrorKind::ConnectionAborted.into());
        self.chunks.send(cut).expect("the client is there");
    }

    /// Waits until the client has closed the connection.
    pub(crate) async fn closed(self) {
        soon("end of the connection", self.chunks.closed()).await;
    }
}

struct Server {
    connected: mpsc::UnboundedSender<Connection>,
    /// By client.
    callbacks: Mutex<Vec<mpsc::UnboundedSender<(u64, Value)>>>,
    requests: AtomicUsize,
}

async fn stream(State(server): State<Arc<Server>>, request: Request<Body>) -> Response {
    server.requests.fetch_add(1, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let (chunks, response) = mpsc::unbounded_channel();
    let connection = Connection { head, body, chunks };
    // An error means that the test has ended.
    let _ = server.connected.send(connection);
    let body = Body::from_stream(UnboundedReceiverStream::new(response));
    ([(CONTENT_TYPE, "text/event-stream; charset=utf-8")], body).into_response()
}

async fn status(State(server): State<Arc<Server>>, Path(status): Path<u16>) -> Response {
    server.requests.fetch_add(1, Ordering::SeqCst);
    StatusCode::from_u16(status)
        .expect("a status")
        .into_response()
}

/// Answers the first request with a status, and the following ones with the stream.
async fn failing_once(
    server: State<Arc<Server>>,
    path: Path<u16>,
    request: Request<Body>,
) -> Response {
    match server.requests.load(Ordering::SeqCst) {
        0 => status(server, path).await,
        _ => stream(server, request).await,
    }
}

async fn redirect(
    State(server): State<Arc<Server>>,
    Path((status, location)): Path<(u16, String)>,
) -> Response {
    server.requests.fetch_add(1, Ordering::SeqCst);
    let status = StatusCode::from_u16(status).expect("a status");
    match &*location {
        "missing" => status.into_response(),
        "empty" => (status, [(LOCATION, "")]).into_response(),
        location => (status, [(LOCATION, format!("/{location}"))]).into_response(),
    }
}

async fn text(State(server): State<Arc<Server>>, Path(subtype): Path<String>) -> Response {
    server.requests.fetch_add(1, Ordering::SeqCst);
    let content_type = format!("text/{subtype}");
    ([(CONTENT_TYPE, content_type)], "data: x\n\n").into_response()
}

async fn callback(
    State(server): State<Arc<Server>>,
    Path((client, number)): Path<(usize, u64)>,
    message: Request<Body>,
) -> StatusCode {
    let message = to_bytes(message.into_body(), usize::MAX)
        .await
        .expect("a body");
    let message = serde_json::from_slice(&message).expect("JSON");
    // An error means that the test has dropped the client.
    let _ = server.callbacks.lock().await[client].send((number, message));
    StatusCode::ACCEPTED
}
