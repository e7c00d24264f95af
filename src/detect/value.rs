//! Contextual rules: a run of one alphabet and length with a provider's word near it.
//!
//! The rarest part of the word is the anchor: where no provider is named nothing is looked at, however many
//! rules there are.

use std::ops::Range;

use super::{Candidate, Form, Window};
use crate::rules::{Alphabet, Matcher, RuleSet, Value, anchors::Word};

/// A word stands on the value's line or on one of the two before it.
const LINES: usize = 3;
/// Finds the values near the anchor at `at`, which `words` share.
pub(super) fn find(
    rules: &RuleSet,
    words: &[Word],
    window: &Window<'_>,
    at: &Range<usize>,
    found: &mut Vec<Candidate>,
) {
    let value = |word: &Word| match &rules.at(word.rule as usize).matcher {
        Matcher::Value(value) => value,
        _ => unreachable!("only contextual rules have words"),
    };
    let bytes = window.bytes;
    // Where the words stand whose anchor this is; mostly none does.
    let there: Vec<(&Word, Range<usize>)> =
        words.iter().filter_map(|word| Some((word, word_around(value(word), word, bytes, at)?))).collect();
    if there.is_empty() {
        return;
    }
    let words: Vec<&Word> = there.iter().map(|(word, _)| *word).collect();
    let most = |reach: fn(&Value) -> usize| words.iter().map(|word| reach(value(word))).max().unwrap_or(0);
    let from = match most(|value| value.after) {
        0 => at.end,
        after => line_start(bytes, at.start, after + most(Value::longest)),
    };
    let to = lines_end(bytes, at.end, at.start.saturating_add(most(|value| value.distance) + 1));
    // A word names the first value behind it that suits, not those that follow.
    let mut named = vec![false; words.len()];
    for family in [Family::Alnum, Family::Base64, Family::Base64Url] {
        if !words.iter().any(|word| Family::of(value(word).alphabet) == family) {
            continue;
        }
        for part in family.parts(bytes, from..to) {
            let text = &bytes[part.clone()];
            if !text.iter().any(u8::is_ascii_digit) || !text.iter().any(u8::is_ascii_alphabetic) {
                continue;
            }
            for ((word, word_at), named) in there.iter().zip(&mut named) {
                let value = value(word);
                if !(*named && part.start > at.start)
                    && Family::of(value.alphabet) == family
                    && value.length.contains(&part.len())
                    && text.iter().all(|byte| value.alphabet.holds(*byte))
                    && (value.alphabet != Alphabet::Uuid || is_uuid(text))
                    && names(value, word_at, bytes, &part)
                {
                    *named |= part.start > at.start;
                    let secret = window.absolute(&part);
                    let matched = window.absolute(&(word_at.start.min(part.start)..word_at.end.max(part.end)));
                    let rule = word.rule as usize;
                    let anchor = window.start + at.start as u64;
                    found.push(Candidate {
                        rule,
                        anchor,
                        matched,
                        secret,
                        groups: Vec::new(),
                        form: Form::Known,
                        coded: None,
                    });
                }
            }
        }
    }
}

/// Where the word stands whose anchor is at `at`: from the start of a word of the text.
fn word_around(value: &Value, word: &Word, bytes: &[u8], at: &Range<usize>) -> Option<Range<usize>> {
    let text = value.words[word.word as usize].as_bytes();
    let left = &text[..word.offset as usize];
    let start = backward(bytes, at.start, left)?;
    // `pipeline` does not hold `line`, `pipeLine` does.
    if let Some(before) = start.checked_sub(1).map(|before| bytes[before])
        && before.is_ascii_alphabetic()
        && !(before.is_ascii_lowercase() && bytes[start].is_ascii_uppercase())
        && text[0].is_ascii_alphabetic()
    {
        return None;
    }
    Some(start..forward(bytes, start, text)?)
}

/// Whether the word is near enough to the value, and the others stand as they should.
fn names(value: &Value, word: &Range<usize>, bytes: &[u8], part: &Range<usize>) -> bool {
    let near = if word.end <= part.start {
        part.start - word.start <= value.distance && lines_between(bytes, word.start, part.start) < LINES
    } else {
        word.start >= part.end && word.end - part.end <= value.after && lines_between(bytes, part.end, word.start) == 0
    };
    if !near {
        return false;
    }
    let holds = |text: &[u8], word: &String| (0..text.len()).any(|at| forward(text, at, word.as_bytes()).is_some());
    let line = line_start(bytes, part.start, value.distance);
    // `- name: ACME_KEY` and `value: …` on the next line are one.
    let lines = line.min(line_start(bytes, word.start, value.distance));
    (value.also.is_empty() || value.also.iter().any(|word| holds(&bytes[lines..part.start], word)))
        && !value.unless.iter().any(|word| holds(&bytes[line..part.start], word))
}

fn lines_between(bytes: &[u8], from: usize, to: usize) -> usize {
    memchr::memchr_iter(b'\n', &bytes[from..to]).count()
}

/// Where the line of `at` starts, but not before the reach.
fn line_start(bytes: &[u8], at: usize, reach: usize) -> usize {
    let from = at.saturating_sub(reach);
    memchr::memrchr(b'\n', &bytes[from..at]).map_or(from, |newline| from + newline + 1)
}

/// Where the last line ends whose values a word before `from` may name, but not behind `limit`.
fn lines_end(bytes: &[u8], from: usize, limit: usize) -> usize {
    let limit = limit.clamp(from, bytes.len());
    memchr::memchr_iter(b'\n', &bytes[from..limit]).nth(LINES - 1).map_or(limit, |newline| from + newline)
}

fn joins(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.' | b' ')
}

/// Where the word ends that starts at `at`: `client_secret` is also `clientSecret` and `Client-Secret`.
fn forward(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    word.iter().try_fold(at, |at, letter| match letter {
        b'_' => Some(at + bytes[at..].iter().take(1).take_while(|byte| joins(**byte)).count()),
        letter => bytes.get(at)?.eq_ignore_ascii_case(letter).then_some(at + 1),
    })
}

/// Where the word starts that ends at `at`.
fn backward(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    word.iter().rev().try_fold(at, |at, letter| match letter {
        b'_' => Some(at - bytes[..at].iter().rev().take(1).take_while(|byte| joins(**byte)).count()),
        letter => bytes[at.checked_sub(1)?].eq_ignore_ascii_case(letter).then_some(at - 1),
    })
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

    /// The runs that start within `region`, whole, unless they are longer than any value.
    fn parts(self, bytes: &[u8], region: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut at = region.start;
        std::iter::from_fn(move || {
            while at < region.end {
                // What began before is no run of its own.
                if at > 0 && self.holds(bytes[at - 1]) {
                    at += bytes[at..region.end].iter().take_while(|byte| self.holds(**byte)).count();
                }
                at += bytes[at..region.end].iter().take_while(|byte| !self.holds(**byte)).count();
                if at == region.end {
                    break;
                }
                let start = at;
                at += bytes[at..].iter().take(Value::LONGEST + 1).take_while(|byte| self.holds(**byte)).count();
                if (Value::SHORTEST..=Value::LONGEST).contains(&(at - start)) {
                    return Some(start..at);
                }
            }
            None
        })
    }
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
        let window = Window { bytes: text.as_bytes(), start: 0 };
        let detector = crate::detect::Detector::new(std::sync::Arc::new(rules));
        detector.find(&window, &(0..text.len()), crate::detect::Class::Plain, &mut found);
        crate::detect::Detector::finish(&mut found);
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
        // The second value has another name, whatever it is.
        assert_eq!(found(&format!("ACME_CLOUD_KEY={uuid}\nOTHER_KEY={uuid}")), 1);
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
