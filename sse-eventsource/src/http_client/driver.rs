//! Drives a connection from within the future that waits for its output, instead of a task.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hyper::rt::Executor;

use crate::boxed::BoxFuture;

/// The executor that hyper hands the tasks of an HTTP/2 connection to. The driver takes them.
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
    /// `None` once the connection has ended.
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

    /// Whether the connection and all its tasks have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.connection.is_none() && self.tasks.is_empty()
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.connection = None;
        self.tasks.clear();
    }

    /// Makes progress, and does nothing after the end of the connection and its tasks.
    ///
    /// An error of the connection is not lost: the response or its body fails with it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(cx).is_ready()
        {
            self.connection = None;
        }
        loop {
            while let Poll::Ready(Some(())) = self.tasks.poll_next_unpin(cx) {}
            // The connection may have spawned tasks, and each task further ones.
            let tasks = self.new.take();
            if tasks.is_empty() {
                return;
            }
            self.tasks.extend(tasks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is ready at once, and panics if it is polled again.
    fn strict<T: Send + 'static>(output: T) -> impl Future<Output = T> + Send + 'static {
        let mut output = Some(output);
        std::future::poll_fn(move |_| Poll::Ready(output.take().expect("polled after the end")))
    }

    #[test]
    fn a_connection_that_has_ended_can_be_driven_on() {
        let tasks = Tasks::default();
        let spawner = tasks.clone();
        let connection = async move {
            spawner.execute(strict(()));
            strict(()).await;
            Ok(())
        };
        let mut driver = Driver::new(connection, tasks.clone());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for _ in 0..3 {
            driver.poll(&mut cx);
            assert!(driver.connection.is_none());
            assert!(driver.tasks.is_empty());
            assert!(tasks.take().is_empty());
        }
    }
}
