//! Directory trees and single files.
//!
//! What is scanned depends on the tree alone, not on the machine: of all ignore files only the
//! repository's own `.gitignore`s count, and a file that git tracks is scanned even when one of them
//! matches it. Links are not followed; FIFOs, sockets and devices are never opened.

mod dotgit;
mod ignored;
mod open;

use std::{
    collections::HashMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ignore::{WalkBuilder, WalkState};

use super::{Blob, Content, Exclusion, ExclusionReason, Gap, GapKind, Item, Origin, RelPath, Sink, SourceError};
use ignored::Folder;

/// Files up to this size are read whole; larger ones are read through a window.
pub const WHOLE: u64 = 16 << 20;

/// Directory trees and single files to walk.
#[derive(Debug)]
pub struct Tree {
    /// As the user typed them.
    pub roots: Vec<PathBuf>,
    /// Scan what `.gitignore` leaves out, too (`--no-ignore`).
    pub no_ignore: bool,
    /// Threads of the walk; 0 lets the walker choose.
    pub threads: usize,
}

impl Tree {
    /// Hands every file to the sink, from several threads.
    ///
    /// # Errors
    /// A root that does not exist or cannot be opened.
    pub fn walk(&self, sink: &Sink<'_>) -> Result<(), SourceError> {
        // All roots are looked at before the first is walked: a mistyped one should not cost a scan.
        let mut kinds = Vec::new();
        for root in &self.roots {
            let metadata = std::fs::metadata(root).map_err(|error| SourceError::Open {
                path: root.display().to_string(),
                message: open::plain(&error),
            })?;
            kinds.push(metadata.is_dir());
        }
        for (root, is_dir) in self.roots.iter().zip(kinds) {
            let flow = if is_dir { self.directory(root, sink) } else { self.single(root, sink) };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// How a file below a root is called: as the user would type it, or relative to a root that is
    /// given by an absolute path.
    fn name(&self, root: &Path, path: &Path) -> RelPath {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let outside = root.is_absolute() || root.starts_with("..");
        let named = if outside && self.roots.len() == 1 { relative.to_path_buf() } else { root.join(relative) };
        RelPath::from_os(named.strip_prefix(".").unwrap_or(&named))
    }

    fn single(&self, path: &Path, sink: &Sink<'_>) -> ControlFlow<()> {
        // A file that is named by the user may be a link: it was asked for.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let named = RelPath::from_os(path.strip_prefix(".").unwrap_or(path));
        push(&target, named, false, sink)
    }

    fn directory(&self, root: &Path, sink: &Sink<'_>) -> ControlFlow<()> {
        let folders: Mutex<HashMap<PathBuf, Arc<Folder>>> = Mutex::new(HashMap::new());
        let lock = || folders.lock().unwrap_or_else(PoisonError::into_inner);
        lock().insert(root.to_path_buf(), Arc::new(Folder::root(root)));
        let mut builder = WalkBuilder::new(root);
        builder.standard_filters(false).follow_links(false).threads(self.threads);
        let stopped = std::sync::atomic::AtomicBool::new(false);
        builder.build_parallel().run(|| {
            Box::new(|entry| {
                let flow = match entry {
                    Ok(entry) => self.visit(root, &entry, &lock, sink),
                    Err(error) => (sink(Item::Gap(walk_gap(&error))), WalkState::Continue),
                };
                if flow.0.is_break() {
                    stopped.store(true, std::sync::atomic::Ordering::Relaxed);
                    return WalkState::Quit;
                }
                flow.1
            })
        });
        if stopped.into_inner() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn visit<'m>(
        &self,
        root: &Path,
        entry: &ignore::DirEntry,
        lock: &dyn Fn() -> std::sync::MutexGuard<'m, HashMap<PathBuf, Arc<Folder>>>,
        sink: &Sink<'_>,
    ) -> (ControlFlow<()>, WalkState) {
        let go = ControlFlow::Continue(());
        let path = entry.path();
        if entry.depth() == 0 {
            return (go, WalkState::Continue);
        }
        let parent = path.parent().unwrap_or(root);
        // The walker hands out a folder before what is in it.
        let folder = lock().get(parent).cloned().unwrap_or_else(|| Arc::new(Folder::root(parent)));
        let name = self.name(root, path);
        let exclude = |reason| sink(Item::Excluded(Exclusion { reason, what: name.clone() }));
        let Some(kind) = entry.file_type() else {
            return (go, WalkState::Continue);
        };
        if kind.is_symlink() {
            return (exclude(ExclusionReason::Symlink), WalkState::Continue);
        }
        if kind.is_dir() {
            if entry.file_name() == ".git" {
                return (dotgit::walk(path, &|below| self.name(root, below), sink), WalkState::Skip);
            }
            let Some(child) = folder.child(entry.file_name(), self.no_ignore) else {
                return (exclude(ExclusionReason::Ignored), WalkState::Skip);
            };
            lock().insert(path.to_path_buf(), Arc::new(child));
            return (go, WalkState::Continue);
        }
        if !kind.is_file() {
            return (exclude(ExclusionReason::Special), WalkState::Continue);
        }
        if !self.no_ignore && folder.leaves_out(entry.file_name()) {
            let flow = exclude(ExclusionReason::Ignored);
            let file_name = entry.file_name().to_string_lossy();
            if flow.is_continue() && (file_name == ".env" || file_name.starts_with(".env.")) {
                let note = format!("{name} is ignored by git and was not scanned; --no-ignore scans it");
                return (sink(Item::Note(note)), WalkState::Continue);
            }
            return (flow, WalkState::Continue);
        }
        (push(path, name, false, sink), WalkState::Continue)
    }
}

/// Opens a file and hands it on.
fn push(path: &Path, name: RelPath, local: bool, sink: &Sink<'_>) -> ControlFlow<()> {
    match open::regular(path) {
        Ok(open::Opened::Whole(bytes)) => {
            sink(Item::Blob(Blob { origin: Origin::File { path: name, local }, content: Content::Bytes(bytes) }))
        }
        Ok(open::Opened::Large(file)) => sink(Item::Blob(Blob {
            origin: Origin::File { path: name, local },
            content: Content::Stream(Box::new(file)),
        })),
        Ok(open::Opened::NotRegular) => {
            sink(Item::Excluded(Exclusion { reason: ExclusionReason::Special, what: name }))
        }
        Err(error) => {
            sink(Item::Gap(Gap { what: name.to_string(), kind: GapKind::Unreadable, message: open::plain(&error) }))
        }
    }
}

fn walk_gap(error: &ignore::Error) -> Gap {
    fn split(error: &ignore::Error) -> (Option<&Path>, String) {
        match error {
            ignore::Error::WithPath { path, err } => (Some(path), split(err).1),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => split(err),
            ignore::Error::Io(error) => (None, open::plain(error)),
            other => (None, other.to_string()),
        }
    }
    let (path, message) = split(error);
    let what = path.map_or_else(|| "a folder".to_owned(), |path| RelPath::from_os(path).to_string());
    Gap { what, kind: GapKind::Unreadable, message }
}
