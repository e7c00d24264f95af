//! Reads every tree once, along its delta chain, and keeps of each what attribution asks for.
//!
//! Where a tree copies from its base its entries are the base's, so that only what is fresh is parsed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use git2::{ObjectType, Oid};

use super::ids::{IdIndex, IdMap};
use super::pack::{Edit, Limits, ObjectId, Packs, Visit};
use super::presence::Filter;
use super::raw::{self, EntryKind};

/// Set in [`Entry::child`] if it is a blob of interest; otherwise it is a tree.
const BLOB: u32 = 1 << 31;

/// Numbers for parts of paths.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) list: Vec<Box<[u8]>>,
    numbers: HashMap<Box<[u8]>, u32>,
}

impl Names {
    pub(super) fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }
}

/// An entry of a tree: a folder or a blob of interest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// In [`Names`].
    pub(super) name: u32,
    child: u32,
}

/// What an entry stands for.
pub(super) enum Named {
    /// The number of a blob of interest.
    Blob(u32),
    /// The number of a tree.
    Tree(u32),
}

impl Entry {
    pub(super) fn named(self) -> Named {
        if self.child & BLOB == 0 { Named::Tree(self.child) } else { Named::Blob(self.child & !BLOB) }
    }
}

/// The trees of a repository by number: those that were listed in the order of their ids, then others that are named.
pub(super) struct Tables<'a> {
    blobs: &'a IdMap<u32>,
    filter: Filter,
    listed: &'a IdIndex,
    others: Mutex<Others>,
    names: Mutex<Names>,
    tables: Mutex<Vec<Option<Box<[Entry]>>>>,
}

#[derive(Default)]
struct Others {
    numbers: IdMap<u32>,
    ids: Vec<Oid>,
}

impl<'a> Tables<'a> {
    /// Empty tables for the trees that are listed. `blobs` are of interest.
    pub(super) fn new(listed: &'a IdIndex, blobs: &'a IdMap<u32>) -> Self {
        Self {
            blobs,
            filter: Filter::new(blobs),
            listed,
            others: Mutex::default(),
            names: Mutex::default(),
            tables: Mutex::new(vec![None; listed.ids().len()]),
        }
    }

    /// Reads every tree of the object database that is listed. What cannot be read stays without a table.
    pub(super) fn fill(&self, packs: &Packs) {
        packs.sweep(ObjectType::Tree, &Reader(self), &Limits::default());
    }

    /// The number of a tree.
    pub(super) fn number(&self, id: &[u8; 20]) -> u32 {
        self.listed.find(id).unwrap_or_else(|| {
            let mut others = lock(&self.others);
            let next = (self.listed.ids().len() + others.ids.len()) as u32;
            let id = raw::oid(id);
            let number = *others.numbers.entry(id).or_insert(next);
            if number == next {
                others.ids.push(id);
            }
            number
        })
    }

    /// The tree with a number.
    pub(super) fn id(&self, number: u32) -> Option<Oid> {
        let listed = self.listed.ids();
        listed
            .get(number as usize)
            .copied()
            .or_else(|| lock(&self.others).ids.get(number as usize - listed.len()).copied())
    }

    /// Takes the table of a tree, if it was read.
    pub(super) fn take(&self, number: u32) -> Option<Box<[Entry]>> {
        lock(&self.tables).get_mut(number as usize)?.take()
    }

    /// An entry, if it can lead to a blob of interest.
    pub(super) fn entry(&self, entry: &raw::Entry<'_>) -> Option<Entry> {
        let child = match entry.kind {
            EntryKind::Tree => self.number(entry.raw_id),
            EntryKind::Blob if self.filter.may_hold(entry.raw_id) => *self.blobs.get(&entry.id())? | BLOB,
            EntryKind::Blob | EntryKind::Commit => return None,
        };
        Some(Entry { name: lock(&self.names).number(entry.name), child })
    }

    /// Looks at the parts of paths met so far.
    pub(super) fn with_names<T>(&self, look: impl FnOnce(&Names) -> T) -> T {
        look(&lock(&self.names))
    }

    /// The parts of paths met.
    pub(super) fn into_names(self) -> Names {
        self.names.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fills tables.
struct Reader<'t, 'a>(&'t Tables<'a>);

/// What a tree leaves to those that are made from it.
#[derive(Default)]
struct Parsed {
    /// Where entries begin, and the end of the last one.
    bounds: Vec<u32>,
    /// The entries that are kept, by where they begin.
    kept: Vec<(u32, Entry)>,
    malformed: bool,
}

impl Reader<'_, '_> {
    fn parse(&self, bytes: &[u8], base: Option<(&Parsed, &Edit)>) -> Parsed {
        let mut parsed = Parsed { bounds: vec![0], ..Parsed::default() };
        let mut copies = base.map_or(&[][..], |(_, edit)| &edit.copies);
        let mut at = 0;
        while at < bytes.len() {
            while copies.first().is_some_and(|copied| copied.at + copied.len <= at) {
                copies = &copies[1..];
            }
            if let (Some((base, _)), Some(copied)) = (base, copies.first().filter(|copied| copied.at <= at)) {
                let from = copied.base + (at - copied.at);
                // Entries that begin where one of the base begins, and end within the copy, are the base's.
                let bounds = &base.bounds[base.bounds.partition_point(|bound| (*bound as usize) < from)..];
                let bounds = &bounds[..bounds.partition_point(|bound| *bound as usize <= copied.base + copied.len)];
                if let [first, rest @ .., last] = bounds
                    && *first as usize == from
                {
                    let moved = |place: u32| (place as usize - from + at) as u32;
                    parsed.bounds.extend(rest.iter().map(|bound| moved(*bound)));
                    parsed.bounds.push(moved(*last));
                    let kept = &base.kept[base.kept.partition_point(|(place, _)| place < first)..];
                    let kept = kept.iter().take_while(|(place, _)| place < last);
                    parsed.kept.extend(kept.map(|(place, entry)| (moved(*place), *entry)));
                    at = moved(*last) as usize;
                    continue;
                }
            }
            let Some((entry, len)) = raw::first_entry(&bytes[at..]) else {
                parsed.malformed = true;
                break;
            };
            parsed.kept.extend(self.0.entry(&entry).map(|entry| (at as u32, entry)));
            at += len;
            parsed.bounds.push(at as u32);
        }
        parsed
    }
}

impl Visit for Reader<'_, '_> {
    type State = Parsed;

    fn root(&self, _: &ObjectId, bytes: &[u8]) -> Parsed {
        self.parse(bytes, None)
    }

    fn child(&self, _: &ObjectId, bytes: &[u8], _: &[u8], base: &Parsed, edit: &Edit) -> Parsed {
        self.parse(bytes, Some((base, edit)))
    }

    fn found(&self, id: &ObjectId, _: &[u8], parsed: &Parsed) {
        if let Some(number) = self.0.listed.find(id.as_bytes())
            && !parsed.malformed
        {
            let table = parsed.kept.iter().map(|(_, entry)| *entry).collect();
            lock(&self.0.tables)[number as usize] = Some(table);
        }
    }
}
