//! What is wrong with a rule, and what would mend it.

use std::fmt;

/// A rule file that cannot be used, where, and what would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The file, as given.
    pub file: String,
    /// Line and column, from 1.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl RuleError {
    /// An error of a whole set.
    pub(super) fn without_place(message: &str, mend: &str) -> Self {
        Self { file: "rules".to_owned(), place: None, message: message.to_owned(), mend: mend.to_owned() }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for RuleError {}
