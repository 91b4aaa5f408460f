//! One attempt (HTML § 9.2.2): the hook, the request, its redirects, and the check of the response.

use std::sync::Arc;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::content_type::is_event_stream;
use crate::error::{ErrorKind, RedirectError};
use crate::rejected::Rejected;
use crate::request_body::RequestBody;
use crate::second_look::within;
use crate::settings::Settings;
use crate::transport::{Body, Transport};

/// The result of an attempt, and the HTTP stack for the next one.
pub(crate) struct Attempted {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) outcome: Result<Outcome, ErrorKind>,
}

pub(crate) enum Outcome {
    /// The response is an event stream.
    Open(Response<Body>),
    /// The status is 204: there is no event stream, and the client must not connect again.
    NoContent,
}

/// Makes an attempt. The future owns everything it needs, and can be dropped at any time.
pub(crate) async fn attempt(
    mut transport: Box<dyn Transport>,
    settings: Arc<Settings>,
    request: Request<RequestBody>,
    last_event_id: Option<HeaderValue>,
) -> Attempted {
    let outcome = match prepare(request, &settings, last_event_id).await {
        Ok(request) => exchange_in_time(&mut *transport, &settings, request).await,
        Err(error) => Err(error),
    };
    Attempted { transport, outcome }
}

/// Adds the last event ID to the request, and calls the hook.
async fn prepare(
    mut request: Request<RequestBody>,
    settings: &Settings,
    last_event_id: Option<HeaderValue>,
) -> Result<Request<RequestBody>, ErrorKind> {
    const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

    if let Some(value) = last_event_id {
        request.headers_mut().insert(LAST_EVENT_ID, value);
    }
    match &settings.before_attempt {
        Some(hook) => hook(request).await.map_err(ErrorKind::Hook),
        None => Ok(request),
    }
}

/// A response that is not a redirect.
enum Answer {
    Open(Response<Body>),
    NoContent,
    Rejected(Response<Body>, fn(Box<Rejected>) -> ErrorKind),
}

async fn exchange_in_time(
    transport: &mut dyn Transport,
    settings: &Settings,
    mut request: Request<RequestBody>,
) -> Result<Outcome, ErrorKind> {
    // What a safe method asks for can be asked for again.
    let is_safe = request.method().is_safe();
    let sent = (!is_safe).then(|| request.body_mut().track());
    let exchange = exchange(transport, settings, request);
    let answer = match settings.response_timeout {
        Some(limit) => within(limit, exchange).await.unwrap_or_else(|| {
            Err(ErrorKind::ResponseTimeout {
                limit,
                request_was_sent: sent.is_some_and(|sent| sent.is_complete()),
            })
        }),
        None => exchange.await,
    };
    match answer? {
        Answer::Open(response) => Ok(Outcome::Open(response)),
        Answer::NoContent => Ok(Outcome::NoContent),
        // The error is known already. A body that cannot be read is not another one.
        Answer::Rejected(response, error) => Err(error(Box::new(Rejected::read(response).await))),
    }
}

async fn exchange(
    transport: &mut dyn Transport,
    settings: &Settings,
    request: Request<RequestBody>,
) -> Result<Answer, ErrorKind> {
    let (mut head, mut body) = split(request);
    let redirects = &settings.redirects;
    for _ in 0..=redirects.limit {
        let request = head.clone().map(|()| body.take());
        let response = transport.send(request).await;
        let response = response.map_err(ErrorKind::Request)?;
        match response.status() {
            StatusCode::OK => return Ok(check(settings, response)),
            StatusCode::NO_CONTENT => return Ok(Answer::NoContent),
            _ => {}
        }
        let followed = redirects.follow(&mut head, &mut body, &response);
        if !followed.map_err(ErrorKind::Redirect)? {
            return Ok(Answer::Rejected(response, ErrorKind::Status));
        }
        if let Some(hook) = &settings.before_redirect {
            let request = hook(head.map(|()| std::mem::take(&mut body))).await;
            (head, body) = split(request.map_err(ErrorKind::Hook)?);
        }
    }
    Err(ErrorKind::Redirect(RedirectError::TooMany {
        limit: redirects.limit,
    }))
}

fn split(request: Request<RequestBody>) -> (Request<()>, RequestBody) {
    let (head, body) = request.into_parts();
    (Request::from_parts(head, ()), body)
}

/// HTML § 9.2.2: any type but `text/event-stream` fails the connection.
fn check(settings: &Settings, response: Response<Body>) -> Answer {
    let headers = response.headers();
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let is_accepted = is_event_stream(headers.get_all(CONTENT_TYPE))
        || (settings.accept_content_type.as_ref())
            .is_some_and(|accept| accept(headers.get(CONTENT_TYPE)));
    if !is_accepted {
        Answer::Rejected(response, ErrorKind::ContentType)
    } else if encodings.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        Answer::Rejected(response, ErrorKind::ContentEncoding)
    } else {
        Answer::Open(response)
    }
}
