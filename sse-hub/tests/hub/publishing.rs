//! Publishing by the body of a request.

use http::{HeaderValue, StatusCode};
use sse_hub::{Hub, PublishError, PublishRequest, PublishRequestError, Retention, TopicOptions};
use sse_session::Refusal;

use crate::subscribe;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn parse(content_type: &str, body: &str) -> Result<PublishRequest, PublishRequestError> {
    let content_type = HeaderValue::from_str(content_type).expect("a value");
    PublishRequest::parse(Some(&content_type), body.as_bytes())
}

/// What a request says: topic, data, event and key.
fn fields(content_type: &str, body: &str) -> [Option<String>; 4] {
    let request = parse(content_type, body).expect("a request");
    [
        Some(request.topic()),
        Some(request.data()),
        request.event(),
        request.key(),
    ]
    .map(|field| field.map(str::to_owned))
}

#[test]
fn forms_and_json_say_the_same() {
    for (content_type, body, topic, data, event, key) in [
        (FORM, "topic=a&data=b", "a", "b", None, None),
        (FORM, "data=&topic=a", "a", "", None, None),
        (
            "Application/X-WWW-Form-UrlEncoded; charset=UTF-8",
            "topic=a%2Fb+c&data=%C3%A9%0D%0Ax%26&event=e&key=k",
            "a/b c",
            "é\r\nx&",
            Some("e"),
            Some("k"),
        ),
        (
            FORM,
            "topic=a&data=b&type=t&id=i",
            "a",
            "b",
            Some("t"),
            Some("i"),
        ),
        (JSON, r#"{"data":"b","topic":"a"}"#, "a", "b", None, None),
        (
            "application/json;charset=utf-8",
            r#"{"topic":"a","data":[1, null],"type":"t","key":"k"}"#,
            "a",
            "[1,null]",
            Some("t"),
            Some("k"),
        ),
    ] {
        let expected = [Some(topic), Some(data), event, key];
        let expected = expected.map(|field| field.map(str::to_owned));
        assert_eq!(fields(content_type, body), expected, "{body}");
    }
}

#[test]
fn what_is_not_said_clearly_is_refused() {
    for (content_type, body, text, status) in [
        (FORM, "", "field \"topic\" is missing", 400),
        (FORM, "topic=a", "field \"data\" is missing", 400),
        (
            FORM,
            "topic=a&data=b&topic=c",
            "field \"topic\" is given twice",
            400,
        ),
        (
            FORM,
            "topic=a&data=b&key=1&id=1",
            "field \"key\" is given twice",
            400,
        ),
        (
            FORM,
            "topic=a&data=b&private=on",
            "field \"private\" is not known",
            400,
        ),
        (JSON, "", "body is not valid JSON", 400),
        (JSON, "[]", "body is not a JSON object", 400),
        (
            JSON,
            r#"{"topic":1,"data":"b"}"#,
            "field \"topic\" is not a string",
            400,
        ),
        (
            JSON,
            r#"{"topic":"a","data":"b","key":null}"#,
            "field \"key\" is not a string",
            400,
        ),
        (
            "text/plain",
            "topic=a&data=b",
            "body is neither a form nor JSON",
            415,
        ),
        ("", "topic=a&data=b", "body is neither a form nor JSON", 415),
    ] {
        let error = parse(content_type, body).expect_err("refused");
        assert_eq!(
            (&*error.to_string(), error.status().as_u16()),
            (text, status)
        );
        assert_eq!(error.retry_after_secs(), None);
    }
    let without_type = PublishRequest::parse(None, b"topic=a&data=b");
    assert!(matches!(without_type, Err(PublishRequestError::MediaType)));
}

#[tokio::test]
async fn subscribers_get_what_is_published_once_for_each_key() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["room"], None).await;
    let body = "topic=room&data=one%0Atwo&event=note&key=1";
    let request = parse(FORM, body).expect("a request");
    let first = request.publish(&hub).await.expect("published");
    assert_eq!(request.publish(&hub).await.expect("known"), first);
    let read = client.read();
    let [_opening @ .., event] = &read[..] else {
        panic!("an event");
    };
    assert_eq!((&*event.name, &*event.data), ("note", "one\ntwo"));
    assert_eq!(event.id, hub.id_of("room", first));
    assert_eq!(hub.topic_metrics("room").map(|it| it.published), Some(1));
}

#[tokio::test]
async fn an_error_of_publishing_has_its_status() {
    let small = |_: &str| TopicOptions::new().retention(Retention::new().max_bytes(100));
    let hub = Hub::builder()
        .topics(small)
        .max_topics(2)
        .group("g/")
        .build();
    hub.finish("over", "last").await.expect("finished");
    hub.publish("room", "x").await.expect("published");
    let long = format!("topic=room&data={}", "x".repeat(101));
    for (body, status) in [
        ("topic=&data=x", StatusCode::BAD_REQUEST),
        ("topic=room&data=x&event=a%0Ab", StatusCode::BAD_REQUEST),
        ("topic=room&data=x&key=", StatusCode::BAD_REQUEST),
        ("topic=g/*&data=x", StatusCode::BAD_REQUEST),
        ("topic=over&data=x", StatusCode::CONFLICT),
        (&*long, StatusCode::PAYLOAD_TOO_LARGE),
        ("topic=new&data=x", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let request = parse(FORM, body).expect("a request");
        let error = request.publish(&hub).await.expect_err(body);
        assert_eq!(error.status(), status, "{body}: {error:?}");
        let comes_back = status == StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(error.retry_after_secs().is_some(), comes_back);
    }
    assert_eq!(PublishError::WouldWait.status(), 500);
}
