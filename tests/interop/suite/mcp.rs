//! What a server of the Model Context Protocol answers besides the stream of a tool.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::server::{Answer, Request, status};

/// Returns the id of the call of a tool that a request makes, or that it comes back for after a cut.
pub(crate) fn called(request: &Request) -> Option<Value> {
    if request.method == Method::GET && request.resumes {
        // The second request of each client, after the one with which it begins.
        return Some(json!(1));
    }
    let message = message(request);
    (message["method"] == "tools/call").then(|| message["id"].clone())
}

/// Answers any other request.
pub(crate) fn answer(request: &Request) -> Answer {
    if request.method != Method::POST {
        // There is no stream besides those of requests.
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let message = message(request);
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": {}, "logging": {} },
            "serverInfo": { "name": "server", "version": "1" },
        }),
        Some("tools/list") => json!({
            "tools": [{ "name": "tool", "inputSchema": { "type": "object" } }],
        }),
        _ => return status(StatusCode::ACCEPTED),
    };
    let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    Answer::Plain(response.body(Bytes::from(body)).expect("a valid header"))
}

fn message(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}
