//! What a configuration allows, ready to be asked.

use ignore::gitignore::Gitignore;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use regex::bytes::Regex;

use super::IgnoreSource;
use crate::{
    finding::{Fingerprint, Secret, SuppressedBy, Suppression},
    rules::{Confidence, Rule},
    source::RelPath,
};

/// What is allowed. Empty by default: nothing is.
#[derive(Debug, Default)]
pub struct Policy {
    /// Paths.
    pub paths: Vec<AllowPath>,
    /// Rules, everywhere or below some paths.
    pub rules: Vec<AllowRule>,
    /// Values.
    pub values: Vec<AllowValue>,
    /// Settings that hold below some paths; a later one goes first.
    pub settings: Vec<PathSettings>,
    /// Whether inline comments count (`--no-inline` turns them off).
    pub inline: bool,
    /// `.keysweepignore`.
    pub ignore: Option<IgnoreSource>,
    /// Whether suppressions that a change adds fail the run (`--policy strict`).
    pub strict: bool,
    /// The files it was read from, as messages call them.
    pub read_from: Vec<String>,
}

/// Why something is allowed, who says so and until when.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// Why.
    pub reason: String,
    /// The file that says so.
    pub file: String,
    /// The line of that file, from 1.
    pub line: usize,
    /// The last day (UTC) on which it counts.
    pub expires: Option<Date>,
}

impl Grant {
    fn counts(&self, day: Date) -> bool {
        self.expires.is_none_or(|last| day <= last)
    }

    fn suppression(&self, list: &'static str) -> Suppression {
        Suppression { by: SuppressedBy::Config { file: self.file.clone(), list }, reason: self.reason.clone() }
    }
}

/// An allowed path.
#[derive(Debug)]
pub struct AllowPath {
    /// Patterns as in `.gitignore`.
    pub globs: Gitignore,
    /// Why.
    pub grant: Grant,
}

/// A rule that is allowed.
#[derive(Debug)]
pub struct AllowRule {
    /// The rule's id.
    pub id: String,
    /// Only below these paths, if given.
    pub globs: Option<Gitignore>,
    /// Why.
    pub grant: Grant,
}

/// A value that is allowed.
#[derive(Debug)]
pub struct AllowValue {
    /// Which.
    pub value: ValuePattern,
    /// Only findings of this rule, if given.
    pub rule: Option<String>,
    /// Only below these paths, if given.
    pub globs: Option<Gitignore>,
    /// Why.
    pub grant: Grant,
}

/// Which values are meant.
#[derive(Debug)]
pub enum ValuePattern {
    /// The whole value must match.
    Pattern(Regex),
    /// The value with this fingerprint.
    Fingerprint(Fingerprint),
}

impl ValuePattern {
    fn fits(&self, secret: &Secret) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_match(secret.reveal()),
            Self::Fingerprint(print) => Fingerprint::of(secret).as_ref() == Some(print),
        }
    }
}

/// Settings that hold below some paths.
#[derive(Debug)]
pub struct PathSettings {
    /// Patterns as in `.gitignore`.
    pub globs: Gitignore,
    /// Least confidence that is shown, if set.
    pub show: Option<Confidence>,
    /// Least confidence that fails, if set.
    pub fail: Option<Confidence>,
    /// Whether inline comments count, if set.
    pub inline: Option<bool>,
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
        let fits = |pattern: &Regex| pieces.iter().any(|piece| pattern.is_match(piece.as_bytes()));
        self.values.iter().any(|entry| match &entry.value {
            ValuePattern::Pattern(pattern) => fits(pattern),
            // One value blinds no rule.
            ValuePattern::Fingerprint(_) => false,
        })
    }

    /// Who says to be quiet about this secret at this path, if anybody does; `now` in seconds since 1970.
    pub fn allows(&self, rule: &Rule, secret: &Secret, path: Option<&RelPath>, now: i64) -> Option<Suppression> {
        if self.paths.is_empty() && self.rules.is_empty() && self.values.is_empty() {
            return None;
        }
        let day = day(now);
        let here = |globs: &Gitignore| path.is_some_and(|path| covers(globs, path));
        let everywhere_or_here = |globs: &Option<Gitignore>| globs.as_ref().is_none_or(here);
        if let Some(entry) = self.paths.iter().find(|entry| entry.grant.counts(day) && here(&entry.globs)) {
            return Some(entry.grant.suppression("paths"));
        }
        let applies = |entry: &&AllowRule| {
            entry.grant.counts(day) && rule.is_named(&entry.id) && everywhere_or_here(&entry.globs)
        };
        if let Some(entry) = self.rules.iter().find(applies) {
            return Some(entry.grant.suppression("rules"));
        }
        let applies = |entry: &&AllowValue| {
            entry.grant.counts(day)
                && entry.rule.as_ref().is_none_or(|id| rule.is_named(id))
                && everywhere_or_here(&entry.globs)
                && entry.value.fits(secret)
        };
        Some(self.values.iter().find(applies)?.grant.suppression("values"))
    }

    /// The grants whose last day has passed.
    pub fn expired(&self, now: i64) -> Vec<&Grant> {
        let day = day(now);
        let grants = self.paths.iter().map(|entry| &entry.grant);
        let grants = grants.chain(self.rules.iter().map(|entry| &entry.grant));
        grants.chain(self.values.iter().map(|entry| &entry.grant)).filter(|grant| !grant.counts(day)).collect()
    }

    /// The last of the settings for a path that says something.
    pub fn setting<T>(&self, path: Option<&RelPath>, of: impl Fn(&PathSettings) -> Option<T>) -> Option<T> {
        let path = path?;
        self.settings.iter().rev().filter(|entry| covers(&entry.globs, path)).find_map(of)
    }
}

/// The day (UTC) of a moment in seconds since 1970.
pub fn day(now: i64) -> Date {
    Timestamp::from_second(now).unwrap_or_default().to_zoned(TimeZone::UTC).date()
}

fn covers(globs: &Gitignore, path: &RelPath) -> bool {
    // An allowlist pattern that names a folder covers what is below it.
    let path = path.to_string();
    globs.matched_path_or_any_parents(path.trim_start_matches('/'), false).is_ignore()
}
