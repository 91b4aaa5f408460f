//! Delivering to a group of subscribers from the task of one of them.
//!
//! Whoever is sent writes what is new to all members of the group, itself included. It can be
//! anyone who is at rest, so nobody waits for one that is slow. If an errand is dropped undone, as
//! its connection is, all members are woken to read for themselves.

use std::mem::take;
use std::sync::Arc;
use std::task::Waker;

use sse_session::Delivery;

use super::Topic;
use super::groups::{Member, Sent};
use crate::metrics::{Happening, tell};
use crate::position::Position;
use crate::window::Taken;

/// As many bytes are delivered past tasks at the most. Of more, it is the copying that costs, and
/// that is for each task to do in its own turn.
const MOST: usize = 4096;

pub(super) struct Errand {
    topic: Arc<Topic>,
    sent: Sent,
}

/// What is to be done when a group has come back, outside of the topic's lock.
#[derive(Default)]
pub(super) struct Return {
    pub(super) woken: Vec<Member>,
    pub(super) wakers: Vec<Waker>,
    /// What is only to be dropped.
    pub(super) gone: Vec<Member>,
    pub(super) replaced: Vec<Waker>,
    /// Those who are sent out again, for there is more already.
    pub(super) again: Option<Sent>,
}

impl Errand {
    pub(super) const fn new(topic: Arc<Topic>, sent: Sent) -> Self {
        Self { topic, sent }
    }

    /// Sends one of the group.
    pub(super) fn send(self) {
        let mut members = self.sent.members.iter();
        let leader = members.find(|member| member.direct.is_at_rest());
        if let Some(leader) = leader.map(|leader| leader.direct.clone()) {
            // One that is not at rest any more gives it back, and it is dropped here.
            let _ = leader.send_on(Box::new(move || self.run()));
        }
    }

    fn run(mut self) {
        let Some(Taken {
            bytes,
            last,
            events,
        }) = self.topic.take_for(self.sent.group)
        else {
            return;
        };
        if bytes.len() > MOST {
            return;
        }
        let delivery = Delivery::new(bytes, Arc::clone(&self.sent.call_off));
        let mut members = take(&mut self.sent.members);
        let refused = members
            .extract_if(.., |member| !member.direct.deliver(&delivery))
            .collect();
        for _ in &members {
            tell(Happening::Delivered(events));
        }
        self.come_back(members, refused, Some((last, events)));
    }

    fn come_back(
        &self,
        members: Vec<Member>,
        refused: Vec<Member>,
        delivered: Option<(Position, u64)>,
    ) {
        let topic = &self.topic;
        let back = topic.come_back(self.sent.group, members, refused, delivered);
        for member in back.woken {
            member.waker.wake();
        }
        back.wakers.into_iter().for_each(Waker::wake);
        if let Some(sent) = back.again {
            Self::new(Arc::clone(topic), sent).send();
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let undone = take(&mut self.sent.members);
        if !undone.is_empty() {
            self.come_back(Vec::new(), undone, None);
        }
    }
}
