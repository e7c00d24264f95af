//! What the repository's `.gitignore`s leave out, but for what git tracks.

use std::{
    ffi::OsStr,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bstr::BString;
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::source::{RelPath, git::Repository};

/// A longer `.gitignore` leaves nothing out: nobody has written it, and half of it might leave out more
/// than the whole.
const LARGEST_GITIGNORE: u64 = 1 << 20;

/// What is known of a folder when its files come.
pub(super) struct Ignored {
    absolute: PathBuf,
    repository: Option<Arc<Tracked>>,
    /// From the repository's root down.
    gitignores: Vec<Arc<Gitignore>>,
    /// Some folder above is ignored: only tracked files count.
    ignored: bool,
}

/// A repository and the paths its index holds, sorted.
struct Tracked {
    root: PathBuf,
    paths: Vec<BString>,
}

impl Ignored {
    /// A root of the walk. Inside a repository the `.gitignore`s from the repository's root down
    /// count; ignore files above a repository or outside of one never do. What the user names is
    /// scanned even if it is ignored itself.
    pub(super) fn root(path: &Path) -> Self {
        let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let Some(top) = absolute.ancestors().find(|folder| is_repository(folder)) else {
            return Self { absolute, repository: None, gitignores: Vec::new(), ignored: false };
        };
        let mut folder = Self::repository_at(top.to_path_buf());
        for part in absolute.strip_prefix(top).unwrap_or(Path::new("")).components() {
            folder.enter(part.as_os_str());
        }
        folder
    }

    /// The folder with this name inside this one; `None` if it is ignored and git tracks nothing in
    /// it.
    pub(super) fn child(&self, name: &OsStr, no_ignore: bool) -> Option<Self> {
        let path = self.absolute.join(name);
        let ignored = !no_ignore && (self.ignored || self.matches(&path, true));
        if ignored && !self.tracks_below(&path) {
            return None;
        }
        if is_repository(&path) {
            return Some(Self::repository_at(path));
        }
        let mut child = Self {
            absolute: self.absolute.clone(),
            repository: self.repository.clone(),
            gitignores: self.gitignores.clone(),
            ignored,
        };
        child.enter(name);
        Some(child)
    }

    /// Whether a file in this folder is ignored and not tracked.
    pub(super) fn leaves_out(&self, name: &OsStr) -> bool {
        if self.repository.is_none() {
            return false;
        }
        // Nearly every file is tracked, and that is quickly known.
        let path = self.absolute.join(name);
        !self.tracks(&path) && (self.ignored || self.matches(&path, false))
    }

    fn enter(&mut self, name: &OsStr) {
        self.absolute.push(name);
        if self.repository.is_some() {
            self.gitignores.extend(read_gitignore(&self.absolute).map(Arc::new));
        }
    }

    fn repository_at(root: PathBuf) -> Self {
        // If the index cannot be read it is not known what is tracked, so nothing is left out.
        let tracked = Repository::open(&root).ok().and_then(|repository| repository.tracked_paths().ok());
        Self {
            gitignores: read_gitignore(&root).map(Arc::new).into_iter().collect(),
            repository: tracked.map(|paths| Arc::new(Tracked { root: root.clone(), paths })),
            absolute: root,
            ignored: false,
        }
    }

    fn matches(&self, path: &Path, is_dir: bool) -> bool {
        if self.repository.is_none() {
            return false;
        }
        // The closest file has the last word.
        for gitignore in self.gitignores.iter().rev() {
            match gitignore.matched(path, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }

    fn tracks(&self, path: &Path) -> bool {
        self.in_index(path).is_some_and(|(paths, name)| paths.binary_search(&name).is_ok())
    }

    fn tracks_below(&self, path: &Path) -> bool {
        self.in_index(path).is_some_and(|(paths, mut name)| {
            name.push(b'/');
            let at = paths.partition_point(|known| *known < name);
            paths.get(at).is_some_and(|known| known.starts_with(&name))
        })
    }

    fn in_index(&self, path: &Path) -> Option<(&[BString], BString)> {
        let repository = self.repository.as_ref()?;
        let relative = path.strip_prefix(&repository.root).ok()?;
        Some((&repository.paths, RelPath::from_os(relative).as_bstr().to_owned()))
    }
}

fn is_repository(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(".git")).is_ok_and(|metadata| metadata.is_dir() || metadata.is_file())
}

fn read_gitignore(folder: &Path) -> Option<Gitignore> {
    let path = folder.join(".gitignore");
    // Git itself does not follow a link here.
    if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
        return None;
    }
    let mut text = Vec::new();
    fs::File::open(&path).ok()?.take(LARGEST_GITIGNORE + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > LARGEST_GITIGNORE {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    for line in String::from_utf8_lossy(&text).lines() {
        // A line that git would not understand leaves nothing out.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok()
}
