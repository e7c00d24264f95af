//! Places to look: a directory tree, a git history, the index, standard input.
//!
//! A source drives: it pushes blobs into a sink, from several threads, and pushes an error for each
//! blob that it cannot read, then goes on. It never executes anything that a scanned repository
//! configures and leaves its root only for a linked worktree's common directory and for alternates.

mod blob;
pub mod git;
mod origin;
pub mod stdin;
pub mod tree;

use std::ops::ControlFlow;

pub use blob::{Blob, Content};
pub use origin::{CommitInfo, Origin, RelPath};

/// Takes the items of a source. Breaking stops the walk as soon as possible.
pub type Sink<'a> = dyn Fn(Item) -> ControlFlow<()> + Sync + 'a;

/// What a source hands out.
#[derive(Debug)]
pub enum Item {
    /// Something to scan.
    Blob(Blob),
    /// Policy said no; counted, never an error.
    Excluded(Exclusion),
    /// Inside the requested scope, but unreadable: the run is incomplete.
    Gap(Gap),
    /// Worth a line to the user, such as an ignored `.env`.
    Note(String),
}

/// One thing that policy left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Why.
    pub reason: ExclusionReason,
    /// What, as the user would name it.
    pub what: RelPath,
}

/// Why something was left out by policy. The text is what the coverage receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExclusionReason {
    /// A `.gitignore` of the repository matches and git does not track it.
    Ignored,
    /// A symbolic link; its target is scanned under its own name if it lies inside the root.
    Symlink,
    /// A FIFO, socket or device.
    Special,
    /// A binary file above the size limit for binaries.
    LargeBinary,
    /// An object database, packed ref or other plumbing below `.git`.
    GitPlumbing,
    /// A submodule's commit: its content belongs to another repository.
    Submodule,
    /// An index entry that is still in conflict.
    Unmerged,
    /// A Git LFS pointer stands for content that is not in the repository.
    LfsPointer,
    /// A compressed container whose inside this version does not open.
    Container,
}

impl ExclusionReason {
    /// The words of the coverage receipt, in plural.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Ignored => "ignored by .gitignore and not tracked",
            Self::Symlink => "symbolic links, not followed",
            Self::Special => "FIFOs, sockets and devices, not opened",
            Self::LargeBinary => "binary and over the size limit for binaries",
            Self::GitPlumbing => "git's own plumbing (objects, index, locks)",
            Self::Submodule => "submodule commits",
            Self::Unmerged => "unmerged index entries",
            Self::LfsPointer => "Git LFS pointers",
            Self::Container => "compressed containers, not opened",
        }
    }

    /// The stable name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Symlink => "symlink",
            Self::Special => "special-file",
            Self::LargeBinary => "large-binary",
            Self::GitPlumbing => "git-plumbing",
            Self::Submodule => "submodule",
            Self::Unmerged => "unmerged",
            Self::LfsPointer => "lfs-pointer",
            Self::Container => "container",
        }
    }
}

/// Something inside the requested scope that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What, as the user would name it: a path, an object id, a ref.
    pub what: String,
    /// Which kind of trouble.
    pub kind: GapKind,
    /// The error in a few words.
    pub message: String,
}

/// Which kind of trouble left a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GapKind {
    /// The operating system refused to open or read it.
    Unreadable,
    /// An object that git names is not there.
    Missing,
    /// An object or file is damaged.
    Corrupt,
    /// A size or depth limit was hit.
    Limit,
    /// The repository is a shallow or partial clone and the whole history was asked for.
    PartialHistory,
    /// The run was interrupted.
    Interrupted,
    /// Made-up secrets went unseen: the run is blind in part.
    Blind,
    /// The scanner itself failed on this blob (a bug of ours, contained).
    Internal,
}

impl GapKind {
    /// The stable name in JSON and SARIF.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Missing => "missing",
            Self::Corrupt => "corrupt",
            Self::Limit => "limit",
            Self::PartialHistory => "partial-history",
            Self::Interrupted => "interrupted",
            Self::Blind => "blind",
            Self::Internal => "internal",
        }
    }
}

/// Why a source could not be walked at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The user named something that is not there or cannot be opened.
    #[error("cannot open {path}: {message}")]
    Open {
        /// As typed.
        path: String,
        /// The operating system's or libgit2's words.
        message: String,
    },
    /// A repository of which only the objects can be read: its ids are SHA-256.
    #[error("cannot open {path}: {message}")]
    ObjectsOnly {
        /// As typed.
        path: String,
        /// libgit2's words.
        message: String,
        /// Its object folders.
        object_dirs: Vec<std::path::PathBuf>,
        /// The folder with the checked-out files.
        work_dir: Option<std::path::PathBuf>,
    },
    /// There is no git repository at the path.
    #[error("{path} is not a git repository")]
    NotARepository {
        /// As typed.
        path: String,
    },
    /// A ref, range or commit that the user named does not exist.
    #[error("no commit or ref named {name}")]
    UnknownRevision {
        /// As typed.
        name: String,
    },
    /// A revision that exists in the repository could not be read.
    #[error("cannot read {what}: {message}")]
    Git {
        /// Which object or ref.
        what: String,
        /// libgit2's words.
        message: String,
    },
}
