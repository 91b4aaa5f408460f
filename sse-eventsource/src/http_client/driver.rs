//! A connection that is driven by whoever waits for something to come out of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hyper::rt::Executor;

use crate::boxed::BoxFuture;

/// Where hyper puts the tasks of an HTTP/2 connection, to be fetched by its driver.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Tasks {
    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(Box::pin(task));
    }
}

/// A connection with its tasks.
pub(super) struct Driver {
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    new: Tasks,
    tasks: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Driver {
    pub(super) fn new(
        connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
        tasks: Tasks,
    ) -> Self {
        Self {
            connection: Some(Box::pin(connection)),
            new: tasks,
            tasks: FuturesUnordered::new(),
        }
    }

    /// Does what there is to do. That the connection failed is told by what was to come out of it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(cx).is_ready()
        {
            self.connection = None;
        }
        loop {
            while let Poll::Ready(Some(())) = self.tasks.poll_next_unpin(cx) {}
            // The connection may have started tasks, and each task others.
            let tasks = self.new.take();
            if tasks.is_empty() {
                return;
            }
            self.tasks.extend(tasks);
        }
    }
}
