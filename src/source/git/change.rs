//! What a change is, and reading of single files.

use std::sync::Arc;

use bstr::BString;
use git2::{ObjectType, Odb, Oid};

use super::index::Index;
use super::raw::{self, EntryKind};
use super::repository::{Repository, object, object_gap};
use crate::source::{CommitInfo, Exclusion, Gap, GapKind, RelPath, SourceError};

/// A file that a commit, or the commit about to be made, adds or alters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit; none if the file is staged, or pushed as a bare tree or blob.
    pub commit: Option<Arc<CommitInfo>>,
    /// Where the file stands.
    pub path: RelPath,
    /// Its content.
    pub id: Oid,
    /// The same file in each parent that has it, under the name it had there.
    pub parents: Vec<ParentFile>,
}

/// A file before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentFile {
    /// Where it stood.
    pub path: RelPath,
    /// Its content.
    pub id: Oid,
}

/// Every file that some commits, or the index, add or alter.
#[derive(Debug, Default)]
pub struct Changes {
    /// The files, by commit, parents first, then by path.
    pub items: Vec<Change>,
    /// The commits looked at, parents first.
    pub commits: Vec<Oid>,
    /// What policy left out.
    pub exclusions: Vec<Exclusion>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// The commit compared with: `A` of `A..B`, the merge base for `A...B`, `HEAD` for the index.
    pub base: Option<Oid>,
    /// `B` of a range, or what a push brings.
    pub tips: Vec<Oid>,
    /// Annotated tags whose messages belong to the change.
    pub tags: Vec<Oid>,
}

impl Repository {
    /// The blob or symbolic link at `path` in the tree of the commit `tip`.
    pub fn tree_holds(&self, tip: Oid, path: &RelPath) -> Option<Oid> {
        let handle = self.handle().ok()?;
        let odb = handle.odb().ok()?;
        holds(&odb, tip, path).ok().flatten()
    }

    /// The content of a blob, checked against its id.
    pub fn read_blob(&self, id: Oid) -> Result<Vec<u8>, Gap> {
        let read = || {
            let handle = self.handle()?;
            let odb = handle.odb()?;
            let object = object(&odb, id)?;
            Ok::<_, git2::Error>((object.kind(), object.data().to_vec()))
        };
        let same = |data: &[u8]| Oid::hash_object(ObjectType::Blob, data).is_ok_and(|hash| hash == id);
        let gap = match read() {
            Ok((ObjectType::Blob, data)) if same(&data) => return Ok(data),
            Ok(_) => Gap {
                what: format!("blob {id}"),
                kind: GapKind::Corrupt,
                message: "its content does not have this id".to_owned(),
            },
            Err(error) => object_gap("blob", id, &error),
        };
        self.rescued_blob(id, u64::MAX).ok_or(gap)
    }

    /// The file at `path` in a revision, as it is stored; none if there is no file.
    pub fn read_at(&self, rev: &str, path: &RelPath) -> Result<Option<Vec<u8>>, SourceError> {
        let tip = self.resolve(rev)?;
        let id = {
            let handle = self.handle_or_fail()?;
            let odb = handle.odb().map_err(|error| failed("objects", &error))?;
            holds(&odb, tip, path).map_err(|gap| SourceError::Git { what: gap.what, message: gap.message })?
        };
        id.map(|id| self.read_blob(id))
            .transpose()
            .map_err(|gap| SourceError::Git { what: gap.what, message: gap.message })
    }

    /// The paths in the index, also those in conflict, sorted, each once.
    pub fn tracked_paths(&self) -> Result<Vec<BString>, SourceError> {
        let index = Index::read(self.index_file())
            .map_err(|message| SourceError::Git { what: self.index_file().display().to_string(), message })?;
        let files = index.entries.iter().map(|entry| index.path(entry)).filter(|path| !path.ends_with(b"/"));
        let mut paths: Vec<BString> = files.map(BString::from).collect();
        paths.dedup();
        Ok(paths)
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// It names none.
    pub fn resolve(&self, rev: &str) -> Result<Oid, SourceError> {
        let handle = self.handle_or_fail()?;
        let unknown =
            || self.need_refs().err().unwrap_or_else(|| SourceError::UnknownRevision { name: rev.to_owned() });
        let object = handle.revparse_single(rev).map_err(|_| unknown())?;
        let commit = object.peel(ObjectType::Commit).map_err(|_| unknown())?;
        Ok(commit.id())
    }
}

pub(super) fn failed(what: &str, error: &git2::Error) -> SourceError {
    SourceError::Git { what: what.to_owned(), message: error.message().to_owned() }
}

/// Follows `path` down from a commit's tree.
pub(super) fn holds(odb: &Odb<'_>, tip: Oid, path: &RelPath) -> Result<Option<Oid>, Gap> {
    let commit = object(odb, tip).map_err(|error| object_gap("commit", tip, &error))?;
    let Ok(commit) = raw::commit(commit.data()) else {
        return Ok(None);
    };
    let mut id = commit.tree;
    let mut parts = path.as_bstr().split(|&byte| byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let tree = object(odb, id).map_err(|error| object_gap("tree", id, &error))?;
        let found = raw::entries(tree.data()).filter_map(Result::ok).find(|entry| entry.name == part);
        let last = parts.peek().is_none();
        match found {
            Some(entry) if last && entry.kind == EntryKind::Blob => return Ok(Some(entry.id())),
            Some(entry) if !last && entry.kind == EntryKind::Tree => id = entry.id(),
            _ => return Ok(None),
        }
    }
    Ok(None)
}
