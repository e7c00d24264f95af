//! `.keysweep.toml`: what a repository or a user says about its scans.
//!
//! It adds to the defaults and never replaces them: an allowlist-only file leaves every rule on.

mod allow;
mod extend;
mod file;

use std::{fmt, sync::Arc};

pub use extend::Reader;
pub use file::ConfigError;
use file::{ConfigFile, JobSpec, Located};

use crate::{
    report::Job,
    rules::{Confidence, Rule, RuleSet, load},
    suppress::Policy,
};

/// The name of the file at the root of a repository.
pub const FILE_NAME: &str = ".keysweep.toml";

/// Where a setting is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as messages call it.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A setting and where it is written.
pub type Set<T> = (T, Origin);

/// A threshold for every job, and those of single jobs.
#[derive(Debug, Clone, Default)]
pub struct Threshold {
    all: Option<Set<Confidence>>,
    jobs: Vec<(Job, Set<Confidence>)>,
}

impl Threshold {
    /// What holds for a job, if anything is set.
    pub fn of(&self, job: Job) -> Option<&Set<Confidence>> {
        // The refs of a history are a part of it.
        let job = if job == Job::Refs { Job::History } else { job };
        let own = self.jobs.iter().rev().find(|(of, _)| *of == job).map(|(_, set)| set);
        own.or(self.all.as_ref())
    }
}

/// A configuration that has been checked.
#[derive(Debug, Default)]
pub struct Config {
    /// What is allowed.
    pub policy: Policy,
    /// Rules of the user's own.
    pub rules: Vec<Arc<Rule>>,
    /// `min-confidence`.
    pub min_confidence: Threshold,
    /// `fail-on`.
    pub fail_on: Threshold,
    /// Every setting as text and where it is written, in the order in which they were read.
    pub written: Vec<Set<String>>,
}

impl Config {
    /// What holds without a configuration.
    pub fn none() -> Self {
        Self { policy: Policy { inline: true, ..Policy::default() }, ..Self::default() }
    }

    /// Reads a configuration text without the files that it extends. `name` is what messages call the file;
    /// rules are looked up in `builtin` so that a mistyped id is noticed.
    ///
    /// # Errors
    /// The first thing that is wrong, with line, column and what would mend it.
    pub fn parse(name: &str, text: &str, builtin: &RuleSet) -> Result<Self, ConfigError> {
        Self::read(name, text, builtin, &|path| Ok(Some((path.to_string(), String::new()))))
    }

    /// Reads a configuration text and what it extends, by `reader`.
    ///
    /// # Errors
    /// As of [`Self::parse`], in any of the files.
    pub fn read(name: &str, text: &str, builtin: &RuleSet, reader: &Reader<'_>) -> Result<Self, ConfigError> {
        let mut config = Self::none();
        extend::read(name, text, reader, &mut |name, text, file| config.add(&Located { name, text }, file, builtin))?;
        Ok(config)
    }

    /// Adds a file; what it says goes before what was said.
    fn add(&mut self, written: &Located<'_>, file: &ConfigFile, builtin: &RuleSet) -> Result<(), ConfigError> {
        self.policy.read_from.push(written.name.to_owned());
        // Rules of the user's own have the same form as built-in ones; they are read from the same text.
        let rules = match file.provider {
            Some(_) => load(written.name, &written.rules_only()).map_err(|error| ConfigError {
                file: written.name.to_owned(),
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
        for rule in &rules {
            self.written.push((format!("rule {}", rule.id), Origin { file: written.name.to_owned(), line: 1 }));
        }
        self.rules.extend(rules);
        self.thresholds(written, file);
        for entry in &file.path {
            self.policy.settings.push(allow::settings(written, entry)?);
            let spec = entry.get_ref();
            let paths = spec.paths.as_deref().unwrap_or_default().join(" ");
            let mut say =
                |what: String| self.written.push((format!("{what} below {paths}"), written.origin(&entry.span())));
            spec.min_confidence.inspect(|level| say(format!("min-confidence = {level}")));
            spec.fail_on.inspect(|level| say(format!("fail-on = {level}")));
            spec.inline.inspect(|on| say(format!("inline = {on}")));
        }
        let own = &self.rules;
        let is_rule = |id: &str| builtin.find(id).is_some() || own.iter().any(|rule| rule.is_named(id));
        allow::add(written, &file.allow, &is_rule, &mut self.policy)?;
        let lists = [
            ("paths", file.allow.paths.iter().map(|one| (one.span(), &one.get_ref().reason)).collect::<Vec<_>>()),
            ("rules", file.allow.rules.iter().map(|one| (one.span(), &one.get_ref().reason)).collect()),
            ("values", file.allow.values.iter().map(|one| (one.span(), &one.get_ref().reason)).collect()),
        ];
        for (list, entries) in lists {
            let entries = entries.into_iter();
            self.written
                .extend(entries.map(|(span, reason)| (format!("allow.{list}: {reason}"), written.origin(&span))));
        }
        Ok(())
    }

    fn thresholds(&mut self, written: &Located<'_>, file: &ConfigFile) {
        let jobs = &file.job;
        let jobs = [
            (Job::Files, &jobs.files),
            (Job::History, &jobs.history),
            (Job::Range, &jobs.range),
            (Job::Staged, &jobs.staged),
        ];
        let own = jobs.iter().filter_map(|(job, spec)| {
            let JobSpec { min_confidence, fail_on } = spec.as_ref()?;
            Some((Some(*job), min_confidence, fail_on))
        });
        let all = std::iter::once((None, &file.min_confidence, &file.fail_on)).chain(own);
        for (job, show, fail) in all {
            let named = |what: &str| job.map_or_else(|| what.to_owned(), |job| format!("job.{}.{what}", job.id()));
            for (level, key, threshold) in
                [(show, "min-confidence", &mut self.min_confidence), (fail, "fail-on", &mut self.fail_on)]
            {
                let Some(level) = level else {
                    continue;
                };
                let set = (*level.get_ref(), written.origin(&level.span()));
                self.written.push((format!("{} = {}", named(key), set.0), set.1.clone()));
                match job {
                    None => threshold.all = Some(set),
                    Some(job) => threshold.jobs.push((job, set)),
                }
            }
        }
    }
}
