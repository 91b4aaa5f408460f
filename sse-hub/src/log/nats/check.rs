//! Whether an existing stream is configured as required.

use serde_json::Value;

use crate::log::nats::subject::Subjects;

/// Returns why a stream with this configuration cannot be used.
///
/// Fields that a server does not know are missing, and those that it knows may be missing if they are
/// not set.
pub(super) fn config(config: &Value, subjects: &Subjects) -> Result<(), &'static str> {
    let is_set = |name: &str| match &config[name] {
        Value::Null | Value::Bool(false) => false,
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let all = config["subjects"].as_array();
    let wanted = subjects.all_logs();
    let has_subjects =
        all.is_some_and(|all| all.iter().any(|subject| subject.as_str() == Some(&wanted)));
    let republish = &config["republish"];
    for (holds, reason) in [
        (has_subjects, "it does not take the topics' subjects"),
        (
            !is_set("subject_transform") && !is_set("sealed"),
            "it transforms subjects, or is sealed",
        ),
        (
            republish["src"].as_str() == Some(&wanted)
                && republish["dest"].as_str() == Some(&subjects.all_live())
                && republish["headers_only"] != true,
            "it does not republish to the live subjects",
        ),
        (config["storage"] == "file", "it is not stored in files"),
        (
            config["persist_mode"] != "async",
            "it answers before it has stored",
        ),
        (!is_set("no_ack"), "it does not answer what is published"),
        (
            config["allow_direct"] == true,
            "it does not allow direct gets",
        ),
        (
            config["retention"] == "limits" && config["discard"] == "old",
            "it does not discard old events by limits",
        ),
        (
            config["deny_purge"] == true && config["deny_delete"] == true,
            "it does not deny to delete and to purge",
        ),
        // Each of them makes holes amid a topic, which nothing shows.
        (
            !is_set("allow_msg_ttl"),
            "it allows a time to live for single messages",
        ),
        (
            !is_set("allow_rollup_hdrs"),
            "it allows messages that replace earlier ones",
        ),
        (
            !is_set("allow_msg_schedules"),
            "it allows scheduled messages, which are removed",
        ),
        (!is_set("allow_msg_counter"), "it counts instead of storing"),
    ] {
        if !holds {
            return Err(reason);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn suitable() -> Value {
        json!({
            "name": "SSE",
            "subjects": ["sse.log.*"],
            "retention": "limits",
            "max_msgs": -1,
            "discard": "old",
            "storage": "file",
            "republish": { "src": "sse.log.*", "dest": "sse.live.{{wildcard(1)}}" },
            "allow_direct": true,
            "sealed": false,
            "deny_delete": true,
            "deny_purge": true,
            "allow_rollup_hdrs": false,
            "consumer_limits": {},
            "allow_msg_ttl": false,
        })
    }

    #[test]
    fn what_makes_holes_or_hides_events_is_not_suitable() {
        let subjects = Subjects::new("sse");
        assert_eq!(config(&suitable(), &subjects), Ok(()));
        for (field, value) in [
            ("subjects", json!(["sse.log.a"])),
            ("subjects", json!(null)),
            ("republish", json!(null)),
            (
                "republish",
                json!({ "src": ">", "dest": "sse.live.{{wildcard(1)}}" }),
            ),
            (
                "republish",
                json!({ "src": "sse.log.*", "dest": "live.{{wildcard(1)}}" }),
            ),
            (
                "republish",
                json!({
                    "src": "sse.log.*",
                    "dest": "sse.live.{{wildcard(1)}}",
                    "headers_only": true,
                }),
            ),
            (
                "subject_transform",
                json!({ "src": "sse.log.*", "dest": "other.*" }),
            ),
            ("sealed", json!(true)),
            ("storage", json!("memory")),
            ("persist_mode", json!("async")),
            ("no_ack", json!(true)),
            ("allow_direct", json!(false)),
            ("retention", json!("interest")),
            ("discard", json!("new")),
            ("deny_delete", json!(false)),
            ("deny_purge", json!(false)),
            ("allow_msg_ttl", json!(true)),
            ("allow_rollup_hdrs", json!(true)),
            ("allow_msg_schedules", json!(true)),
            ("allow_msg_counter", json!(true)),
        ] {
            let mut other = suitable();
            other[field] = value;
            assert!(config(&other, &subjects).is_err(), "{other}");
        }
    }
}
