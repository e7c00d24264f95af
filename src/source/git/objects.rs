//! Counts what there is: every object of a repository, or all that some refs reach.

use std::sync::Arc;

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::ids::{IdIndex, IdSet};
use super::pack::{Listing, Packs};
use super::repository::{Repository, header, malformed_gap, object, object_gap, refuse};
use super::trees::TreeWalk;
use super::{raw, refs};
use crate::source::{Gap, GapKind, SourceError};

/// So many unreadable objects of one pack are named one by one; more become one gap.
const NAMED_PER_CONTAINER: usize = 20;
/// The trees of so many ref tips are checked for completeness when objects are listed.
const TIPS_CHECKED: usize = 256;
/// git knows the empty tree without storing it.
pub(super) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Which objects to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Everything in the object database, reachable or not.
    All,
    /// Everything reachable from these refs or revisions.
    Refs(Vec<String>),
}

/// What there is to scan.
#[derive(Debug, Default)]
pub struct Census {
    /// Every blob, sorted by id.
    pub blobs: Vec<Oid>,
    /// The commits in the order in which packs store them, unless they are read along the delta chains.
    pub(super) commit_reading_order: Vec<Oid>,
    /// Every commit, sorted by id.
    pub commits: Vec<Oid>,
    /// Every annotated tag, sorted by id.
    pub tags: Vec<Oid>,
    /// What could not be read or is not there.
    pub gaps: Vec<Gap>,
    /// The trees.
    pub(super) trees: Arc<IdIndex>,
    /// Until the listing is finished.
    tree_ids: Vec<Oid>,
    /// Where objects are read along their delta chains, unless only some were asked for.
    pub(super) packs: Option<Arc<Packs>>,
}

impl Repository {
    /// The blobs of a census in the order in which packs store them, which is the fast order to read.
    pub fn reading_order(&self, census: &Census) -> Vec<Oid> {
        self.packs().in_reading_order(&census.blobs)
    }

    /// Lists the objects of `selection` without reading their content.
    ///
    /// Whether commits have their trees and parents is checked when the
    /// [`CommitGraph`](super::CommitGraph) is built, whether trees have their entries where trees
    /// are read; of the tips of refs, the trees are checked here.
    pub fn census(&self, selection: &Selection) -> Result<Census, SourceError> {
        let mut census = match selection {
            Selection::All => self.census_of_all()?,
            Selection::Refs(names) => {
                self.need_refs()?;
                self.census_of_refs(names)?
            }
        };
        if self.facts().shallow {
            let count = self.shallow_boundary().len();
            census.gaps.push(Gap {
                what: "shallow clone".to_owned(),
                kind: GapKind::PartialHistory,
                message: format!("history is cut off at {count} {}", plural(count, "commit")),
            });
        }
        census.finish();
        Ok(census)
    }

    /// Lists the object folders and notes what may not be asked of libgit2.
    fn list_objects(&self, packs: &Packs) -> Listing {
        let listing = packs.list();
        refuse(listing.circles.iter().copied());
        listing
    }

    fn census_of_all(&self) -> Result<Census, SourceError> {
        let packs = self.packs();
        let mut listing = self.list_objects(&packs);
        if listing.without_index {
            self.ask_libgit2(&mut listing)?;
        }
        let mut census = Census {
            blobs: listing.blobs,
            commits: listing.commits,
            tags: listing.tags,
            tree_ids: listing.trees,
            gaps: listing.gaps,
            ..Census::default()
        };
        for (container, unreadable) in listing.unreadable {
            // They were listed a moment ago: their pack or file is damaged.
            let kind = GapKind::Corrupt;
            if unreadable.len() <= NAMED_PER_CONTAINER {
                let gaps = unreadable.into_iter();
                census.gaps.extend(gaps.map(|(id, message)| Gap { what: format!("object {id}"), kind, message }));
            } else {
                let message = format!("{} objects cannot be read: {}", unreadable.len(), unreadable[0].1);
                census.gaps.push(Gap { what: container, kind, message });
            }
        }
        census.packs = Some(Arc::new(packs));
        self.check_tips(&mut census)?;
        Ok(census)
    }

    /// A multi-pack index may know what a pack without an index holds.
    fn ask_libgit2(&self, listing: &mut Listing) -> Result<(), SourceError> {
        let handle = self.handle_or_fail()?;
        let mut more = Vec::new();
        let found = handle.odb().and_then(|odb| {
            odb.foreach(|id| {
                if !listing.holds(id) {
                    more.push(*id);
                }
                true
            })
        });
        drop(handle);
        if let Err(error) = found {
            listing.gaps.push(Gap {
                what: "object database".to_owned(),
                kind: GapKind::Corrupt,
                message: error.message().to_owned(),
            });
        }
        more.sort_unstable();
        more.dedup();
        let unreadable = |id: &Oid| listing.unreadable.values().flatten().any(|(known, _)| known == id);
        more.retain(|id| !unreadable(id));
        for (id, kind) in more.iter().zip(self.kinds(&more)) {
            match kind {
                Ok(kind) => listing.add(*id, kind),
                Err(error) => listing.gaps.push(object_gap("object", *id, &error)),
            }
        }
        for ids in [&mut listing.blobs, &mut listing.commits, &mut listing.trees, &mut listing.tags] {
            ids.sort_unstable();
        }
        Ok(())
    }

    fn census_of_refs(&self, names: &[String]) -> Result<Census, SourceError> {
        let mut census = Census::default();
        let mut walk = TreeWalk::default();
        let mut queue = Vec::new();
        // Only for what may not be asked for.
        let packs = self.packs();
        self.list_objects(&packs);
        {
            let handle = self.handle_or_fail()?;
            for name in names {
                let object = handle.revparse_single(name).map_err(|_| {
                    let name = name.clone();
                    SourceError::UnknownRevision { name }
                })?;
                queue.push(object.id());
            }
        }
        let boundary = self.shallow_boundary();
        let handle = self.handle_or_fail()?;
        let odb = handle.odb().map_err(|error| SourceError::Git {
            what: "object database".to_owned(),
            message: error.message().to_owned(),
        })?;
        let mut seen: IdSet = queue.iter().copied().collect();
        let mut visit = |id: Oid, queue: &mut Vec<Oid>| {
            if seen.insert(id) {
                queue.push(id);
            }
        };
        while let Some(id) = queue.pop() {
            let object = match object(&odb, id) {
                Ok(object) => object,
                Err(error) => {
                    census.gaps.push(object_gap("object", id, &error));
                    continue;
                }
            };
            match object.kind() {
                ObjectType::Commit => {
                    census.commits.push(id);
                    let Ok(commit) = raw::commit(object.data()) else {
                        census.gaps.push(malformed_gap("commit", id));
                        continue;
                    };
                    walk.add_root(commit.tree);
                    if !boundary.contains(&id) {
                        for parent in commit.parents {
                            visit(parent, &mut queue);
                        }
                    }
                }
                ObjectType::Tag => {
                    census.tags.push(id);
                    match raw::tag(object.data()) {
                        Ok(tag) => visit(tag.target, &mut queue),
                        Err(_) => census.gaps.push(malformed_gap("tag", id)),
                    }
                }
                ObjectType::Tree => walk.add_root(id),
                _ => walk.add_blob(id),
            }
        }
        drop(odb);
        drop(handle);
        walk.run(self);
        census.gaps.append(&mut walk.gaps);
        let mut blobs: Vec<Oid> = Vec::new();
        let mut missing = Vec::new();
        let named = walk.blobs();
        for (id, kind) in named.iter().zip(self.kinds(&named)) {
            match kind {
                Ok(_) => blobs.push(*id),
                Err(error) => missing.push(object_gap("blob", *id, &error)),
            }
        }
        // With none missing, even a partial clone has all that was asked for.
        if !missing.is_empty() {
            self.report_missing(&mut census, missing);
        }
        census.tree_ids = walk.trees();
        census.blobs = blobs;
        // A walk from the tips goes through packs much as they were written.
        census.commit_reading_order.clone_from(&census.commits);
        census.sort();
        Ok(census)
    }

    /// Whether the trees of the tips are complete: the most recent refs are what people look at,
    /// and what a repository needs to be usable at all.
    fn check_tips(&self, census: &mut Census) -> Result<(), SourceError> {
        let handle = self.handle_or_fail()?;
        let tips = refs::list(self, &handle);
        let mut walk = TreeWalk::default();
        let head = self.facts().head.as_ref().and_then(|head| head.commit);
        let ids = head.into_iter().chain(tips.refs.into_iter().map(|(_, id)| id));
        if let Ok(odb) = handle.odb() {
            for id in ids.take(TIPS_CHECKED) {
                if let Ok(object) = object(&odb, id)
                    && let Ok(commit) = raw::commit(object.data())
                {
                    walk.add_root(commit.tree);
                }
            }
        }
        drop(handle);
        walk.run(self);
        census.gaps.append(&mut walk.gaps);
        let missing: Vec<Gap> = walk
            .blobs()
            .into_iter()
            .filter(|id| census.blobs.binary_search(id).is_err())
            .map(|id| object_gap("blob", id, &git2::Error::new(git2::ErrorCode::NotFound, git2::ErrorClass::Odb, "")))
            // One that is there but unreadable was reported by its own header.
            .filter(|gap| !census.gaps.iter().any(|known| known.what.ends_with(&gap.what[5..])))
            .collect();
        self.report_missing(census, missing);
        Ok(())
    }

    /// In a partial clone, missing blobs are promised: one gap says how many.
    fn report_missing(&self, census: &mut Census, missing: Vec<Gap>) {
        if !self.facts().partial {
            census.gaps.extend(missing);
            return;
        }
        let (promised, damaged): (Vec<_>, Vec<_>) = missing.into_iter().partition(|gap| gap.kind == GapKind::Missing);
        census.gaps.extend(damaged);
        let count = promised.len();
        census.gaps.push(Gap {
            what: "partial clone".to_owned(),
            kind: GapKind::PartialHistory,
            message: if count == 0 {
                "objects may have been left out when it was cloned".to_owned()
            } else {
                format!(
                    "at least {count} {} left out when it was cloned",
                    if count == 1 { "blob was" } else { "blobs were" }
                )
            },
        });
    }

    /// The kind of each object, in the same order.
    fn kinds(&self, objects: &[Oid]) -> Vec<Result<ObjectType, git2::Error>> {
        objects
            .par_chunks(512)
            .map(|chunk| -> Vec<Result<ObjectType, git2::Error>> {
                let handle = self.handle();
                let odb = handle.as_ref().map(|handle| handle.odb());
                chunk
                    .iter()
                    .map(|id| match &odb {
                        Ok(Ok(odb)) => header(odb, *id).map(|(_, kind)| kind),
                        Ok(Err(error)) => Err(copy(error)),
                        Err(error) => Err(copy(error)),
                    })
                    .collect()
            })
            .flatten_iter()
            .collect()
    }
}

impl Census {
    /// How many trees.
    pub fn tree_count(&self) -> usize {
        self.trees.ids().len()
    }

    /// Where everything is read along the delta chains, unless only what some refs reach was asked for.
    pub fn packs(&self) -> Option<&Packs> {
        self.packs.as_deref()
    }

    fn sort(&mut self) {
        for ids in [&mut self.blobs, &mut self.commits, &mut self.tags, &mut self.tree_ids] {
            ids.par_sort_unstable();
        }
    }

    fn finish(&mut self) {
        self.trees = Arc::new(IdIndex::new(std::mem::take(&mut self.tree_ids)));
        self.gaps.sort();
        self.gaps.dedup();
    }
}

pub(super) fn plural(count: usize, noun: &str) -> String {
    format!("{noun}{}", if count == 1 { "" } else { "s" })
}

fn copy(error: &git2::Error) -> git2::Error {
    git2::Error::new(error.code(), error.class(), error.message())
}
