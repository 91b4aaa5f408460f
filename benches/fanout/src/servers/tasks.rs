//! The floor with a task for each client: the least that a server of tasks can cost.
//!
//! Each task waits until there is something new, writes it, and waits again. It has no future in
//! its future, no timer and no buffer, takes the lock once for each event, and is woken by a list
//! that is taken as a whole. It keeps nothing but what was published last, for here nothing is
//! published before all have that. A client that does not take all of a write is cut off, as by
//! the floor.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use tokio::net::{TcpListener, TcpStream};

use super::floor::answer;
use crate::events::on_the_wire;
use crate::orders::Orders;

#[derive(Clone, Default)]
struct Latest(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    number: u64,
    events: Arc<[u8]>,
    waiting: Vec<Waker>,
}

impl Latest {
    fn publish(&self, events: &str) {
        let waiting = self.with(|state| {
            state.number += 1;
            state.events = events.as_bytes().into();
            let room = Vec::with_capacity(state.waiting.len());
            std::mem::replace(&mut state.waiting, room)
        });
        waiting.into_iter().for_each(Waker::wake);
    }

    fn with<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) async fn run(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let latest = Latest::default();
    tokio::spawn(publish(latest.clone(), orders));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let latest = latest.clone();
        tokio::spawn(async move {
            // In a box, so that it is not part of what an open stream costs.
            if let Ok(Some(stream)) = Box::pin(answer(stream)).await {
                send(latest, stream).await;
            }
        });
    }
}

async fn publish(latest: Latest, mut orders: Orders) -> io::Result<()> {
    loop {
        let events: String = orders.next().await?.map(|it| on_the_wire(&it)).collect();
        latest.publish(&events);
    }
}

async fn send(latest: Latest, stream: TcpStream) {
    let mut seen = latest.with(|state| state.number);
    poll_fn(|cx| {
        let events = latest.with(|state| {
            let is_new = state.number != std::mem::replace(&mut seen, state.number);
            // It waits for the next one then, whether there is one now or not.
            state.waiting.push(cx.waker().clone());
            is_new.then(|| Arc::clone(&state.events))
        });
        match events {
            Some(events) if stream.try_write(&events).ok() != Some(events.len()) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}
