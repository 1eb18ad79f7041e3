//! Files of the same bytes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::digest::sha256_of;
use crate::data::inspect::description::Duplicate;

/// Files of equal bytes; only those of equal length are read.
pub fn duplicates(files: &[(usize, PathBuf, u64)]) -> Vec<Duplicate> {
    let mut by_length: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut seen = HashSet::new();
    for (index, (_, path, bytes)) in files.iter().enumerate() {
        if *bytes > 0 && seen.insert(path) {
            by_length.entry(*bytes).or_default().push(index);
        }
    }
    let mut alike: Vec<usize> = by_length
        .into_values()
        .filter(|same| same.len() > 1)
        .flatten()
        .collect();
    alike.sort_unstable();
    let digests = alike.par_iter().map(|&index| digest(&files[index].1));
    let digests: Vec<Option<String>> = digests.collect();
    let mut by_digest: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, digest) in alike.into_iter().zip(digests) {
        if let Some(digest) = digest {
            by_digest.entry(digest).or_default().push(index);
        }
    }
    let same = by_digest.into_iter().filter(|(_, same)| same.len() > 1);
    let mut duplicates: Vec<Duplicate> = same
        .map(|(sha256, same)| Duplicate {
            sha256,
            across: same.iter().any(|&index| files[index].0 != files[same[0]].0),
            files: same.iter().map(|&index| files[index].1.clone()).collect(),
        })
        .collect();
    duplicates.sort_by(|a, b| a.files.cmp(&b.files));
    duplicates
}

fn digest(path: &Path) -> Option<String> {
    sha256_of(File::open(path).ok()?).ok()
}
