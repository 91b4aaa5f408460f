//! Ending the subscriptions of a member on this node.

use std::sync::Arc;

use crate::group::Place;
use crate::registry::Registry;
use crate::topic::member::Member;

/// Ends the subscriptions of a member to a topic. Returns how many these are.
pub(crate) fn disconnect_here(registry: &Registry, topic: &str, member: &str) -> usize {
    let place = registry.groups().place(topic);
    let Some(open) = registry.get(registry.groups().log_of(topic)) else {
        return 0;
    };
    let members = open.members_named(member);
    let is_of_topic = |member: &&Arc<Member>| match place {
        Place::Alone | Place::Whole => true,
        Place::InGroup { log, .. } => member.has_in_group(topic, log),
    };
    let members = members.iter().filter(is_of_topic);
    members.filter(|member| member.disconnect()).count()
}
