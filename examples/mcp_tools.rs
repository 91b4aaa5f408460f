//! What the server of the example `mcp_server` offers: a tool that counts. There is nothing of streams here.

use serde_json::{Value, json};
use sse_hub::{Hub, PublishError};
use tokio::time::{Duration, sleep};

/// Returns the answer to a message; `None` if it needs none.
pub(crate) fn answer(message: &Value) -> Option<Value> {
    let result = match message["method"].as_str()? {
        "initialize" => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "logging": {}, "tools": {} },
            "serverInfo": { "name": "counter", "version": "1.0.0" },
        }),
        "tools/list" => {
            json!({ "tools": [{ "name": "count", "inputSchema": { "type": "object" } }] })
        }
        "logging/setLevel" | "ping" => json!({}),
        _ if message["id"].is_null() => return None,
        _ => {
            let error = json!({ "code": -32601, "message": "method not found" });
            return Some(json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }));
        }
    };
    Some(response(message, &result))
}

/// Publishes the messages of a call, and finishes its topic with the result.
pub(crate) async fn call(hub: Hub, topic: String, call: Value) -> Result<(), PublishError> {
    let arguments = &call["params"]["arguments"];
    let name = arguments["name"].as_str().unwrap_or("client");
    for number in 1..=3 {
        let params = json!({ "level": "info", "data": format!("{name} {number}") });
        let log = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params });
        hub.publish(&topic, log).await?;
        sleep(Duration::from_millis(50)).await;
    }
    let content = json!([{ "type": "text", "text": format!("{name} counted to 3") }]);
    let result = response(&call, &json!({ "content": content }));
    hub.finish(&topic, result).await.map(drop)
}

fn response(request: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })
}
