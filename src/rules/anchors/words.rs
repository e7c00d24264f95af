//! The anchors of contextual rules: the rarest part of each word.

use std::borrow::Cow;

use super::super::{RuleSet, rule::Matcher};

/// What may join two parts of a word, besides nothing.
const JOINTS: [&str; 5] = ["", "_", "-", ".", " "];
/// Parts of words that stand in any source text and make poor anchors, as counted over such text.
const COMMON: &[&str] = &[
    "access",
    "account",
    "ado",
    "api",
    "app",
    "application",
    "ark",
    "auth",
    "base",
    "bearer",
    "box",
    "checkout",
    "cio",
    "client",
    "cloud",
    "com",
    "config",
    "credential",
    "dev",
    "env",
    "exa",
    "hec",
    "hex",
    "http",
    "https",
    "id",
    "integration",
    "key",
    "keys",
    "line",
    "live",
    "mail",
    "make",
    "master",
    "meta",
    "net",
    "oauth",
    "open",
    "org",
    "oss",
    "pass",
    "password",
    "plain",
    "private",
    "prod",
    "project",
    "public",
    "render",
    "search",
    "secret",
    "server",
    "service",
    "ses",
    "session",
    "set",
    "settings",
    "signing",
    "sol",
    "square",
    "status",
    "test",
    "token",
    "translator",
    "url",
    "user",
    "vision",
    "webhook",
    "windows",
    "wise",
    "www",
];

/// One word of one rule, and where in it its anchor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// Index of its rule.
    pub(crate) rule: u32,
    /// Index of the word among the rule's.
    pub(crate) word: u32,
    /// Bytes of the word before its anchor.
    pub(crate) offset: u32,
}

/// Reports the anchors of all contextual rules, with the words that they belong to.
pub(super) fn anchors<'r>(rules: &'r RuleSet, mut report: impl FnMut(Cow<'r, str>, Word)) {
    for (rule, one) in rules.iter().enumerate() {
        let Matcher::Value(value) = &one.matcher else {
            continue;
        };
        for (index, word) in value.words.iter().enumerate() {
            let word_at = |offset: usize| Word { rule: rule as u32, word: index as u32, offset: offset as u32 };
            match best_part(word) {
                Part::One(at, part) => report(part.into(), word_at(at)),
                Part::Two(at, first, second) => {
                    JOINTS.iter().for_each(|joint| report(format!("{first}{joint}{second}").into(), word_at(at)));
                }
            }
        }
    }
}

/// Which part of a word is looked for.
enum Part<'w> {
    /// One that is rare enough, or the only one.
    One(usize, &'w str),
    /// Two with whatever joins them, since no part alone is rare or long enough.
    Two(usize, &'w str, &'w str),
}

fn best_part(word: &str) -> Part<'_> {
    let mut offset = 0;
    let parts: Vec<(usize, &str)> = word
        .split('_')
        .map(|part| {
            let at = offset;
            offset += part.len() + 1;
            (at, part)
        })
        .filter(|(_, part)| !part.is_empty())
        .collect();
    let rare = |(_, part): &&(usize, &str)| part.len() >= 3 && !COMMON.contains(part);
    if let Some((at, part)) = parts.iter().filter(rare).max_by_key(|(at, part)| (part.len(), usize::MAX - at)) {
        return Part::One(*at, part);
    }
    match parts.windows(2).max_by_key(|pair| pair[0].1.len() + pair[1].1.len()) {
        Some([(at, first), (_, second)]) => Part::Two(*at, first, second),
        _ => parts.first().map_or(Part::One(0, word), |(at, part)| Part::One(*at, part)),
    }
}
