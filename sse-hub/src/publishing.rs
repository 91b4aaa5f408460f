//! Publishing over HTTP: what the body of a request asks for.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use serde_json::Value;
use sse_codec::Event;
use sse_session::Refusal;

use crate::hub::Hub;
use crate::position::Position;
use crate::publish::PublishError;

/// What a client of HTTP asks to be published, by the body of a POST: a form or JSON.
///
/// | field | is |
/// |---|---|
/// | `topic` | the topic; required |
/// | `data` | the data of the event; required. In JSON, what is not a string is sent as JSON |
/// | `event`, or `type` | the name of the event |
/// | `key`, or `id` | an [idempotency key](crate::Publish::key): the same request again publishes nothing |
///
/// They are those that a hub of Mercure takes. There, `id` is the id of the event; here, the hub sets the ids, which resume
/// a stream, so an id of the publisher's says only that two requests are the same. Fields
/// of other names are refused, as they may mean something that this would not do, such as Mercure's `private`.
///
/// A request says who asks, and the application decides whether it may: nothing here checks a right. The page
/// `guide::rights` of `sse-session` says what protects a server whose users have cookies from other sites (CSRF). Bound
/// the body before it is read.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use sse_hub::{Hub, PublishRequest};
/// use sse_hyper::{SseBody, refused};
///
/// // A handler of axum, for instance; the body was read within a limit.
/// async fn publish(hub: Hub, user: &str, request: Request<Vec<u8>>) -> Response<SseBody> {
///     let content_type = request.headers().get("content-type");
///     let publish = match PublishRequest::parse(content_type, request.body()) {
///         Ok(publish) => publish,
///         Err(error) => return refused(&error),
///     };
///     let mut response = Response::new(SseBody::empty());
///     if publish.topic() != format!("of:{user}") {
///         *response.status_mut() = StatusCode::FORBIDDEN;
///         return response;
///     }
///     match publish.publish(&hub).await {
///         Ok(_position) => *response.status_mut() = StatusCode::NO_CONTENT,
///         Err(error) => return refused(&error),
///     }
///     response
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishRequest {
    topic: String,
    data: String,
    event: Option<String>,
    key: Option<String>,
}

impl PublishRequest {
    /// Parses a body of a form (`application/x-www-form-urlencoded`) or of JSON (`application/json`), as its
    /// `Content-Type` says.
    ///
    /// # Errors
    ///
    /// [`PublishRequestError`], which is a [`Refusal`]: 415 (Unsupported Media Type) for another type or none, else 400 (Bad
    /// Request).
    pub fn parse(
        content_type: Option<&http::HeaderValue>,
        body: &[u8],
    ) -> Result<Self, PublishRequestError> {
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let media_type = content_type.unwrap_or_default().split(';').next();
        let media_type = media_type.unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::from_form(body)
        } else if media_type.eq_ignore_ascii_case("application/json") {
            Self::from_json(body)
        } else {
            Err(PublishRequestError::MediaType)
        }
    }

    /// Parses a form, as a page or `curl --data-urlencode` sends it. Bytes that are not UTF-8 are replaced (URL § 5.1).
    ///
    /// ```
    /// use sse_hub::PublishRequest;
    ///
    /// let request = PublishRequest::from_form(b"topic=room&data=two%0Alines&type=message")?;
    /// assert_eq!((request.topic(), request.data()), ("room", "two\nlines"));
    /// assert_eq!(request.event(), Some("message"));
    /// # Ok::<(), sse_hub::PublishRequestError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a field is missing, there twice or unknown.
    pub fn from_form(body: &[u8]) -> Result<Self, PublishRequestError> {
        let mut fields = Fields::default();
        for (name, value) in form_urlencoded::parse(body) {
            fields.set(&name, value.into_owned())?;
        }
        fields.complete()
    }

    /// Parses a JSON object.
    ///
    /// ```
    /// use sse_hub::PublishRequest;
    ///
    /// let request = PublishRequest::from_json(br#"{"topic": "room", "data": {"n": 1}, "key": "7"}"#)?;
    /// assert_eq!((request.data(), request.key()), (r#"{"n":1}"#, Some("7")));
    /// # Ok::<(), sse_hub::PublishRequestError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, or a field is missing, unknown or, but for `data`, no string.
    pub fn from_json(body: &[u8]) -> Result<Self, PublishRequestError> {
        let object = serde_json::from_slice(body).map_err(PublishRequestError::Json)?;
        let Value::Object(object) = object else {
            return Err(PublishRequestError::NotAnObject);
        };
        let mut fields = Fields::default();
        for (name, value) in object {
            let value = match value {
                Value::String(text) => text,
                other if name == "data" => other.to_string(),
                _ => return Err(PublishRequestError::NotText(name)),
            };
            fields.set(&name, value)?;
        }
        fields.complete()
    }

    /// Returns the topic. It is the client's text: check that the client may publish to it.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the data of the event.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Returns the name of the event, if it has one.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        self.event.as_deref()
    }

    /// Returns the idempotency key, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Publishes the event. [`Hub::id_of`] makes the event's id of the position, which a hub of Mercure answers with.
    ///
    /// # Errors
    ///
    /// Those of [`Hub::publish`], which are a [`Refusal`].
    ///
    /// # Cancel safety
    ///
    /// As [`Hub::publish`].
    pub async fn publish(&self, hub: &Hub) -> Result<Position, PublishError> {
        let mut event = Event::new().data(&*self.data);
        if let Some(name) = &self.event {
            event = event.event(&**name);
        }
        let mut publish = hub.publish(&self.topic, event);
        if let Some(key) = &self.key {
            publish = publish.key(key);
        }
        publish.await
    }
}

#[derive(Default)]
struct Fields {
    topic: Option<String>,
    data: Option<String>,
    event: Option<String>,
    key: Option<String>,
}

impl Fields {
    fn set(&mut self, name: &str, value: String) -> Result<(), PublishRequestError> {
        let (field, name) = match name {
            "topic" => (&mut self.topic, "topic"),
            "data" => (&mut self.data, "data"),
            "event" | "type" => (&mut self.event, "event"),
            "key" | "id" => (&mut self.key, "key"),
            _ => return Err(PublishRequestError::Unknown(name.to_owned())),
        };
        match field.replace(value) {
            None => Ok(()),
            Some(_) => Err(PublishRequestError::Twice(name)),
        }
    }

    fn complete(self) -> Result<PublishRequest, PublishRequestError> {
        Ok(PublishRequest {
            topic: self.topic.ok_or(PublishRequestError::Missing("topic"))?,
            data: self.data.ok_or(PublishRequestError::Missing("data"))?,
            event: self.event,
            key: self.key,
        })
    }
}

/// Why the body of a request does not say what to publish.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishRequestError {
    /// The body is neither a form nor JSON, by its `Content-Type`.
    MediaType,
    /// The body is no JSON.
    Json(serde_json::Error),
    /// The body is JSON, but not an object.
    NotAnObject,
    /// A field has this name, and its value is not a string.
    NotText(String),
    /// A field is missing.
    Missing(&'static str),
    /// A field is there twice, or under both of its names.
    Twice(&'static str),
    /// A field has this name, which is not one of those that are known.
    Unknown(String),
}

impl Refusal for PublishRequestError {
    fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn retry_after_secs(&self) -> Option<u64> {
        None
    }
}

impl fmt::Display for PublishRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MediaType => f.write_str("body is neither a form nor JSON"),
            Self::Json(_) => f.write_str("body is not valid JSON"),
            Self::NotAnObject => f.write_str("body is not a JSON object"),
            Self::NotText(name) => write!(f, "field {name:?} is not a string"),
            Self::Missing(name) => write!(f, "field {name:?} is missing"),
            Self::Twice(name) => write!(f, "field {name:?} is given twice"),
            Self::Unknown(name) => write!(f, "field {name:?} is not known"),
        }
    }
}

impl Error for PublishRequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}
