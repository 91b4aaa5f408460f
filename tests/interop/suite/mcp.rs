//! What a server of the Model Context Protocol answers besides the stream of a tool.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::server::{Answer, Request};

/// Returns the id of the call of a tool that a request makes or, as a client of a cut stream does, comes
/// back for; or the answer to any other request.
pub(crate) fn called(request: &Request) -> Result<Value, Answer> {
    if request.method == Method::GET && request.resumes {
        // The second request of each client, after the one with which it begins.
        return Ok(json!(1));
    }
    if request.method != Method::POST {
        // There is no stream besides those of requests.
        return Err(status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let id = &message["id"];
    match message["method"].as_str() {
        Some("tools/call") => Ok(id.clone()),
        Some("initialize") => Err(result(
            id,
            &json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": { "tools": {}, "logging": {} },
                "serverInfo": { "name": "server", "version": "1" },
            }),
        )),
        Some("tools/list") => Err(result(
            id,
            &json!({
                "tools": [{ "name": "tool", "inputSchema": { "type": "object" } }],
            }),
        )),
        _ => Err(status(StatusCode::ACCEPTED)),
    }
}

fn result(id: &Value, result: &Value) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    Answer::Plain(response.body(Bytes::from(body)).expect("a valid header"))
}

fn status(status: StatusCode) -> Answer {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    Answer::Plain(response)
}
