//! Which share of a list of images a process takes. The share of an image follows from its
//! name alone, so that machines agree without talking, and images that are added or removed
//! move no others.

use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Share `index` of `count`, the first being 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Everything.
    pub const ALL: Self = Self { index: 1, count: 1 };

    /// Whether the image of this name belongs to the share; `name` is its path inside the
    /// folder that was named, or in front of the first wildcard.
    ///
    /// The first 8 bytes of the SHA-256 of the name, with `/` between folders, are a number
    /// whose remainder of division by `count`, plus one, is the share.
    pub fn holds(self, name: &Path) -> bool {
        let parts = name.components().filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        });
        let name = parts.collect::<Vec<_>>().join("/");
        let digest = Sha256::digest(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first) % self.count + 1 == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(index, count)| {
            Some((index.trim().parse().ok()?, count.trim().parse().ok()?))
        });
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            Some((0, count)) => Err(format!(
                "shares count from 1: 1/{count} is the first, {count}/{count} the last"
            )),
            _ => Err("must be I/N with 1 ≤ I ≤ N, such as 3/16".to_string()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_belongs_to_exactly_one_share_and_shares_are_alike_in_size() {
        let shards: Vec<Shard> = (1..=7)
            .map(|index| format!("{index}/7").parse().expect("a share"))
            .collect();
        let mut sizes = [0; 7];
        for number in 0..7_000 {
            let name = format!("folder/{number:05}.jpg");
            let holders = shards.iter().map(|shard| shard.holds(Path::new(&name)));
            let holders: Vec<usize> = holders
                .enumerate()
                .filter_map(|(at, holds)| holds.then_some(at))
                .collect();
            assert_eq!(holders.len(), 1, "{name}");
            sizes[holders[0]] += 1;
        }
        assert!(
            sizes.iter().all(|size| (850..1150).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn the_share_of_a_name_never_changes() {
        // Printed by: printf a/b.png | sha256sum; the share decides which files are done already.
        let shard = |text: &str| text.parse::<Shard>().expect("a share");
        let share =
            (1..=10).find(|index| shard(&format!("{index}/10")).holds(Path::new("a/b.png")));
        assert_eq!(share, Some(6));
        assert!(shard("6/10").holds(Path::new("./a//b.png")));
    }

    #[test]
    fn what_is_no_share_is_refused_with_what_would_be() {
        for (text, word) in [
            ("0/4", "1/4"),
            ("5/4", "3/16"),
            ("x", "3/16"),
            ("1/0", "3/16"),
        ] {
            let message = text.parse::<Shard>().expect_err(text);
            assert!(message.contains(word), "{message}");
        }
    }
}
