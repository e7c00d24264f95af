//! The configuration as it is written, with places for its errors.

use std::{fmt, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use super::Origin;
use crate::rules::Confidence;

/// A configuration that cannot be used, where, and what would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as found.
    pub file: String,
    /// Line and column, from 1.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ConfigFile {
    #[serde(default)]
    pub(super) extend: Vec<Spanned<String>>,
    pub(super) min_confidence: Option<Spanned<Confidence>>,
    pub(super) fail_on: Option<Spanned<Confidence>>,
    #[serde(default)]
    pub(super) job: JobTables,
    #[serde(default)]
    pub(super) path: Vec<Spanned<PathSpec>>,
    #[serde(default)]
    pub(super) allow: AllowLists,
    // Rules of the user's own are read by the rules module; here they only may be there.
    #[serde(default)]
    pub(super) provider: Option<toml::Value>,
    #[serde(default)]
    pub(super) rule: Vec<toml::Value>,
    #[serde(default)]
    #[expect(dead_code, reason = "named so that the key is allowed; the rules module reads it")]
    runbook: Option<toml::Value>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct JobTables {
    pub(super) files: Option<JobSpec>,
    pub(super) history: Option<JobSpec>,
    pub(super) range: Option<JobSpec>,
    pub(super) staged: Option<JobSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct JobSpec {
    pub(super) min_confidence: Option<Spanned<Confidence>>,
    pub(super) fail_on: Option<Spanned<Confidence>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PathSpec {
    pub(super) paths: Option<Vec<String>>,
    pub(super) min_confidence: Option<Confidence>,
    pub(super) fail_on: Option<Confidence>,
    pub(super) inline: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowLists {
    #[serde(default)]
    pub(super) paths: Vec<Spanned<AllowPathSpec>>,
    #[serde(default)]
    pub(super) rules: Vec<Spanned<AllowRuleSpec>>,
    #[serde(default)]
    pub(super) values: Vec<Spanned<AllowValueSpec>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowPathSpec {
    #[serde(default)]
    pub(super) reason: String,
    pub(super) expires: Option<Spanned<toml::Value>>,
    pub(super) paths: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowRuleSpec {
    #[serde(default)]
    pub(super) reason: String,
    pub(super) expires: Option<Spanned<toml::Value>>,
    pub(super) paths: Option<Vec<String>>,
    pub(super) rule: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowValueSpec {
    #[serde(default)]
    pub(super) reason: String,
    pub(super) expires: Option<Spanned<toml::Value>>,
    pub(super) paths: Option<Vec<String>>,
    pub(super) rule: Option<Spanned<String>>,
    pub(super) pattern: Option<Spanned<String>>,
    pub(super) value: Option<Spanned<String>>,
    pub(super) fingerprint: Option<Spanned<String>>,
}

/// A configuration text and its name.
pub(super) struct Located<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Located<'_> {
    pub(super) fn parse(&self) -> Result<ConfigFile, ConfigError> {
        toml::from_str(self.text).map_err(|error| {
            let message = error.message().trim_end().replace('\n', "; ");
            self.error(error.span().unwrap_or(0..0), &message, "see docs/configuration.md for the keys")
        })
    }

    /// The text with everything but the rules made blank, so that places stay right.
    pub(super) fn rules_only(&self) -> String {
        let mut keep = true;
        let mut out = String::with_capacity(self.text.len());
        let mut in_root = true;
        for line in self.text.split_inclusive('\n') {
            let trimmed = line.trim_start();
            if trimmed.starts_with('[') {
                in_root = false;
                let name = trimmed.trim_start_matches('[');
                keep = ["provider", "rule", "runbook"]
                    .iter()
                    .any(|key| name.strip_prefix(key).is_some_and(|rest| rest.starts_with([']', '.', ' '])));
            }
            if keep && !in_root {
                out += line;
            } else {
                out.extend(line.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            }
        }
        out
    }

    /// Line and column of a byte, from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1)
    }

    pub(super) fn origin(&self, span: &Range<usize>) -> Origin {
        Origin { file: self.name.to_owned(), line: self.place(span.start).0 }
    }

    pub(super) fn error(&self, span: Range<usize>, message: &str, mend: &str) -> ConfigError {
        ConfigError {
            file: self.name.to_owned(),
            place: Some(self.place(span.start)),
            message: message.to_owned(),
            mend: mend.to_owned(),
        }
    }

    pub(super) fn need<'t, T>(
        &self,
        span: Range<usize>,
        value: Option<&'t T>,
        key: &str,
    ) -> Result<&'t T, ConfigError> {
        value.ok_or_else(|| self.error(span, &format!("the entry has no `{key}`"), &format!("add `{key} = …`")))
    }
}
