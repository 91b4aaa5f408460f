//! Those who wait for a topic's next event and can be written to past their own tasks.
//!
//! They stand in groups of some that are at the same place in the topic. Publishing sends each
//! group out as a whole; who of them was delivered to past its task comes back with the group, and
//! the others are woken and no members any more. Meanwhile nobody joins the group, and where its
//! members are is not known.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use slab::Slab;
use sse_session::Direct;

use crate::cursor::Standing;

/// Which group. It is kept for each reader, and as small as it can be: there are never so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u32);

impl Key {
    fn of(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How many make a group. More of them keep the leader's task longer from others, fewer wake more
/// leaders.
const SIZE: usize = 32;

/// How many of the groups that have room are looked at to find one that fits.
const LOOKED_AT: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Slab<Group>,
    /// Those with fewer than [`SIZE`] members, be they here or away.
    with_room: Vec<Key>,
    /// How many are here.
    here: usize,
}

#[derive(Debug)]
struct Group {
    standing: Standing,
    /// What its members have in common, see [`Direct::home`].
    home: usize,
    has_room: bool,
    /// Set when what is being delivered must not be any more.
    call_off: Arc<AtomicBool>,
    state: State,
}

#[derive(Debug)]
enum State {
    Here(Vec<Member>),
    Away(Away),
}

/// What happened to a group while it was away.
#[derive(Debug, Default)]
pub(super) struct Away {
    /// All of its members are to be woken.
    pub(super) is_recalled: bool,
    /// The members that have left.
    pub(super) left: Vec<usize>,
    /// The members that have asked, and want to be woken therefore.
    pub(super) asked: Vec<(usize, Waker)>,
}

/// A group that is sent out.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) group: Key,
    pub(super) members: Vec<Member>,
    pub(super) call_off: Arc<AtomicBool>,
}

/// One of a group.
#[derive(Debug)]
pub(super) struct Member {
    /// Its key among the topic's readers.
    pub(super) reader: usize,
    pub(super) direct: Direct,
    pub(super) waker: Waker,
}

/// What a member learns when it asks.
pub(super) enum Look {
    /// There is nothing new after this; with the waker that it had before, if that was another.
    Nothing(Standing, Option<Waker>),
    /// It may be delivered to right now, and is woken after that.
    Away(Option<Waker>),
}

impl Groups {
    /// Adds a member that has all there is; the answer is its group.
    pub(super) fn join(&mut self, member: Member, standing: Standing) -> Key {
        let home = member.direct.home();
        let group = self.with_room_for(1, standing, home).unwrap_or_else(|| {
            self.here += 1;
            let group = Key::of(self.groups.insert(Group {
                standing,
                home,
                has_room: true,
                call_off: Arc::default(),
                state: State::Here(Vec::new()),
            }));
            self.with_room.push(group);
            group
        });
        self.add(group, [member]);
        group
    }

    /// A group here that has room for so many, among those that were the last to have any.
    fn with_room_for(&self, count: usize, standing: Standing, home: usize) -> Option<Key> {
        let mut last = self.with_room.iter().rev().take(LOOKED_AT).copied();
        last.find(|group| {
            self.groups.get(group.index()).is_some_and(|group| {
                let fits = group.standing == standing && group.home == home;
                let room = match &group.state {
                    State::Here(members) => SIZE.saturating_sub(members.len()),
                    State::Away(_) => 0,
                };
                fits && count <= room
            })
        })
    }

    fn add(&mut self, group: Key, new: impl IntoIterator<Item = Member>) {
        if let Some(Group {
            state: State::Here(members),
            has_room,
            ..
        }) = self.groups.get_mut(group.index())
        {
            members.extend(new);
            if members.len() >= SIZE {
                *has_room = false;
                self.with_room.retain(|other| *other != group);
            }
        }
    }

    pub(super) fn standing(&self, group: Key) -> Option<Standing> {
        self.groups.get(group.index()).map(|group| group.standing)
    }

    /// A member asks what there is.
    pub(super) fn look(&mut self, group: Key, reader: usize, waker: &Waker) -> Look {
        let Some(Group {
            standing, state, ..
        }) = self.groups.get_mut(group.index())
        else {
            return Look::Away(None);
        };
        match state {
            State::Here(members) => {
                let mut members = members.iter_mut();
                let member = members.find(|member| member.reader == reader);
                let other = member.filter(|member| !member.waker.will_wake(waker));
                let before =
                    other.map(|member| std::mem::replace(&mut member.waker, waker.clone()));
                Look::Nothing(*standing, before)
            }
            State::Away(away) => {
                let mut asked = away.asked.iter_mut();
                let before = asked.find(|(other, _)| *other == reader);
                Look::Away(match before {
                    Some((_, before)) => Some(std::mem::replace(before, waker.clone())),
                    None => {
                        away.asked.push((reader, waker.clone()));
                        None
                    }
                })
            }
        }
    }

    /// A member leaves. What is left of it is to be dropped outside of the lock.
    pub(super) fn leave(&mut self, group: Key, reader: usize) -> Option<Member> {
        let there = self.groups.get_mut(group.index())?;
        match &mut there.state {
            State::Here(members) => {
                let index = members.iter().position(|member| member.reader == reader)?;
                let member = members.swap_remove(index);
                if members.is_empty() {
                    self.here -= 1;
                    self.remove(group);
                } else {
                    self.note_room(group);
                }
                Some(member)
            }
            State::Away(away) => {
                // For it gets nothing any more from now on; the others are woken then.
                there.call_off.store(true, Ordering::Release);
                away.left.push(reader);
                None
            }
        }
    }

    fn note_room(&mut self, group: Key) {
        if let Some(there) = self.groups.get_mut(group.index())
            && !std::mem::replace(&mut there.has_room, true)
        {
            self.with_room.push(group);
        }
    }

    fn remove(&mut self, group: Key) {
        let removed = self.groups.try_remove(group.index());
        if removed.is_some_and(|group| group.has_room) {
            self.with_room.retain(|other| *other != group);
        }
    }

    /// Sends out all groups that are here.
    pub(super) fn send_out(&mut self) -> Vec<Sent> {
        if take(&mut self.here) == 0 {
            return Vec::new();
        }
        let groups = self.groups.iter_mut();
        groups
            .filter_map(|(index, group)| match &mut group.state {
                State::Here(members) => {
                    let members = take(members);
                    Some(group.send_out(Key::of(index), members))
                }
                State::Away(_) => None,
            })
            .collect()
    }

    /// Gives up all groups that are here, whose members are to be woken, and those that are away
    /// when they come back.
    pub(super) fn recall(&mut self) -> Vec<(Member, Standing)> {
        for (_, group) in &mut self.groups {
            if let State::Away(away) = &mut group.state {
                away.is_recalled = true;
            }
        }
        let mut recalled = Vec::new();
        for Sent { group, members, .. } in self.send_out() {
            if let Some(standing) = self.standing(group) {
                recalled.extend(members.into_iter().map(|member| (member, standing)));
            }
            self.remove(group);
        }
        recalled
    }

    pub(super) fn is_recalled(&self, group: Key) -> bool {
        let group = self.groups.get(group.index()).map(|group| &group.state);
        matches!(group, Some(State::Away(away)) if away.is_recalled)
    }

    /// What happened to a group while it was away, which begins anew.
    pub(super) fn account(&mut self, group: Key) -> Option<(Standing, Away)> {
        let group = self.groups.get_mut(group.index())?;
        match &mut group.state {
            State::Away(away) => Some((group.standing, take(away))),
            State::Here(_) => None,
        }
    }

    /// A group that is away is sent out again from where it is now.
    pub(super) fn stay_out(
        &mut self,
        group: Key,
        standing: Standing,
        members: Vec<Member>,
    ) -> Option<Sent> {
        let there = self.groups.get_mut(group.index())?;
        there.standing = standing;
        Some(there.send_out(group, members))
    }

    /// A group comes back. It may become part of another one: then it is told whose group that is.
    #[must_use]
    pub(super) fn come_back(
        &mut self,
        group: Key,
        standing: Standing,
        members: Vec<Member>,
    ) -> Vec<(usize, Key)> {
        let Some(home) = self.groups.get(group.index()).map(|group| group.home) else {
            return Vec::new();
        };
        if members.is_empty() {
            self.remove(group);
            return Vec::new();
        }
        if members.len() <= SIZE / 2
            && let Some(other) = self.with_room_for(members.len(), standing, home)
        {
            let moved = members
                .iter()
                .map(|member| (member.reader, other))
                .collect();
            self.add(other, members);
            self.remove(group);
            return moved;
        }
        self.here += 1;
        let has_room = members.len() < SIZE;
        if let Some(there) = self.groups.get_mut(group.index()) {
            there.standing = standing;
            there.state = State::Here(members);
        }
        if has_room {
            self.note_room(group);
        }
        Vec::new()
    }
}

impl Group {
    fn send_out(&mut self, group: Key, members: Vec<Member>) -> Sent {
        self.state = State::Away(Away::default());
        self.call_off.store(false, Ordering::Release);
        Sent {
            group,
            members,
            call_off: Arc::clone(&self.call_off),
        }
    }
}
