//! The readable files below `.git`: on this machine only, never pushed, and often with a token in
//! a remote's URL.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use crate::source::{Exclusion, ExclusionReason, Item, RelPath, Sink};

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
    let mut files = Vec::new();
    collect(dotgit, 0, &mut files);
    files.sort();
    for file in files {
        super::push(&file, name(&file), true, sink)?;
    }
    sink(Item::Excluded(Exclusion { reason: ExclusionReason::GitPlumbing, what: name(dotgit) }))
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for (path, kind) in entries(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if kind.is_file() && FILES.contains(&name.as_str()) {
            files.push(path);
        } else if kind.is_dir() && FOLDERS.contains(&name.as_str()) {
            every_file(&path, depth, files);
        } else if kind.is_dir() && matches!(name.as_str(), "modules" | "worktrees") && depth < DEEPEST {
            // Each folder in it is a git folder of its own; names of submodules may hold slashes.
            for (below, kind) in entries(&path) {
                if kind.is_dir() {
                    collect(&below, depth + 2, files);
                }
            }
        } else if kind.is_dir() && depth > 0 && depth < DEEPEST && !matches!(name.as_str(), "objects" | "refs" | "lfs")
        {
            collect(&path, depth + 1, files);
        }
    }
}

fn every_file(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    if depth >= DEEPEST {
        return;
    }
    for (path, kind) in entries(folder) {
        if kind.is_file() && path.extension().is_none_or(|end| end != "sample") {
            files.push(path);
        } else if kind.is_dir() {
            every_file(&path, depth + 1, files);
        }
    }
}

/// What is in a folder; links are left alone.
fn entries(folder: &Path) -> Vec<(PathBuf, fs::FileType)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.filter_map(|entry| entry.ok()).filter_map(|entry| Some((entry.path(), entry.file_type().ok()?))).collect()
}
