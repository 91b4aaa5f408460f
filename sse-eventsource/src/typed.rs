//! Events as values of a serde enum.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::event_source::EventSource;

/// The events of an event source as values of a serde enum, made by [`EventSource::typed`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct TypedEvents<T> {
    events: EventSource,
    value: PhantomData<fn() -> T>,
}

impl<T> TypedEvents<T> {
    pub(crate) fn new(events: EventSource) -> Self {
        Self {
            events,
            value: PhantomData,
        }
    }

    /// The event source, for its states.
    pub fn event_source(&self) -> &EventSource {
        &self.events
    }
}

impl<T: DeserializeOwned> Stream for TypedEvents<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(Pin::new(&mut self.events).poll_next(cx));
        Poll::Ready(event.map(|event| {
            event?
                .typed()
                .map_err(|error| Error::Typed(Box::new(error)))
        }))
    }
}
