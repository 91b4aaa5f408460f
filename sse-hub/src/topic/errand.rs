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
use super::groups::{Key, Member, Sent};
use crate::metrics::{Happening, tell};
use crate::position::Position;
use crate::window::{Read, Taken};

/// As many bytes are delivered past tasks at the most. Of more, it is the copying that costs, and
/// that is for each task to do in its own turn.
const MOST: usize = 4096;

pub(super) struct Errand {
    topic: Arc<Topic>,
    /// Whom it is for. The first ones of them are those who were delivered to already.
    sent: Sent,
    delivered_to: usize,
    refused: Vec<Member>,
    /// What is delivered: up to where, and how many events.
    delivered: Option<(Position, u64)>,
}

/// What is to be done when a group has come back, outside of the topic's lock.
#[derive(Default)]
pub(super) struct Return {
    /// How many were delivered to and are still there.
    pub(super) delivered_to: usize,
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
        Self {
            topic,
            sent,
            delivered_to: 0,
            refused: Vec::new(),
            delivered: None,
        }
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
        let Some(events) = self.deliver() else {
            return;
        };
        // Whom this tells may be anybody's code, so the group is back before.
        for _ in 0..self.come_back() {
            tell(Happening::Delivered(events));
        }
    }

    /// Writes to each member what is new: so many events, if that can be done here.
    ///
    /// A connection is anybody's code, too. If one panics, the errand is dropped with what is
    /// noted up to then, and whoever is not known to have got the events reads for itself.
    fn deliver(&mut self) -> Option<u64> {
        let Taken {
            bytes,
            last,
            events,
        } = self.topic.take_for(self.sent.group)?;
        if bytes.len() > MOST {
            return None;
        }
        self.delivered = Some((last, events));
        let delivery = Delivery::new(bytes, Arc::clone(&self.sent.call_off));
        let delivered_to = &mut self.delivered_to;
        let refused = self.sent.members.extract_if(.., |member| {
            let is_delivered = member.direct.deliver(&delivery);
            *delivered_to += usize::from(is_delivered);
            !is_delivered
        });
        for member in refused {
            self.refused.push(member);
        }
        Some(events)
    }

    /// Brings the group back. The answer is how many of it were delivered to.
    fn come_back(&mut self) -> usize {
        let mut members = take(&mut self.sent.members);
        let mut refused = take(&mut self.refused);
        refused.extend(members.drain(take(&mut self.delivered_to)..));
        if members.is_empty() && refused.is_empty() {
            return 0;
        }
        let topic = &self.topic;
        let delivered = self.delivered.take();
        let back = topic.come_back(self.sent.group, members, refused, delivered);
        for member in back.woken {
            member.waker.wake();
        }
        back.wakers.into_iter().for_each(Waker::wake);
        if let Some(sent) = back.again {
            Self::new(Arc::clone(topic), sent).send();
        }
        back.delivered_to
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.come_back();
    }
}

impl Topic {
    /// What a group that was sent out is to be delivered, if that can be taken as a whole.
    fn take_for(&self, group: Key) -> Option<Taken> {
        let mut state = self.state();
        let standing = state.groups.standing(group)?;
        match state.window.take(standing.after) {
            Read::Piece(taken) if !state.groups.is_recalled(group) => Some(taken),
            _ => None,
        }
    }

    /// A group comes back, the `members` of which got what was `delivered`.
    fn come_back(
        &self,
        group: Key,
        mut members: Vec<Member>,
        mut refused: Vec<Member>,
        delivered: Option<(Position, u64)>,
    ) -> Return {
        let mut back = Return::default();
        let mut state = self.state();
        let Some((before, away)) = state.groups.account(group) else {
            return back;
        };
        if !away.left.is_empty() {
            let has_left = |member: &mut Member| away.left.contains(&member.reader);
            back.gone.extend(members.extract_if(.., has_left));
            back.gone.extend(refused.extract_if(.., has_left));
        }
        let mut after = before;
        if let Some((last, events)) = delivered {
            after.after = last;
            after.seen += events;
            back.delivered_to = members.len();
            state.counts.delivered += events * members.len() as u64;
        }
        for (reader, waker) in away.asked {
            if let Some(member) = members.iter_mut().find(|it| it.reader == reader) {
                let before = std::mem::replace(&mut member.waker, waker.clone());
                back.replaced.push(before);
            }
            back.wakers.push(waker);
        }
        for member in &refused {
            state.release(member.reader, before);
        }
        back.woken = refused;
        if away.is_recalled {
            for member in &members {
                state.release(member.reader, after);
            }
            back.woken.append(&mut members);
        }
        let has_more = !matches!(state.window.take(after.after), Read::Nothing);
        if has_more && !members.is_empty() {
            back.again = state.groups.stay_out(group, after, members);
            return back;
        }
        for (reader, group) in state.groups.come_back(group, after, members) {
            if let Some(reader) = state.readers.get_mut(reader) {
                reader.group = Some(group);
            }
        }
        back
    }
}
