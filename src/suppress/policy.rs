//! Allowlists of the configuration, ready to be asked.

use ignore::gitignore::Gitignore;
use regex::bytes::Regex;

use crate::{
    finding::{Secret, SuppressedBy, Suppression},
    rules::Rule,
    source::RelPath,
};

/// Allowlists. Empty by default: nothing is allowed.
#[derive(Debug, Default)]
pub struct Policy {
    /// Paths.
    pub paths: Vec<AllowPath>,
    /// Rules, everywhere or below some paths.
    pub rules: Vec<AllowRule>,
    /// Values.
    pub values: Vec<AllowValue>,
    /// Whether inline comments count (`--no-inline` turns them off).
    pub inline: bool,
}

/// An allowed path.
#[derive(Debug)]
pub struct AllowPath {
    /// Patterns as in `.gitignore`.
    pub globs: Gitignore,
    /// Why.
    pub reason: String,
    /// The file that says so.
    pub file: String,
}

/// A rule that is allowed.
#[derive(Debug)]
pub struct AllowRule {
    /// The rule's id.
    pub id: String,
    /// Only below these paths, if given.
    pub globs: Option<Gitignore>,
    /// Why.
    pub reason: String,
    /// The file that says so.
    pub file: String,
}

/// A value that is allowed.
#[derive(Debug)]
pub struct AllowValue {
    /// The whole value must match.
    pub pattern: Regex,
    /// Why.
    pub reason: String,
    /// The file that says so.
    pub file: String,
}

impl Policy {
    /// Whether an entry names this rule, or a value that the rule's example may hold, so that the rule may be
    /// blind although others are not.
    pub fn may_allow(&self, rule: &Rule, example: impl FnOnce() -> String) -> bool {
        if self.rules.iter().any(|entry| rule.is_named(&entry.id)) {
            return true;
        }
        if self.values.is_empty() {
            return false;
        }
        // The secret's place in the example is not known without running the rule; it is one of these pieces
        // or, for keys over many lines, all of it.
        let text = example();
        let outer = text.split(|c: char| c.is_whitespace() || "\"'`<>,".contains(c));
        let inner = text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_.+/".contains(c));
        let pieces: Vec<&str> = outer.chain(inner).chain([text.as_str()]).filter(|piece| !piece.is_empty()).collect();
        self.values.iter().any(|entry| pieces.iter().any(|piece| entry.pattern.is_match(piece.as_bytes())))
    }

    /// Who says to be quiet about this secret at this path, if anybody does.
    pub fn allows(&self, rule: &Rule, secret: &Secret, path: Option<&RelPath>) -> Option<Suppression> {
        let by = |file: &str, list| SuppressedBy::Config { file: file.to_owned(), list };
        let allowed_path = path.and_then(|path| self.paths.iter().find(|entry| covers(&entry.globs, path)));
        if let Some(entry) = allowed_path {
            return Some(Suppression { by: by(&entry.file, "paths"), reason: entry.reason.clone() });
        }
        let applies = |entry: &&AllowRule| {
            rule.is_named(&entry.id)
                && entry.globs.as_ref().is_none_or(|globs| path.is_some_and(|path| covers(globs, path)))
        };
        if let Some(entry) = self.rules.iter().find(applies) {
            return Some(Suppression { by: by(&entry.file, "rules"), reason: entry.reason.clone() });
        }
        let entry = self.values.iter().find(|entry| entry.pattern.is_match(secret.reveal()))?;
        Some(Suppression { by: by(&entry.file, "values"), reason: entry.reason.clone() })
    }
}

fn covers(globs: &Gitignore, path: &RelPath) -> bool {
    // An allowlist pattern that names a folder covers what is below it.
    let path = path.to_string();
    globs.matched_path_or_any_parents(path.trim_start_matches('/'), false).is_ignore()
}
