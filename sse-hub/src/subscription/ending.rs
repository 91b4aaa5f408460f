//! How a subscription ends that the server ends.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::entry;
use crate::subscription::error::SubscriptionError;
use crate::subscription::until::Until;
use crate::subscription::{Extras, Piece, Subscription, merge};
use crate::topic::member::Member;

impl Subscription {
    /// Has the subscription end when the future does.
    pub(super) fn set_until(&mut self, until: Until) {
        self.is_usual = false;
        self.extras.get_or_insert_default().until = Some(until);
    }

    /// Has the subscription end when its member is disconnected.
    pub(super) fn set_member(&mut self, member: Arc<Member>) {
        self.is_usual = false;
        self.member = Some(member);
    }

    /// Ends the subscription if its member was disconnected.
    pub(super) fn end_disconnected(&mut self) -> bool {
        let member = self.member.as_ref();
        let is_disconnected = member.is_some_and(|member| member.is_disconnected());
        if is_disconnected {
            self.end();
        }
        is_disconnected
    }

    /// Has the task that serves the subscription woken when its member is disconnected. Returns whether it was.
    pub(super) fn wait_for_disconnection(&mut self, cx: &Context<'_>) -> bool {
        let Some(member) = &self.member else {
            return false;
        };
        let is_disconnected = member.poll_disconnected(cx).is_ready();
        if is_disconnected {
            self.end();
        }
        is_disconnected
    }

    /// Returns the last piece when the subscription is to end, whatever it has not yielded yet.
    pub(super) fn poll_until(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let until = Extras::until(&mut self.extras);
        let Some(until) = until else {
            return Poll::Pending;
        };
        let last = ready!(until.as_mut().poll(cx));
        self.end();
        Poll::Ready(match last {
            Ok(event) if event.is_empty() => None,
            Ok(event) => {
                let ids = self.core.registry().ids();
                let lines = entry::lines(&event);
                let last = merge::with_id(lines, ids, self.salt, self.id_positions());
                // It has the id of the gaps, so the client would never learn of them without what comes first.
                let first = std::mem::take(&mut self.first);
                Some(Ok([first, last].concat().into()))
            }
            Err(error) => Some(Err(SubscriptionError::LastEvent(error))),
        })
    }
}
