//! `.keysweep.toml`: what a repository or a user says about its scans.
//!
//! It adds to the defaults and never replaces them: an allowlist-only file leaves every rule on.

mod file;

use std::{path::Path, sync::Arc};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use regex::bytes::RegexBuilder;

pub use file::ConfigError;
use file::{ConfigFile, Located};

use crate::{
    rules::{Confidence, Rule, RuleSet, load},
    suppress::{AllowPath, AllowRule, AllowValue, Policy},
};

/// The name of the file at the root of a repository.
pub const FILE_NAME: &str = ".keysweep.toml";

/// A configuration that has been checked.
#[derive(Debug, Default)]
pub struct Config {
    /// Allowlists.
    pub policy: Policy,
    /// Rules of the user's own.
    pub rules: Vec<Arc<Rule>>,
    /// `min-confidence`, if set.
    pub min_confidence: Option<Confidence>,
    /// `fail-on`, if set.
    pub fail_on: Option<Confidence>,
}

impl Config {
    /// Reads a configuration text. `name` is what messages call the file; rules are looked up in
    /// `builtin` so that a mistyped id is noticed.
    ///
    /// # Errors
    /// The first thing that is wrong, with line, column and what would mend it.
    pub fn parse(name: &str, text: &str, builtin: &RuleSet) -> Result<Self, ConfigError> {
        let written = Located { name, text };
        let file: ConfigFile = written.parse()?;
        // Rules of the user's own have the same form as built-in ones; they are read from the same text.
        let rules = match file.provider {
            Some(_) => load(name, &written.rules_only()?).map_err(|error| ConfigError {
                file: name.to_owned(),
                place: error.place,
                message: error.message,
                mend: error.mend,
            })?,
            None if file.rule.is_empty() => Vec::new(),
            None => {
                return Err(written.error(
                    0..0,
                    "the file has [[rule]] but no [provider]",
                    "add [provider] with id, name and url, as in docs/rules-format.md",
                ));
            }
        };
        let mut policy = Policy { inline: true, ..Policy::default() };
        for entry in &file.allow.paths {
            let spec = entry.get_ref();
            written.check_reason(entry.span(), &spec.reason)?;
            let globs = spec.paths.as_deref().unwrap_or_default();
            policy.paths.push(AllowPath {
                globs: globs_of(&written, entry.span(), globs)?,
                reason: spec.reason.clone(),
                file: name.to_owned(),
            });
        }
        for entry in &file.allow.rules {
            let spec = entry.get_ref();
            written.check_reason(entry.span(), &spec.reason)?;
            let id = written.need(entry.span(), spec.rule.as_ref(), "rule")?;
            if builtin.find(id).is_none() && !rules.iter().any(|rule| rule.is_named(id)) {
                return Err(written.error(
                    entry.span(),
                    &format!("there is no rule {id:?}"),
                    "run `keysweep rules list` for the ids",
                ));
            }
            let globs = spec.paths.as_deref().map(|globs| globs_of(&written, entry.span(), globs)).transpose()?;
            policy.rules.push(AllowRule { id: id.clone(), globs, reason: spec.reason.clone(), file: name.to_owned() });
        }
        for entry in &file.allow.values {
            let spec = entry.get_ref();
            written.check_reason(entry.span(), &spec.reason)?;
            let pattern = written.need(entry.span(), spec.pattern.as_ref(), "pattern")?;
            let pattern = RegexBuilder::new(&format!("^(?:{pattern})$"))
                .unicode(false)
                .dot_matches_new_line(true)
                .size_limit(1 << 20)
                .build()
                .map_err(|error| {
                    let message = format!("the pattern does not compile: {error}").replace('\n', " ");
                    written.error(entry.span(), &message, "see https://docs.rs/regex for the syntax")
                })?;
            policy.values.push(AllowValue { pattern, reason: spec.reason.clone(), file: name.to_owned() });
        }
        Ok(Self { policy, rules, min_confidence: file.min_confidence, fail_on: file.fail_on })
    }
}

fn globs_of(written: &Located<'_>, span: std::ops::Range<usize>, globs: &[String]) -> Result<Gitignore, ConfigError> {
    if globs.is_empty() {
        return Err(written.error(span, "the entry has no paths", "add `paths = [\"docs/**\"]`"));
    }
    let mut builder = GitignoreBuilder::new(Path::new(""));
    for glob in globs {
        builder.add_line(None, glob).map_err(|error| {
            written.error(
                span.clone(),
                &format!("the path pattern {glob:?} is wrong: {error}"),
                "write it as in .gitignore",
            )
        })?;
    }
    builder.build().map_err(|error| {
        written.error(span, &format!("the path patterns are wrong: {error}"), "write them as in .gitignore")
    })
}
