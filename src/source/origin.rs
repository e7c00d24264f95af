//! Where a blob was found.

use std::path::Path;

use bstr::{BStr, BString, ByteSlice as _};
use git2::Oid;

/// A path relative to the root of the scan, with `/` between its parts on every system. Names need
/// not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RelPath(BString);

impl RelPath {
    /// Wraps bytes that already use `/`.
    pub fn new(bytes: impl Into<BString>) -> Self {
        Self(bytes.into())
    }

    /// From a path of this operating system.
    pub fn from_os(path: &Path) -> Self {
        let bytes = <[u8]>::from_path(path)
            .map_or_else(|| path.to_string_lossy().into_owned().into_bytes(), |bytes| bytes.to_vec());
        #[cfg(windows)]
        let bytes = bytes.replace(b"\\", b"/");
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bstr(&self) -> &BStr {
        self.0.as_bstr()
    }
}

impl std::fmt::Display for RelPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where a blob was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A file on disk.
    File {
        /// Relative to the directory of the scan, as the user would type it.
        path: RelPath,
        /// Below `.git`: on this machine only, never pushed.
        local: bool,
    },
    /// Standard input.
    Stdin {
        /// What the user calls it (`--stdin-name`).
        name: RelPath,
    },
    /// A file in the git index, about to be committed.
    Staged {
        /// Relative to the root of the work tree.
        path: RelPath,
        /// The blob in the object database.
        id: Oid,
    },
    /// A blob of the history. Its paths and commits are found afterwards, and only if needed.
    Object {
        /// The blob's id.
        id: Oid,
    },
    /// The message of a commit.
    CommitMessage {
        /// The commit.
        commit: Oid,
    },
    /// The message of an annotated tag.
    TagMessage {
        /// The tag object.
        tag: Oid,
    },
}

/// What a report says of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Full id.
    pub id: Oid,
    /// The author's name, as written.
    pub author_name: String,
    /// The author's address, as written.
    pub author_email: String,
    /// Author time in seconds since 1970 (UTC).
    pub author_time: i64,
    /// Committer time in seconds since 1970 (UTC).
    pub commit_time: i64,
    /// First line of the message.
    pub subject: String,
}
