//! The application, with a mark of when a response begins and ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_http::{Request, Response};
use actix_service::Service;
use bytes::Bytes;
use pin_project_lite::pin_project;

use super::framing::BodyFraming;
use super::gate::Gate;
use super::watched_body::watch;

/// A response is being prepared or sent, until this is dropped.
struct Flight(Gate);

impl Flight {
    /// Returns `None` for HTTP/2, where requests do not wait for each other.
    fn begin(request: &mut Request) -> Option<Self> {
        let gate = request.conn_data::<Gate>().filter(|gate| gate.is_http_1());
        let gate = gate.cloned()?;
        let framing = BodyFraming::of(request);
        gate.begin(framing);
        if framing.is_some() {
            watch(request, &gate);
        }
        Some(Self(gate))
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
        _flight: Option<Flight>,
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
    let response = app.call(request);
    async move {
        Ok(match response.await {
            Ok(response) => response.into().map_body(|_, body| {
                EitherBody::left(FlightBody {
                    body,
                    _flight: flight,
                })
            }),
            Err(error) => error.into().map_body(|_, body| {
                EitherBody::right(FlightBody {
                    body,
                    _flight: flight,
                })
            }),
        })
    }
}
