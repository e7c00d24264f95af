//! Compares two sets of places, passing over what they share.

use std::cmp::Ordering;
use std::collections::HashMap;

use bstr::BString;

use super::presence::{Child, Sets};

/// Numbers for paths. Number 0 is the root.
#[derive(Debug)]
pub(super) struct Paths {
    /// The folder and the last part of each path.
    parts: Vec<(u32, u32)>,
    numbers: HashMap<(u32, u32), u32>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { parts: vec![(0, 0)], numbers: HashMap::new() }
    }
}

impl Paths {
    fn join(&mut self, folder: u32, name: u32) -> u32 {
        *self.numbers.entry((folder, name)).or_insert_with(|| {
            self.parts.push((folder, name));
            u32::try_from(self.parts.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The path written out.
    pub(super) fn bytes(&self, mut path: u32, names: &[Box<[u8]>]) -> BString {
        let mut parts = Vec::new();
        while path != 0 {
            let (folder, name) = self.parts[path as usize];
            parts.push(&names[name as usize][..]);
            path = folder;
        }
        parts.reverse();
        BString::from(parts.join(&b'/'))
    }
}

/// Calls `each` with path, old blob and new blob wherever the sets differ.
pub(super) fn diff(
    sets: &Sets,
    paths: &mut Paths,
    old: u32,
    new: u32,
    mut each: impl FnMut(u32, Option<u32>, Option<u32>),
) {
    let mut stack = vec![(0, old, new)];
    while let Some((folder, old, new)) = stack.pop() {
        if old == new {
            continue;
        }
        let mut olds = &sets.sets[old as usize][..];
        let mut news = &sets.sets[new as usize][..];
        loop {
            let order = match (olds.first(), news.first()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) if old.name == new.name => Ordering::Equal,
                (Some(old), Some(new)) => sets.names[old.name as usize].cmp(&sets.names[new.name as usize]),
            };
            let mut old = None;
            let mut new = None;
            if order.is_le() {
                old = olds.split_off_first();
            }
            if order.is_ge() {
                new = news.split_off_first();
            }
            let (Some(member), old, new) = (old.or(new), old, new) else {
                break;
            };
            if old == new {
                continue;
            }
            let path = paths.join(folder, member.name);
            let blob = |member: Option<&super::presence::Member>| match member?.child {
                Child::Blob(blob) => Some(blob),
                Child::Set(_) => None,
            };
            let set = |member: Option<&super::presence::Member>| match member.map(|m| m.child) {
                Some(Child::Set(set)) => set,
                _ => 0,
            };
            let blobs = (blob(old), blob(new));
            if blobs != (None, None) {
                each(path, blobs.0, blobs.1);
            }
            stack.push((path, set(old), set(new)));
        }
    }
}

/// Calls `each` with every path and blob of a set.
pub(super) fn flatten(sets: &Sets, paths: &mut Paths, set: u32, mut each: impl FnMut(u32, u32)) {
    diff(sets, paths, 0, set, |path, _, blob| {
        if let Some(blob) = blob {
            each(path, blob);
        }
    });
}
