//! The readable files below `.git`: on this machine only, never pushed, and often with a token in
//! a remote's URL.

use std::{
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::open;
use crate::source::{Exclusion, ExclusionReason, Gap, GapKind, Item, RelPath, Sink};

/// Files right below `.git` (or below a submodule's folder in `.git/modules`) that hold text of
/// people and programs.
const FILES: &[&str] = &[
    "config",
    "config.worktree",
    "credentials",
    "FETCH_HEAD",
    "COMMIT_EDITMSG",
    "MERGE_MSG",
    "SQUASH_MSG",
    "description",
];
/// Folders whose files all do.
const FOLDERS: &[&str] = &["hooks", "logs", "info"];
/// A hostile tree of folders ends here.
const DEEPEST: usize = 64;

pub(super) fn walk(dotgit: &Path, name: &dyn Fn(&Path) -> RelPath, sink: &Sink<'_>) -> ControlFlow<()> {
    let mut found = Found::default();
    found.collect(dotgit, 0);
    for (folder, error) in found.shut {
        let what = name(&folder).to_string();
        sink(Item::Gap(Gap { what, kind: GapKind::Unreadable, message: open::plain(&error) }))?;
    }
    let mut files = found.files;
    files.sort();
    for file in files {
        super::push(&file, name(&file), true, sink)?;
    }
    sink(Item::Excluded(Exclusion { reason: ExclusionReason::GitPlumbing, what: name(dotgit) }))
}

/// What is below a `.git` folder.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    /// Folders that could not be listed.
    shut: Vec<(PathBuf, io::Error)>,
}

impl Found {
    fn collect(&mut self, folder: &Path, depth: usize) {
        for (path, kind) in self.entries(folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if kind.is_file() && FILES.contains(&name.as_str()) {
                self.files.push(path);
            } else if kind.is_dir() && FOLDERS.contains(&name.as_str()) {
                self.every_file(&path, depth);
            } else if kind.is_dir() && matches!(name.as_str(), "modules" | "worktrees") && depth < DEEPEST {
                // Each folder in it is a git folder of its own; names of submodules may hold slashes.
                for (below, kind) in self.entries(&path) {
                    if kind.is_dir() {
                        self.collect(&below, depth + 2);
                    }
                }
            } else if kind.is_dir()
                && depth > 0
                && depth < DEEPEST
                && !matches!(name.as_str(), "objects" | "refs" | "lfs")
            {
                self.collect(&path, depth + 1);
            }
        }
    }

    fn every_file(&mut self, folder: &Path, depth: usize) {
        if depth >= DEEPEST {
            return;
        }
        for (path, kind) in self.entries(folder) {
            if kind.is_file() && path.extension().is_none_or(|end| end != "sample") {
                self.files.push(path);
            } else if kind.is_dir() {
                self.every_file(&path, depth + 1);
            }
        }
    }

    /// What is in a folder; links are left alone.
    fn entries(&mut self, folder: &Path) -> Vec<(PathBuf, fs::FileType)> {
        match fs::read_dir(folder) {
            Ok(entries) => entries
                .filter_map(Result::ok)
                .filter_map(|entry| Some((entry.path(), entry.file_type().ok()?)))
                .collect(),
            Err(error) => {
                self.shut.push((folder.to_path_buf(), error));
                Vec::new()
            }
        }
    }
}
