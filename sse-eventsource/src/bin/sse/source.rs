//! The event source that the command line asks for.

use std::error::Error;
use std::io::{self, Read as _};

use sse_eventsource::{EventSource, HttpClient, ReceivedEvent, Reconnect};

use crate::arguments::Arguments;
use crate::tls;

/// How many attempts a request with a body has, unless there is an argument.
const MAX_ATTEMPTS: u32 = 5;

pub(crate) fn build(arguments: &Arguments) -> Result<EventSource, Box<dyn Error>> {
    let mut url = arguments.url.clone().unwrap_or_default();
    if !url.contains("://") {
        url.insert_str(0, "http://");
    }
    let has_body = arguments.data.is_some();
    let method = match &arguments.request {
        Some(method) => method,
        None if has_body => "POST",
        None => "GET",
    };
    let mut builder = EventSource::builder(method.parse()?, url)
        .header("user-agent", concat!("sse/", env!("CARGO_PKG_VERSION")))
        .compression(arguments.compressed)
        .idle_timeout(arguments.idle_timeout)
        .event_timeout(arguments.event_timeout);
    if let Some(limit) = arguments.response_timeout {
        builder = builder.response_timeout(limit);
    }
    if let Some(data) = &arguments.data {
        builder = builder
            .header("content-type", "application/json")
            .body(body(data)?)
            .max_attempts(MAX_ATTEMPTS)
            .reconnect(Reconnect::UntilOpen);
    }
    if arguments.no_reconnect {
        builder = builder.reconnect(Reconnect::Never);
    }
    for (name, value) in &arguments.header {
        builder = builder.header(name.as_str(), value.as_str());
    }
    if let Some(id) = &arguments.last_event_id {
        builder = builder.last_event_id(id);
    }
    if let Some(attempts) = arguments.max_attempts {
        builder = builder.max_attempts(attempts);
    }
    if arguments.any_content_type {
        builder = builder.accept_content_type(|_| true);
    }
    if let Some(until) = arguments.until.clone() {
        builder = builder.end_if(move |event| event.data() == until);
    }
    if let Some(pointer) = arguments.select.clone() {
        builder = builder.fail_if(move |event| is_failure(event, &pointer));
    }
    Ok(builder.build_with(client(arguments)?)?)
}

fn client(arguments: &Arguments) -> Result<HttpClient, Box<dyn Error>> {
    let mut client = HttpClient::new().proxies_from_env();
    if let Some(limit) = arguments.connect_timeout {
        client = client.connect_timeout(limit);
    }
    if arguments.http2_prior_knowledge {
        client = client.http2_prior_knowledge();
    }
    if let Some(config) = tls::config(arguments)? {
        client = client.tls_config(config);
    }
    #[cfg(unix)]
    if let Some(path) = &arguments.unix_socket {
        client = client.unix_socket(path);
    }
    Ok(client)
}

/// Whether an event reports that the server has failed: by its name, or by an `error` in its JSON
/// that is not what is selected.
fn is_failure(event: &ReceivedEvent, pointer: &str) -> bool {
    let has_error = || {
        let json: serde_json::Value = event.json().ok()?;
        Some(!json.get("error")?.is_null())
    };
    let selects_error = pointer == "/error" || pointer.starts_with("/error/");
    event.event() == "error" || !selects_error && has_error().unwrap_or(false)
}

/// Reads the body that the value of `--data` stands for.
fn body(data: &str) -> io::Result<Vec<u8>> {
    match data.strip_prefix('@') {
        None => Ok(data.into()),
        Some("-") => {
            let mut body = Vec::new();
            io::stdin().read_to_end(&mut body)?;
            Ok(body)
        }
        Some(path) => std::fs::read(path)
            .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}"))),
    }
}
