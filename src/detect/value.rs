//! Contextual rules: a run of one alphabet and length with a provider's word near it.
//!
//! They cost nothing where no run of the right length stands, however many there are.

use std::ops::Range;

use super::{Candidate, Form, Window};
use crate::rules::{Alphabet, Matcher, RuleSet, Value};

/// A word may stand at most so many lines above the value.
const LINES_BACK: usize = 3;

/// The contextual rules by the length of their value.
#[derive(Debug)]
pub(super) struct Table {
    by_length: Vec<Vec<usize>>,
}

impl Table {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut by_length: Vec<Vec<usize>> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if let Matcher::Value(value) = &rule.matcher {
                for &length in &value.length {
                    if by_length.len() <= length {
                        by_length.resize(length + 1, Vec::new());
                    }
                    by_length[length].push(index);
                }
            }
        }
        Self { by_length }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_length.is_empty()
    }

    /// Finds the values within one run of token characters.
    pub(super) fn find(&self, rules: &RuleSet, window: &Window<'_>, run: Range<usize>, found: &mut Vec<Candidate>) {
        // Most long runs are names and paths.
        if !window.bytes[run.clone()].iter().any(u8::is_ascii_digit) {
            return;
        }
        for family in [Family::Alnum, Family::Base64, Family::Base64Url] {
            for part in family.parts(window.bytes, &run) {
                let Some(of_length) = self.by_length.get(part.len()) else {
                    continue;
                };
                for &rule in of_length {
                    let Matcher::Value(value) = &rules.at(rule).matcher else {
                        continue;
                    };
                    let text = &window.bytes[part.clone()];
                    if Family::of(value.alphabet) == family
                        && text.iter().all(|byte| value.alphabet.holds(*byte))
                        && text.iter().any(u8::is_ascii_digit)
                        && text.iter().any(u8::is_ascii_alphabetic)
                        && (value.alphabet != Alphabet::Uuid || is_uuid(text))
                        && Near::new(value, window.bytes, &part).suits(value)
                    {
                        let secret = window.absolute(&part);
                        found.push(Candidate {
                            rule,
                            matched: secret.clone(),
                            secret,
                            groups: Vec::new(),
                            form: Form::Known,
                        });
                    }
                }
            }
        }
    }
}

/// Which neighbours end a value: a hex value may stand beside `/`, a base64 value may not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Alnum,
    Base64,
    Base64Url,
}

impl Family {
    fn of(alphabet: Alphabet) -> Self {
        match alphabet {
            Alphabet::Base64 => Self::Base64,
            Alphabet::Base64Url | Alphabet::Uuid => Self::Base64Url,
            _ => Self::Alnum,
        }
    }

    fn holds(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Alnum => false,
                Self::Base64 => matches!(byte, b'+' | b'/'),
                Self::Base64Url => matches!(byte, b'_' | b'-'),
            }
    }

    fn parts(self, bytes: &[u8], run: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let base = run.start;
        let text = &bytes[run.clone()];
        let mut at = 0;
        std::iter::from_fn(move || {
            while at < text.len() && !self.holds(text[at]) {
                at += 1;
            }
            let start = at;
            while at < text.len() && self.holds(text[at]) {
                at += 1;
            }
            (at > start).then(|| base + start..base + at)
        })
    }
}

/// What stands around a value: lower case, without the characters that join words.
struct Near {
    before: Vec<u8>,
    /// The part of `before` that is on the value's own line.
    line: usize,
    behind: Vec<u8>,
}

impl Near {
    fn new(value: &Value, bytes: &[u8], at: &Range<usize>) -> Self {
        let before = &bytes[at.start.saturating_sub(value.distance)..at.start];
        let lines = memchr::memrchr_iter(b'\n', before).nth(LINES_BACK - 1);
        let before = lines.map_or(before, |newline| &before[newline + 1..]);
        let behind = &bytes[at.end..bytes.len().min(at.end + value.after)];
        let behind = memchr::memchr(b'\n', behind).map_or(behind, |newline| &behind[..newline]);
        let before = plain(before);
        let line = memchr::memrchr(b'\n', &before).map_or(0, |newline| newline + 1);
        Self { before, line, behind: plain(behind) }
    }

    fn suits(&self, value: &Value) -> bool {
        let holds = |text: &[u8], words: &[String]| {
            words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
        };
        let line = &self.before[self.line..];
        (holds(&self.before, &value.words) || holds(&self.behind, &value.words))
            && (value.also.is_empty() || holds(line, &value.also))
            && !holds(line, &value.unless)
    }
}

/// `Client-Secret`, `client_secret`, `clientSecret` are one word.
fn plain(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' ')).map(u8::to_ascii_lowercase).collect()
}

/// Groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36 && text.iter().enumerate().all(|(at, byte)| (*byte == b'-') == matches!(at, 8 | 13 | 18 | 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let rules = RuleSet::new(
            crate::rules::load(
                "test",
                &r#"
[provider]
id = "acme"
name = "Acme"
url = "https://acme.example"
[[rule]]
id = "acme-key"
title = "t"
description = "d"
kind = "api-key"
severity = "high"
confidence = "medium"
runbook = "acme"
docs = "https://acme.example"
value = { alphabet = "uuid" }
words = ["acme cloud"]
also = ["key", "token"]
unless = ["key_id"]
finds = ["x"]
ignores = ["y"]
"#
                .chars()
                .chain(["contain", "replace", "deploy", "revoke", "audit", "prevent"].iter().flat_map(|phase| {
                    format!("[[runbook.acme.step]]\nphase = \"{phase}\"\ndo = \"x\"\ngeneral = true\n")
                        .chars()
                        .collect::<Vec<_>>()
                }))
                .collect::<String>(),
            )
            .expect("it is sound"),
        )
        .expect("one rule");
        let mut found = Vec::new();
        let table = Table::new(&rules);
        let window = Window { bytes: text.as_bytes(), start: 0 };
        super::super::runs::runs(window.bytes, &(0..text.len()), &mut |run| {
            table.find(&rules, &window, run, &mut found);
        });
        found.len()
    }

    #[test]
    fn words_near_a_value_name_it_and_others_forbid_it() {
        let uuid = "0a1b2c3d-0a1b-4c3d-8e9f-0a1b2c3d4e5f";
        for text in [
            format!("ACME_CLOUD_KEY={uuid}"),
            format!("acmeCloud:\n  token: {uuid}"),
            format!("acme-cloud --key \"{uuid}\""),
        ] {
            assert_eq!(found(&text), 1, "{text}");
        }
        for text in [
            format!("ACME_KEY={uuid}"),
            format!("ACME_CLOUD={uuid}"),
            format!("ACME_CLOUD_KEY_ID={uuid}"),
            format!("acme_cloud_key:\n\n\n\n  {uuid}"),
            "ACME_CLOUD_KEY=0a1b2c3d0-a1b-4c3d-8e9f-0a1b2c3d4e5f".to_owned(),
            format!("ACME_CLOUD_KEY=x-{uuid}"),
        ] {
            assert_eq!(found(&text), 0, "{text}");
        }
    }
}
