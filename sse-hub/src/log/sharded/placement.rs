//! Which shard a topic is in: rendezvous hashing over the names of the shards.
//!
//! Each shard has a score for a topic, and the topic is in the shard with the highest one. So the order
//! of the shards makes no difference, a shard that is added takes its topics from all others alike and
//! moves no other topic, and one that is removed leaves those of the others where they are.

use crate::log::sharded::error::ShardsError;

/// How many shards there may be: each is asked for its score whenever a topic is looked up.
pub(crate) const MAX_SHARDS: usize = 256;

/// The names of shards, at least one and each a different one, in alphabetical order.
#[derive(Debug)]
pub(crate) struct Placement {
    names: Vec<String>,
    /// What the name of each adds to the hash of a topic.
    seeds: Vec<u64>,
}

impl Placement {
    /// Creates the placement on shards with these names, together with what belongs to each, in the
    /// order of the names.
    pub(crate) fn new<T, C>(
        shards: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(Self, Vec<T>), ShardsError<C>> {
        let mut shards: Vec<_> = shards.into_iter().take(MAX_SHARDS + 1).collect();
        if shards.is_empty() {
            return Err(ShardsError::NoShards);
        }
        if shards.len() > MAX_SHARDS {
            return Err(ShardsError::TooMany { limit: MAX_SHARDS });
        }
        shards.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (names, shards): (Vec<_>, _) = shards.into_iter().unzip();
        if let Some(two) = names.windows(2).find(|two| two[0] == two[1]) {
            return Err(ShardsError::Duplicate {
                shard: two[0].clone(),
            });
        }
        let seeds = names.iter().map(|name| mix(hash(name))).collect();
        Ok((Self { names, seeds }, shards))
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the number of a topic's shard.
    pub(crate) fn shard(&self, topic: &str) -> usize {
        let hash = hash(topic);
        let (mut best, mut highest) = (0, 0);
        for (number, seed) in self.seeds.iter().enumerate() {
            let score = mix(hash ^ seed);
            if score > highest {
                (best, highest) = (number, score);
            }
        }
        best
    }
}

/// Returns the hash FNV-1a of a name. It is mixed before it is compared.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Lets each bit of a number depend on all of them: the finalizer of `SplitMix64`.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn placement<N: ToString>(names: impl IntoIterator<Item = N>) -> Placement {
        let shards = names.into_iter().map(|name| (name.to_string(), ()));
        let (placement, _) = Placement::new::<_, Infallible>(shards).expect("valid");
        placement
    }

    fn name<'a>(placement: &'a Placement, topic: &str) -> &'a str {
        &placement.names()[placement.shard(topic)]
    }

    fn topics() -> impl Iterator<Item = String> {
        (0..30_000).map(|number| format!("user {number}"))
    }

    /// These must never change: the nodes of two versions would have the topics in different shards.
    #[test]
    fn the_shards_of_these_topics_are_the_same_for_ever() {
        let long = "x".repeat(512);
        let names = ["10.0.0.1:6379/0", "10.0.0.2:6379/0", "10.0.0.3:6379/0"];
        let (letters, numbers, servers) = (
            placement(["a", "b", "c"]),
            placement(0..3),
            placement(names),
        );
        for (topic, letter, number, server) in [
            ("", "b", "1", names[1]),
            ("a", "c", "2", names[0]),
            ("b", "c", "0", names[0]),
            ("c", "c", "0", names[0]),
            ("news", "b", "1", names[2]),
            ("room:7/de-CH", "c", "1", names[0]),
            ("ø", "a", "0", names[2]),
            ("user 1", "a", "0", names[1]),
            ("user 2", "a", "0", names[0]),
            (&long, "b", "0", names[0]),
        ] {
            assert_eq!(name(&letters, topic), letter, "{topic}");
            assert_eq!(name(&numbers, topic), number, "{topic}");
            assert_eq!(name(&servers, topic), server, "{topic}");
        }
    }

    #[test]
    fn the_topics_are_spread_evenly() {
        for count in [2, 3, 10, 40] {
            let placement = placement((1..=count).map(|number| format!("10.0.0.{number}:6379/0")));
            let mut topics_of = vec![0; count];
            for topic in topics() {
                topics_of[placement.shard(&topic)] += 1;
            }
            let fair = 30_000 / count;
            for topics in topics_of {
                assert!(topics * 8 > fair * 7 && topics * 8 < fair * 9, "{topics}");
            }
        }
    }

    #[test]
    fn a_shard_more_takes_its_part_of_each_and_moves_nothing_else() {
        let before = placement(["a", "b", "c"]);
        let after = placement(["a", "new", "c", "b"]);
        let mut moved = HashMap::new();
        for topic in topics() {
            let (from, to) = (name(&before, &topic), name(&after, &topic));
            if from != to {
                assert_eq!(to, "new");
                *moved.entry(from).or_insert(0) += 1;
            }
        }
        // A quarter of each third.
        assert_eq!(moved.len(), 3);
        for moved in moved.into_values() {
            assert!((2_200..2_800).contains(&moved), "{moved}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_shards_makes_no_difference(
            mut names in prop::collection::hash_set(any::<String>(), 1..20)
                .prop_map(|names| names.into_iter().collect::<Vec<_>>()),
            topic in any::<String>(),
        ) {
            let in_order = placement(&names);
            names.reverse();
            let reversed = placement(&names);
            prop_assert_eq!(name(&in_order, &topic), name(&reversed, &topic));
        }
    }

    #[test]
    fn no_shard_the_same_one_twice_and_too_many_are_errors() {
        let refused = |names: Vec<String>| {
            let shards = names.into_iter().map(|name| (name, ()));
            Placement::new::<_, Infallible>(shards).expect_err("refused")
        };
        assert!(matches!(refused(Vec::new()), ShardsError::NoShards));
        let twice = ["b", "a", "b"].map(str::to_owned).to_vec();
        assert!(matches!(refused(twice), ShardsError::Duplicate { shard } if shard == "b"));
        let many = (0..=MAX_SHARDS).map(|number| number.to_string()).collect();
        assert!(matches!(refused(many), ShardsError::TooMany { limit: 256 }));
    }
}
