//! Positions and numbers with the feature `serde`.

use serde_json::{from_value, json, to_value};
use sse_hub::{Hub, HubMetrics, Position, TopicMetrics};

#[test]
fn positions_and_metrics_are_serialized_and_deserialized() {
    let hub = Hub::new();
    let position = hub.publish_now("news", "x").expect("published");
    let serialized = to_value(position).expect("serialized");
    let expected = json!({ "major": position.major(), "minor": 1 });
    assert_eq!(serialized, expected);
    let position_again: Position = from_value(serialized).expect("deserialized");
    assert_eq!(position_again, position);

    let metrics = hub.metrics();
    let serialized = to_value(metrics).expect("serialized");
    assert_eq!(serialized["published"], 1);
    let metrics_again: HubMetrics = from_value(serialized).expect("deserialized");
    assert_eq!(metrics_again, metrics);

    let metrics = hub.topic_metrics("news").expect("in use");
    let serialized = to_value(metrics).expect("serialized");
    assert_eq!(serialized["retained_events"], 1);
    let metrics_again: TopicMetrics = from_value(serialized).expect("deserialized");
    assert_eq!(metrics_again, metrics);
}
