//! The HTTP interface: clients are resources, created by `POST /`, sent commands by `POST` and
//! closed by `DELETE`.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::client::Client;
use crate::protocol::{CAPABILITIES, Command, CreateStream, Status};

#[derive(Default)]
struct Service {
    clients: Mutex<Clients>,
    stop: Notify,
}

#[derive(Default)]
struct Clients {
    created: u64,
    open: BTreeMap<u64, Client>,
}

impl Service {
    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until `DELETE /`.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let service = Arc::new(Service::default());
    let routes = Router::new()
        .route("/", get(status).post(create).delete(stop))
        .route("/clients/{id}", post(command).delete(close))
        .with_state(Arc::clone(&service));
    let stopped = Arc::clone(&service);
    axum::serve(listener, routes)
        .with_graceful_shutdown(async move { stopped.stop.notified().await })
        .await?;
    let open = std::mem::take(&mut service.clients().open);
    for client in open.into_values() {
        client.close().await;
    }
    Ok(())
}

async fn status() -> Json<Status> {
    Json(Status {
        name: "sse-eventsource",
        capabilities: CAPABILITIES,
    })
}

async fn create(State(service): State<Arc<Service>>, body: Bytes) -> Response {
    let parameters = serde_json::from_slice::<CreateStream>(&body);
    let client = parameters
        .map_err(Into::into)
        .and_then(|parameters| Client::start(parameters));
    match client {
        Ok(client) => {
            let mut clients = service.clients();
            clients.created += 1;
            let id = clients.created;
            clients.open.insert(id, client);
            let location = format!("/clients/{id}");
            (StatusCode::CREATED, [(LOCATION, location)]).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn command(
    State(service): State<Arc<Service>>,
    Path(id): Path<u64>,
    body: Bytes,
) -> Response {
    let clients = service.clients();
    let Some(client) = clients.open.get(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match serde_json::from_slice(&body) {
        Ok(Command::Listen {}) => {}
        Ok(Command::Restart {}) => client.restart(),
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn close(State(service): State<Arc<Service>>, Path(id): Path<u64>) -> StatusCode {
    let client = service.clients().open.remove(&id);
    match client {
        Some(client) => {
            client.close().await;
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}

async fn stop(State(service): State<Arc<Service>>) -> StatusCode {
    service.stop.notify_one();
    StatusCode::NO_CONTENT
}
