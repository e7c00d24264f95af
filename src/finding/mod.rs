//! What a scan reports: owned, plain, with every secret masked by type.

mod excerpt;
mod facts;
mod fingerprint;
mod incident;
mod location;
mod secret;

use std::sync::Arc;

use git2::Oid;

pub use excerpt::{Excerpt, ExcerptLine, neutralise};
pub use facts::{Fact, FactName};
pub use fingerprint::Fingerprint;
pub(crate) use fingerprint::{normalise, shannon};
pub use incident::Incident;
pub(crate) use location::columns;
pub use location::{LineIndex, Location, line_hashes};
pub use secret::Secret;

use crate::{
    rules::{Confidence, RuleId, Severity},
    source::{CommitInfo, RelPath, git::ObjectId},
};

/// A leaked secret in one place, as we tell a person about it. In a history one finding stands for
/// all versions of a file that hold the secret.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it, in [`crate::report::Report::rules`].
    pub rule: RuleId,
    /// Copied from the rule.
    pub severity: Severity,
    /// What the judges left.
    pub confidence: Confidence,
    /// The secret, which prints as a mask.
    pub secret: Secret,
    /// Names the secret across runs, unless it is so short that its hash could be reversed.
    pub fingerprint: Option<Fingerprint>,
    /// Index into [`crate::report::Report::incidents`].
    pub incident: usize,
    /// Where it was found.
    pub place: Place,
    /// Line and column within that place; absent where a position says nothing (binary files).
    pub location: Option<Location>,
    /// The lines around it, with every secret in them masked.
    pub excerpt: Option<Excerpt>,
    /// GitHub's `primaryLocationLineHash`, if the whole content was at hand.
    pub line_hash: Option<String>,
    /// What the secret and its surroundings say of themselves.
    pub facts: Vec<Fact>,
    /// Other matches that belong to it, such as the key id of a secret key.
    pub parts: Vec<Part>,
    /// What raised or lowered the confidence, one sentence each.
    pub remarks: Vec<String>,
    /// In a history: since when, who, where still.
    pub history: Option<History>,
    /// Whether the examined change brought it in; `None` where no change was examined.
    pub new: Option<bool>,
    /// Set if somebody said to be quiet about it.
    pub suppressed: Option<Suppression>,
}

/// Where a finding stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// A file on disk.
    File {
        /// As the user would type it, `/` between its parts.
        path: RelPath,
        /// Below `.git`: on this machine only, never pushed.
        local: bool,
    },
    /// Standard input.
    Stdin {
        /// What the user calls it.
        name: RelPath,
    },
    /// A file in the git index, about to be committed.
    Staged {
        /// Relative to the root of the work tree.
        path: RelPath,
    },
    /// A file of the history.
    History {
        /// Relative to the root of the repository.
        path: RelPath,
        /// The version that location and excerpt were taken from.
        blob: Oid,
    },
    /// A blob that no commit's tree holds.
    Unplaced {
        /// Its id.
        blob: ObjectId,
    },
    /// The message of a commit.
    CommitMessage {
        /// The commit.
        commit: ObjectId,
    },
    /// The message of an annotated tag.
    TagMessage {
        /// The tag object.
        tag: ObjectId,
    },
}

impl Place {
    /// The path, if it has one.
    pub fn path(&self) -> Option<&RelPath> {
        match self {
            Self::File { path, .. } | Self::Staged { path } | Self::History { path, .. } => Some(path),
            Self::Stdin { name } => Some(name),
            Self::Unplaced { .. } | Self::CommitMessage { .. } | Self::TagMessage { .. } => None,
        }
    }

    /// Whether it is a message: reported, but failing only if the finding is certain, since a
    /// message cannot be mended by another commit.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::CommitMessage { .. } | Self::TagMessage { .. })
    }

    /// One line for a person, such as `src/a.py` or `message of commit 1234567`.
    pub fn describe(&self) -> String {
        match self {
            Self::File { path, .. } | Self::Staged { path } | Self::History { path, .. } => path.to_string(),
            Self::Stdin { name } => name.to_string(),
            Self::Unplaced { blob } => format!("blob {blob:.12} (in no commit)"),
            Self::CommitMessage { commit } => format!("message of commit {commit:.12}"),
            Self::TagMessage { tag } => format!("message of tag {tag:.12}"),
        }
    }
}

/// A match that belongs to a finding without being the secret.
#[derive(Debug, Clone)]
pub struct Part {
    /// The rule that found it.
    pub rule: RuleId,
    /// Its text if that is no secret (an account id), else its mask.
    pub text: String,
    /// Where it stands in the same content.
    pub location: Option<Location>,
}

/// How many refs a finding names.
pub const MOST_REFS: usize = 50;

/// What the history says of a finding.
#[derive(Debug, Clone)]
pub struct History {
    /// The first commit that brought the secret into the repository, at whatever path.
    pub introduced: Option<Arc<CommitInfo>>,
    /// The first commit that has it at this path.
    pub added_here: Option<Arc<CommitInfo>>,
    /// The commit that took it off this path, if it is not at HEAD any more.
    pub removed: Option<Arc<CommitInfo>>,
    /// Refs whose tip still holds it at this path, by full name: branches first, at most
    /// [`MOST_REFS`], for a repository may have tens of thousands.
    pub live_on: Vec<String>,
    /// How many more there are.
    pub live_on_more: usize,
    /// Refs that hold it only in their past, likewise.
    pub in_history_of: Vec<String>,
    /// How many more there are.
    pub in_history_of_more: usize,
    /// Whether HEAD's tree holds it at this path.
    pub at_head: bool,
    /// Whether any ref reaches it; otherwise it is in a dropped stash, a reflog or dangling.
    pub reachable: bool,
    /// How many different versions of the file hold it.
    pub versions: usize,
}

/// Why somebody said to be quiet about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Where that is written.
    pub by: SuppressedBy,
    /// The reason given.
    pub reason: String,
}

/// Where a suppression is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuppressedBy {
    /// A comment beside the secret.
    Inline,
    /// A comment beside the secret that was written for another scanner.
    ForeignInline {
        /// The scanner's name, such as `gitleaks`.
        tool: &'static str,
    },
    /// An entry of the ignore file.
    IgnoreFile {
        /// Such as `.keysweepignore`.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// Who answers for it.
        owner: String,
    },
    /// An allowlist entry: the file and which list.
    Config {
        /// Such as `.keysweep.toml`.
        file: String,
        /// `paths`, `rules` or `values`.
        list: &'static str,
    },
}

impl SuppressedBy {
    /// The stable name in JSON.
    pub fn id(&self) -> String {
        match self {
            Self::Inline => "inline".to_owned(),
            Self::ForeignInline { tool } => format!("inline-{tool}"),
            Self::IgnoreFile { .. } => "ignore-file".to_owned(),
            Self::Config { list, .. } => format!("config-{list}"),
        }
    }

    /// Whether it stands beside the secret.
    pub fn is_inline(&self) -> bool {
        matches!(self, Self::Inline | Self::ForeignInline { .. })
    }

    /// Where that is written, for counts; `None` for comments, which stand where the secret does.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Inline | Self::ForeignInline { .. } => None,
            Self::IgnoreFile { file, .. } | Self::Config { file, .. } => Some(file),
        }
    }
}
