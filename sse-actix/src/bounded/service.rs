//! The application, with a mark of when a response begins and ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_http::header::{HeaderValue, RETRY_AFTER};
use actix_http::{Request, Response, StatusCode};
use actix_service::Service;
use bytes::Bytes;
use pin_project_lite::pin_project;

use super::framing::BodyFraming;
use super::gate::Gate;
use super::watched_body::watch;

/// A response is being prepared or sent, until this is dropped.
struct Flight(Gate);

impl Flight {
    /// Returns `None` if the connection has too many requests at once.
    fn begin(request: &mut Request) -> Option<Self> {
        let gate = request.conn_data::<Gate>().cloned()?;
        let flight = gate.begin().then(|| Self(gate.clone()));
        if gate.is_http_1() {
            let framing = BodyFraming::of(request);
            let number = gate.begin_body(framing);
            if framing.is_some() {
                watch(request, &gate, number);
            }
        }
        flight
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.finish();
    }
}

pin_project! {
    /// The body of a response, at whose end the next request is read.
    pub(super) struct FlightBody<B> {
        #[pin]
        body: B,
        flight: Option<Flight>,
    }
}

impl<B: MessageBody> MessageBody for FlightBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.project().body.poll_next(cx)
    }
}

/// What answers a request: the application, or its error.
pub(super) type FlightResponse<B> = Response<EitherBody<FlightBody<B>, FlightBody<BoxBody>>>;

/// Has `app` answer a request. Errors become responses here, so that their end is seen too.
pub(super) fn answer<S, B>(
    mut request: Request,
    app: &S,
) -> impl Future<Output = Result<FlightResponse<B>, S::Error>> + use<S, B>
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
{
    let flight = Flight::begin(&mut request);
    let answer = flight.map(|flight| (flight, app.call(request)));
    async move {
        let Some((flight, response)) = answer else {
            return Ok(refusal());
        };
        let flight = Some(flight);
        Ok(match response.await {
            Ok(response) => response
                .into()
                .map_body(|_, body| EitherBody::left(FlightBody { body, flight })),
            Err(error) => error
                .into()
                .map_body(|_, body| EitherBody::right(FlightBody { body, flight })),
        })
    }
}

/// Returns the response to a request beyond those that a connection may have at once.
fn refusal<B>() -> FlightResponse<B> {
    let mut response = Response::new(StatusCode::SERVICE_UNAVAILABLE);
    let second = HeaderValue::from_static("1");
    response.headers_mut().insert(RETRY_AFTER, second);
    response.map_body(|_, body| EitherBody::right(FlightBody { body, flight: None }))
}
