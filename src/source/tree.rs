//! Directory trees and single files.
//!
//! What is scanned depends on the tree alone, not on the machine: of all ignore files only the
//! repository's own `.gitignore`s count, and a file that git tracks is scanned even when one of them
//! matches it. Links are not followed; FIFOs, sockets and devices are never opened.

mod dotgit;
mod ignored;
mod open;
mod queue;
mod walk;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use bstr::BString;

pub use open::give_back;

use super::{Blob, Content, Exclusion, ExclusionReason, Gap, GapKind, Item, Origin, RelPath, Sink, SourceError};

/// Files up to this size are read whole; larger ones are read through a window.
pub const WHOLE: u64 = 16 << 20;

/// Directory trees and single files to walk.
#[derive(Debug)]
pub struct Tree {
    /// As the user typed them.
    pub roots: Vec<PathBuf>,
    /// Scan what `.gitignore` leaves out, too (`--no-ignore`).
    pub no_ignore: bool,
    /// Threads of the walk; 0 takes one for each core, up to twelve.
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
            let flow = if is_dir { walk::walk(self, root, self.prefix(root), sink) } else { self.single(root, sink) };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What stands before the names of a root's files: they are called as the user would type them, or from
    /// the root on if it is the only one and lies elsewhere.
    fn prefix(&self, root: &Path) -> BString {
        if self.roots.len() == 1 && (root.is_absolute() || root.starts_with("..")) {
            return BString::default();
        }
        // `./a/` is `a`.
        let named: PathBuf = root.components().collect();
        let mut prefix = RelPath::from_os(named.strip_prefix(".").unwrap_or(&named)).as_bstr().to_owned();
        if !prefix.is_empty() && !prefix.ends_with(b"/") {
            prefix.push(b'/');
        }
        prefix
    }

    fn single(&self, path: &Path, sink: &Sink<'_>) -> ControlFlow<()> {
        // A file that is named by the user may be a link: it was asked for.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let named = RelPath::from_os(path.strip_prefix(".").unwrap_or(path));
        push(&target, named, false, sink)
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
