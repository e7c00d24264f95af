//! Opens a repository and says what kind it is.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use git2::{ErrorCode, ObjectType, Odb, OdbObject, Oid, RepositoryOpenFlags};

use super::pack::Packs;
use super::{loose, process};
use crate::source::{Gap, GapKind, SourceError};

/// git itself follows alternates of alternates this far.
const ALTERNATES_DEPTH: usize = 5;

/// A repository that several threads can read.
///
/// libgit2's handles serve one thread at a time, so each thread borrows one of its own.
pub struct Repository {
    facts: RepositoryFacts,
    index_file: PathBuf,
    /// Object folders that the repository's own files do not name.
    borrowed: Vec<PathBuf>,
    idle: Mutex<Vec<git2::Repository>>,
    rescue: OnceLock<Packs>,
}

/// What kind of repository it is and where its parts lie.
#[derive(Debug, Clone)]
pub struct RepositoryFacts {
    /// The folder with the checked-out files.
    pub work_dir: Option<PathBuf>,
    /// The folder with `HEAD` and the index.
    pub git_dir: PathBuf,
    /// The folder with objects and refs, another than `git_dir` in a linked worktree.
    pub common_dir: PathBuf,
    /// There are no checked-out files.
    pub bare: bool,
    /// History was cut off when it was cloned.
    pub shallow: bool,
    /// Objects were left out when it was cloned, to be fetched when needed.
    pub partial: bool,
    /// Its refs are in a reftable, which cannot be read.
    pub reftable: bool,
    /// Made by `git worktree add`.
    pub linked_worktree: bool,
    /// Object folders of other repositories that this one borrows from.
    pub alternates: Vec<PathBuf>,
    /// What is checked out.
    pub head: Option<HeadInfo>,
    /// `HEAD` names a branch without a commit.
    pub unborn: bool,
}

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadInfo {
    /// The branch's full name, or `HEAD` if none is checked out.
    pub name: String,
    /// The commit; none if the branch has none yet or names something unreadable.
    pub commit: Option<Oid>,
}

impl Repository {
    /// Opens the repository at `path`: a work tree or a folder in one, a `.git` folder, a bare
    /// repository or a linked worktree. The way up ends where another file system begins.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        process::prepare();
        let shown = || path.display().to_string();
        // libgit2 would say of a missing folder that it is no repository.
        if let Err(error) = fs::metadata(path) {
            return Err(SourceError::Open { path: shown(), message: error.to_string() });
        }
        let no_ceiling: [&Path; 0] = [];
        let repository =
            git2::Repository::open_ext(path, RepositoryOpenFlags::empty(), no_ceiling).map_err(|error| match error
                .code()
            {
                ErrorCode::NotFound => SourceError::NotARepository { path: shown() },
                _ => {
                    let message = error.message().to_owned();
                    match git2::Repository::discover_path(path, no_ceiling) {
                        Ok(git_dir) if message.contains("object format") => objects_only(shown(), message, &git_dir),
                        _ => SourceError::Open { path: shown(), message },
                    }
                }
            })?;
        let facts = gather(&repository);
        let index_file = facts.git_dir.join("index");
        let repository = Self {
            facts,
            index_file,
            borrowed: Vec::new(),
            idle: Mutex::new(vec![repository]),
            rescue: OnceLock::new(),
        };
        repository.object_dirs().iter().for_each(|folder| loose::note_folder(folder));
        Ok(repository)
    }

    /// What kind of repository it is and where its parts lie.
    pub fn facts(&self) -> &RepositoryFacts {
        &self.facts
    }

    /// Where the index is read.
    pub(super) fn index_file(&self) -> &Path {
        &self.index_file
    }

    /// Reads another index than the repository's own: `git commit -a` and `git commit FILE` tell their hooks
    /// of one that holds what they would commit.
    pub fn set_index_file(&mut self, path: PathBuf) {
        self.index_file = path;
    }

    /// Reads objects of one more folder, and says so among the alternates.
    pub(super) fn borrow_from(&mut self, folder: PathBuf) -> Result<(), SourceError> {
        for repository in self.idle().iter() {
            borrow(repository, &folder).map_err(|error| SourceError::Open {
                path: folder.display().to_string(),
                message: error.message().to_owned(),
            })?;
        }
        loose::note_folder(&folder);
        self.facts.alternates.push(folder.clone());
        self.borrowed.push(folder);
        Ok(())
    }

    /// Says that nothing can be found that refs name.
    ///
    /// # Errors
    /// The refs are kept in a way that cannot be read.
    pub fn need_refs(&self) -> Result<(), SourceError> {
        if self.facts.reftable {
            let (path, message) = (self.facts.git_dir.display().to_string(), REFTABLE.to_owned());
            return Err(SourceError::Open { path, message });
        }
        Ok(())
    }

    /// A blob that libgit2 cannot read, from any copy that has the content its id says.
    pub(super) fn rescued_blob(&self, id: Oid, limit: u64) -> Option<Vec<u8>> {
        let packs = self.rescue.get_or_init(|| self.packs());
        let bytes = packs.read(&id.into(), ObjectType::Blob, usize::try_from(limit).unwrap_or(usize::MAX))?;
        let same = Oid::hash_object(ObjectType::Blob, &bytes).is_ok_and(|found| found == id);
        same.then_some(bytes)
    }

    /// Borrows a handle for this thread.
    pub(super) fn handle(&self) -> Result<Handle<'_>, git2::Error> {
        let idle = self.idle().pop();
        let repository = match idle {
            Some(repository) => repository,
            None => {
                let repository = git2::Repository::open_ext(
                    &self.facts.git_dir,
                    RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT,
                    [] as [&Path; 0],
                )?;
                self.borrowed.iter().try_for_each(|folder| borrow(&repository, folder))?;
                repository
            }
        };
        Ok(Handle { owner: self, repository: Some(repository) })
    }

    /// Borrows a handle, or says why nothing can be read at all.
    pub(super) fn handle_or_fail(&self) -> Result<Handle<'_>, SourceError> {
        self.handle().map_err(|error| SourceError::Git {
            what: self.facts.git_dir.display().to_string(),
            message: error.message().to_owned(),
        })
    }

    /// The commits at which a shallow clone was cut off, sorted.
    pub(super) fn shallow_boundary(&self) -> BTreeSet<Oid> {
        let text = fs::read_to_string(self.facts.common_dir.join("shallow")).unwrap_or_default();
        text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
    }

    /// The object folders: its own first, then those it borrows from.
    pub(super) fn object_dirs(&self) -> Vec<PathBuf> {
        let mut dirs = vec![self.facts.common_dir.join("objects")];
        dirs.extend(self.facts.alternates.iter().cloned());
        dirs
    }

    fn idle(&self) -> MutexGuard<'_, Vec<git2::Repository>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a handle read one more object folder.
fn borrow(repository: &git2::Repository, folder: &Path) -> Result<(), git2::Error> {
    let folder = folder.to_str().ok_or_else(|| git2::Error::from_str("a folder whose name is not UTF-8"))?;
    repository.odb()?.add_disk_alternate(folder)
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// A handle of libgit2, given back when dropped.
pub(super) struct Handle<'r> {
    owner: &'r Repository,
    repository: Option<git2::Repository>,
}

impl Deref for Handle<'_> {
    type Target = git2::Repository;

    fn deref(&self) -> &git2::Repository {
        self.repository.as_ref().expect("because only dropping takes it out")
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        if let Some(repository) = self.repository.take() {
            self.owner.idle().push(repository);
        }
    }
}

/// Objects that may not be asked for: the chain of their deltas is a circle, which libgit2 1.9.7 follows
/// for ever. An id says the same in every repository, so one list serves the process.
static REFUSED: RwLock<BTreeSet<Oid>> = RwLock::new(BTreeSet::new());

/// Adds to what may not be asked for.
pub(super) fn refuse(ids: impl IntoIterator<Item = Oid>) {
    REFUSED.write().unwrap_or_else(PoisonError::into_inner).extend(ids);
}

fn check_refused(id: Oid) -> Result<(), git2::Error> {
    if REFUSED.read().unwrap_or_else(PoisonError::into_inner).contains(&id) {
        return Err(git2::Error::from_str("a delta that needs itself"));
    }
    Ok(())
}

/// An object's content; the only way to ask for it.
pub(super) fn object<'o>(odb: &'o Odb<'_>, id: Oid) -> Result<OdbObject<'o>, git2::Error> {
    check_refused(id)?;
    loose::check(id)?;
    odb.read(id)
}

/// Size and kind of an object.
///
/// git2 panics on a pack that gives an object a type that does not exist (0.21, `Odb::read_header`),
/// so this is the only way to ask.
pub(super) fn header(odb: &Odb<'_>, id: Oid) -> Result<(usize, ObjectType), git2::Error> {
    check_refused(id)?;
    catch_unwind(AssertUnwindSafe(|| odb.read_header(id)))
        .unwrap_or_else(|_| Err(git2::Error::from_str("unknown object type")))
}

/// The gap that an unreadable object leaves.
pub(super) fn object_gap(what: &str, id: Oid, error: &git2::Error) -> Gap {
    let kind = match error.code() {
        ErrorCode::NotFound => GapKind::Missing,
        _ => GapKind::Corrupt,
    };
    Gap {
        what: format!("{what} {id}"),
        kind,
        message: match kind {
            GapKind::Missing => "not in the object database".to_owned(),
            _ => error.message().to_owned(),
        },
    }
}

/// The gap that a malformed object leaves.
pub(super) fn malformed_gap(what: &str, id: Oid) -> Gap {
    Gap { what: format!("{what} {id}"), kind: GapKind::Corrupt, message: format!("malformed {what}") }
}

/// Why refs are not known.
pub(super) const REFTABLE: &str = "its refs are in a reftable, which is unsupported";

/// What is left of a repository that libgit2 does not open.
fn objects_only(path: String, message: String, git_dir: &Path) -> SourceError {
    let common = fs::read_to_string(git_dir.join("commondir")).map(|text| git_dir.join(text.trim()));
    let objects = common.unwrap_or_else(|_| git_dir.to_path_buf()).join("objects");
    let mut object_dirs = alternates(&objects);
    object_dirs.insert(0, objects);
    let own = git_dir.file_name().is_some_and(|name| name == ".git");
    SourceError::ObjectsOnly {
        path,
        message,
        object_dirs,
        work_dir: git_dir.parent().filter(|_| own).map(Path::to_path_buf),
    }
}

fn gather(repository: &git2::Repository) -> RepositoryFacts {
    let git_dir = repository.path().to_path_buf();
    let common_dir = repository.commondir().to_path_buf();
    let (head, unborn) = head(repository);
    let work_dir = work_dir(repository);
    RepositoryFacts {
        bare: work_dir.is_none(),
        work_dir,
        shallow: common_dir.join("shallow").is_file(),
        partial: is_partial(repository, &common_dir),
        reftable: common_dir.join("reftable").is_dir(),
        linked_worktree: repository.is_worktree(),
        alternates: alternates(&common_dir.join("objects")),
        head,
        unborn,
        git_dir,
        common_dir,
    }
}

/// The work tree, unless `core.worktree` names a folder that does not name this repository back. A
/// hostile repository could otherwise send the scan of its files to any folder of the machine.
fn work_dir(repository: &git2::Repository) -> Option<PathBuf> {
    let claimed = repository.workdir()?;
    let git_dir = repository.path();
    let ours = fs::canonicalize(git_dir).ok()?;
    let link = claimed.join(".git");
    let target = if link.is_dir() {
        link
    } else if link.is_file() {
        let text = fs::read_to_string(&link).ok()?;
        claimed.join(text.strip_prefix("gitdir:")?.trim())
    } else {
        PathBuf::new()
    };
    if fs::canonicalize(target).is_ok_and(|target| target == ours) {
        return Some(claimed.to_path_buf());
    }
    if git_dir.file_name().is_some_and(|name| name == ".git") {
        return git_dir.parent().map(Path::to_path_buf);
    }
    None
}

fn head(repository: &git2::Repository) -> (Option<HeadInfo>, bool) {
    let Ok(reference) = repository.find_reference("HEAD") else {
        return (None, false);
    };
    let name = reference
        .symbolic_target_bytes()
        .map_or_else(|| "HEAD".to_owned(), |target| String::from_utf8_lossy(target).into_owned());
    let resolved = reference.resolve();
    let unborn = resolved.as_ref().is_err_and(|error| error.code() == ErrorCode::NotFound);
    let commit = resolved.ok().and_then(|reference| reference.target());
    (Some(HeadInfo { name, commit }), unborn)
}

fn is_partial(repository: &git2::Repository, common_dir: &Path) -> bool {
    let configured = || {
        let config = repository.config().ok()?;
        if config.get_entry("extensions.partialclone").is_ok() {
            return Some(true);
        }
        let mut found = false;
        let entries = config.entries(Some(r"^remote\..*\.promisor$")).ok()?;
        entries
            .for_each(|entry| {
                // A name without a value means true; libgit2 hands out a null pointer then.
                found |= !entry.has_value() || entry.value().is_ok_and(|value| value != "false");
            })
            .ok()?;
        Some(found)
    };
    configured().unwrap_or(false)
        || files_in(&common_dir.join("objects/pack"))
            .iter()
            .any(|path| path.extension().is_some_and(|ext| ext == "promisor"))
}

/// Every file of a folder, sorted; none if it cannot be read.
pub(super) fn files_in(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files
}

fn alternates(objects: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut level = vec![objects.to_path_buf()];
    for _ in 0..ALTERNATES_DEPTH {
        let mut next = Vec::new();
        for dir in level {
            let text = fs::read(dir.join("info/alternates")).unwrap_or_default();
            for line in text.split(|&byte| byte == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if line.is_empty() || line[0] == b'#' {
                    continue;
                }
                let Ok(line) = bstr::ByteSlice::to_path(line) else {
                    continue;
                };
                let Ok(dir) = fs::canonicalize(dir.join(line)) else {
                    continue;
                };
                let own = fs::canonicalize(objects).is_ok_and(|own| own == dir);
                if !own && !found.contains(&dir) {
                    found.push(dir.clone());
                    next.push(dir);
                }
            }
        }
        level = next;
    }
    found
}
