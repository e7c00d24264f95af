//! What the user is told when something does not work, with something to type.

use std::fmt;

use keysweep::{config::ConfigError, rules::RuleError, source::SourceError};

/// An error that ends the run: what, and what to do about it.
#[derive(Debug)]
pub(crate) struct Message {
    what: String,
    hints: Vec<String>,
}

impl Message {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hints: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keysweep: {}", keysweep::finding::neutralise(&self.what))?;
        for hint in &self.hints {
            write!(f, "\n  hint: {}", keysweep::finding::neutralise(hint))?;
        }
        Ok(())
    }
}

impl From<RuleError> for Message {
    fn from(error: RuleError) -> Self {
        Self::new(error.to_string()).hint(error.mend)
    }
}

impl From<ConfigError> for Message {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string()).hint(error.mend)
    }
}

impl From<SourceError> for Message {
    fn from(error: SourceError) -> Self {
        let message = Self::new(error.to_string());
        match error {
            SourceError::NotARepository { .. } => message.hint("to scan files that are in no repository: keysweep scan PATH"),
            SourceError::UnknownRevision { .. } => {
                message.hint("`git rev-parse NAME` shows what git makes of it; a shallow clone lacks older commits (git fetch --unshallow)")
            }
            SourceError::Open { message: why, .. } if why.contains("unsupported") => message
                .hint("only the whole history can be scanned (keysweep git PATH), or the files of a work tree (keysweep scan PATH)"),
            SourceError::ObjectsOnly { .. } => message
                .hint("of a SHA-256 repository only the whole history can be scanned (keysweep git PATH), or the files of its work tree (keysweep scan PATH)"),
            SourceError::Open { .. } => message.hint("`ls -ld PATH` shows whether it is there and may be read"),
            _ => message.hint("`git fsck` shows what is wrong with the repository"),
        }
    }
}
