//! Lists what object folders hold, by kind, from indexes and headers alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::ObjectId;
use super::file::{PackFile, Window};
use super::index::Index;
use super::inflate::Inflater;
use super::loose::{self, Loose};
use super::packs::{Packs, pack_gap, pack_gaps, without_index};
use super::rescue::{Copy, Rescue};
use crate::source::Gap;
use crate::source::git::repository::files_in;

/// Loose objects whose headers are read by one thread at a time.
const RUN: usize = 256;
/// Why a delta in a circle cannot be read.
const CIRCLE: &str = "a delta that needs itself";
/// Why another delta cannot.
const NO_BASE: &str = "a delta without its base";

/// What object folders hold. Ids of 32 bytes are left out.
#[derive(Debug, Default)]
pub(in crate::source::git) struct Listing {
    pub(in crate::source::git) blobs: Vec<Oid>,
    pub(in crate::source::git) commits: Vec<Oid>,
    pub(in crate::source::git) trees: Vec<Oid>,
    pub(in crate::source::git) tags: Vec<Oid>,
    /// Objects of which no copy says what it is, and why, by pack or folder; sorted.
    pub(in crate::source::git) unreadable: BTreeMap<String, Vec<(Oid, String)>>,
    /// Objects whose chain of deltas is a circle in some pack. libgit2 1.9.7 follows it for ever.
    pub(in crate::source::git) circles: Vec<Oid>,
    /// Packs and folders that could not be read.
    pub(in crate::source::git) gaps: Vec<Gap>,
    /// Some pack has no index of its own; a multi-pack index may know what it holds.
    pub(in crate::source::git) without_index: bool,
}

impl Packs {
    /// Lists every object, each once.
    pub(in crate::source::git) fn list(&self) -> Listing {
        let mut listing = Listing::default();
        let mut rescue = Rescue::new(self.object_dirs(), 1 << 20);
        // Deltas on objects of other packs or in a circle, with the pack.
        let mut elsewhere: Vec<(Oid, String, &'static str)> = Vec::new();
        let mut bad: Vec<(Oid, String, String)> = Vec::new();
        for dir in self.object_dirs() {
            for path in
                files_in(&dir.join("pack")).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "idx"))
            {
                rescue.add(path.clone());
                self.list_pack(&path, &mut listing, &mut elsewhere, &mut bad);
            }
            self.list_loose(dir, &mut listing, &mut bad);
        }
        let unindexed = without_index(self.object_dirs());
        listing.without_index = !unindexed.is_empty();
        listing.gaps.extend(unindexed);
        for (id, container, why) in elsewhere {
            match rescue.read(&id.into(), ObjectType::Any, None, 0) {
                Some(Copy::Other(kind)) => listing.add(id, kind),
                _ => bad.push((id, container, why.to_owned())),
            }
        }
        for ids in [&mut listing.blobs, &mut listing.commits, &mut listing.trees, &mut listing.tags] {
            ids.par_sort_unstable();
            ids.dedup();
            ids.shrink_to_fit();
        }
        bad.sort_unstable();
        bad.dedup_by_key(|(id, ..)| *id);
        for (id, container, why) in bad {
            if !listing.holds(&id) {
                listing.unreadable.entry(container).or_default().push((id, why));
            }
        }
        listing
    }

    fn list_pack(
        &self,
        path: &Path,
        listing: &mut Listing,
        elsewhere: &mut Vec<(Oid, String, &'static str)>,
        bad: &mut Vec<(Oid, String, String)>,
    ) {
        let pack_path = path.with_extension("pack");
        let shown = pack_path.display().to_string();
        let index = match Index::open(path) {
            Ok(index) => index,
            Err(error) => return listing.gaps.extend(pack_gap(path, path, &error)),
        };
        let pack = match PackFile::open(&pack_path) {
            Ok(pack) => pack,
            Err(error) => return listing.gaps.extend(pack_gap(path, &pack_path, &error.into())),
        };
        let headers = match self.headers(path, &index, &pack) {
            Ok(headers) => headers,
            Err(error) => return listing.gaps.extend(pack_gap(path, path, &error)),
        };
        listing.gaps.extend(pack_gaps(&shown, &index, &pack, headers.doubtful));
        let mut found = vec![Found::Elsewhere(NO_BASE); index.count];
        headers.each(|position, what| found[position] = what);
        let listed = index.each_id(|position, id| {
            let Ok(id) = Oid::from_bytes(id) else { return };
            match found[position] {
                Found::Kind(kind) => listing.add(id, kind),
                Found::Elsewhere(why) => elsewhere.push((id, shown.clone(), why)),
                Found::Circle => {
                    listing.circles.push(id);
                    elsewhere.push((id, shown.clone(), CIRCLE));
                }
                Found::Bad(why) => bad.push((id, shown.clone(), why.to_owned())),
            }
        });
        if let Err(error) = listed {
            listing.gaps.extend(pack_gap(path, path, &error));
        }
    }

    fn list_loose(&self, dir: &Path, listing: &mut Listing, bad: &mut Vec<(Oid, String, String)>) {
        let (ids, unlisted) = loose::list(dir);
        listing.gaps.extend(unlisted.into_iter().map(|(path, message)| loose::unlisted_gap(&path, message)));
        let read: Vec<(ObjectId, Result<ObjectType, String>)> = ids
            .par_chunks(RUN)
            .flat_map_iter(|some| {
                let (mut inflater, mut window) = (Inflater::new(), Window::new());
                some.iter()
                    .map(|id| {
                        let path = loose::path(dir, id);
                        let kind = match loose::read(&path, ObjectType::Any, &mut inflater, &mut window, |_| false) {
                            Ok(Loose::Other(kind)) => Ok(kind),
                            Ok(Loose::Found(..)) => Err("unknown object type".to_owned()),
                            Err((_, message)) => Err(message),
                        };
                        (*id, kind)
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut known = self.loose.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, kind) in read {
            match (kind, id.oid()) {
                (Ok(kind), oid) => {
                    known.insert(id, kind);
                    if let Some(id) = oid {
                        listing.add(id, kind);
                    }
                }
                (Err(message), Some(id)) => bad.push((id, dir.display().to_string(), message)),
                (Err(_), None) => {}
            }
        }
    }

    /// Sorted ids in the order in which packs store them, then those that lie loose.
    pub(in crate::source::git) fn in_reading_order(&self, ids: &[Oid]) -> Vec<Oid> {
        let mut order = Vec::with_capacity(ids.len());
        let mut done = vec![false; ids.len()];
        for dir in self.object_dirs() {
            for path in
                files_in(&dir.join("pack")).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "idx"))
            {
                let Ok(index) = Index::open(&path) else { continue };
                let Ok(offsets) = index.offsets() else { continue };
                let mut places = vec![u32::MAX; index.count];
                let listed = index.each_id(|position, id| {
                    if let Ok(at) = ids.binary_search_by(|known| known.as_bytes().cmp(id)) {
                        places[position] = at as u32;
                    }
                });
                if listed.is_err() {
                    continue;
                }
                for (_, position) in offsets {
                    if let Some(done) = done.get_mut(places[position as usize] as usize)
                        && !std::mem::replace(done, true)
                    {
                        order.push(ids[places[position as usize] as usize]);
                    }
                }
            }
        }
        order.extend(ids.iter().zip(&done).filter(|(_, done)| !**done).map(|(id, _)| *id));
        order
    }
}

/// What the header of an entry and those of its bases say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found {
    Kind(ObjectType),
    /// A delta on an object that is not in the pack.
    Elsewhere(&'static str),
    Circle,
    Bad(&'static str),
}

impl Listing {
    /// Adds an object.
    pub(in crate::source::git) fn add(&mut self, id: Oid, kind: ObjectType) {
        match kind {
            ObjectType::Blob => self.blobs.push(id),
            ObjectType::Commit => self.commits.push(id),
            ObjectType::Tag => self.tags.push(id),
            _ => self.trees.push(id),
        }
    }

    /// Whether a sorted list has an object.
    pub(in crate::source::git) fn holds(&self, id: &Oid) -> bool {
        [&self.blobs, &self.trees, &self.commits, &self.tags].iter().any(|ids| ids.binary_search(id).is_ok())
    }
}
