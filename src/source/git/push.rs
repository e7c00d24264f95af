//! What a push brings: the commits, tags and loose ends behind the new ids that the other side, as far as is
//! known here, does not have yet.

use std::path::PathBuf;

use git2::{ObjectType, Oid};

use super::change::{Change, Changes, failed};
use super::range::Walk;
use super::repository::{Handle, Repository, header, object, object_gap};
use super::{raw, refs, tree_diff};
use crate::source::{Gap, GapKind, RelPath, SourceError};

/// Tags of tags are followed this far.
const TAG_DEPTH: usize = 64;

/// The ids of a push and what is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// What the refs are to name: commits, tags, or what a tag may name. Deletions bring nothing.
    pub new: Vec<Oid>,
    /// What they named before. Ids that are not here are passed over.
    pub old: Vec<Oid>,
    /// Which refs' commits are there already.
    pub known: KnownRefs,
}

/// Refs whose commits the receiving side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownRefs {
    /// Every ref of this repository, for it is the one that receives.
    All,
    /// `refs/remotes/…`: what some remote was seen to have.
    Remotes,
}

/// What the new ids come down to.
#[derive(Debug, Default)]
struct Tips {
    commits: Vec<Oid>,
    tags: Vec<Oid>,
    trees: Vec<Oid>,
    blobs: Vec<Oid>,
    gaps: Vec<Gap>,
}

impl Repository {
    /// What each commit of a push changes that no known ref reaches, its annotated tags, and the files of
    /// trees and blobs that are pushed without a commit.
    ///
    /// # Errors
    /// The repository's objects cannot be read at all.
    pub fn pushed(&self, push: &Push) -> Result<Changes, SourceError> {
        let handle = self.handle_or_fail()?;
        let tips = Tips::of(&handle, &push.new)?;
        let mut known = Tips::of(&handle, &push.old)?.commits;
        let all = refs::list(self, &handle).refs.into_iter();
        let counts = |name: &str| push.known == KnownRefs::All || name.starts_with("refs/remotes/");
        known.extend(all.filter(|(name, _)| counts(name)).map(|(_, commit)| commit));
        known.sort_unstable();
        known.dedup();
        let odb = handle.odb().map_err(|error| failed("objects", &error))?;
        let mut walk = Walk::new(&odb, self.shallow_boundary());
        walk.run(&known, &tips.commits);
        let (commits, mut changes) = walk.finish();
        self.compare(&commits, None, &mut changes);
        for tree in &tips.trees {
            let found = tree_diff::compare(&odb, *tree, &[]);
            changes.gaps.extend(found.gaps);
            changes.exclusions.extend(found.exclusions);
            let files = found.files.into_iter();
            changes.items.extend(files.map(|(path, id, _)| Change { commit: None, path, id, parents: Vec::new() }));
        }
        // A blob has no path, and a place without a path says so.
        let loose =
            tips.blobs.iter().map(|id| Change { commit: None, path: RelPath::default(), id: *id, parents: Vec::new() });
        changes.items.extend(loose);
        changes.gaps.extend(tips.gaps);
        changes.tips = tips.commits;
        changes.tags = tips.tags;
        Ok(changes)
    }

    /// Also looks for objects in these folders: what is pushed lies in a quarantine until the hooks have
    /// let it in.
    pub fn add_object_folders(&mut self, folders: Vec<PathBuf>) -> Result<(), SourceError> {
        let own = self.object_dirs();
        for folder in folders {
            if own.iter().any(|own| own.canonicalize().ok() == folder.canonicalize().ok()) {
                continue;
            }
            self.borrow_from(folder)?;
        }
        Ok(())
    }
}

impl Tips {
    fn of(handle: &Handle<'_>, ids: &[Oid]) -> Result<Self, SourceError> {
        let odb = handle.odb().map_err(|error| failed("objects", &error))?;
        let mut tips = Self::default();
        for id in ids {
            let mut id = *id;
            for depth in 0..=TAG_DEPTH {
                let kind = match header(&odb, id) {
                    Ok((_, kind)) if depth < TAG_DEPTH => kind,
                    Ok(_) => {
                        let message = "more than 64 tags of tags".to_owned();
                        tips.gaps.push(Gap { what: format!("tag {id}"), kind: GapKind::Limit, message });
                        break;
                    }
                    Err(error) => {
                        tips.gaps.push(object_gap("object", id, &error));
                        break;
                    }
                };
                match kind {
                    ObjectType::Commit => tips.commits.push(id),
                    ObjectType::Tree => tips.trees.push(id),
                    ObjectType::Blob => tips.blobs.push(id),
                    _ => {
                        tips.tags.push(id);
                        let read = object(&odb, id).map_err(|error| object_gap("tag", id, &error));
                        let target = read.map(|tag| raw::tag(tag.data()).ok().and_then(|tag| tag.target.into()));
                        match target {
                            Ok(Some(target)) => {
                                id = target;
                                continue;
                            }
                            Ok(None) => tips.gaps.push(super::repository::malformed_gap("tag", id)),
                            Err(gap) => tips.gaps.push(gap),
                        }
                    }
                }
                break;
            }
        }
        for list in [&mut tips.commits, &mut tips.tags, &mut tips.trees, &mut tips.blobs] {
            list.sort_unstable();
            list.dedup();
        }
        Ok(tips)
    }
}
