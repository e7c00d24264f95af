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
                        && word_is_near(value, window.bytes, &part)
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
            Alphabet::HexLower | Alphabet::Hex | Alphabet::Base62 | Alphabet::AlnumLower | Alphabet::Base32 => {
                Self::Alnum
            }
            Alphabet::Base64 => Self::Base64,
            Alphabet::Base64Url => Self::Base64Url,
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

fn word_is_near(value: &Value, bytes: &[u8], at: &Range<usize>) -> bool {
    let from = at.start.saturating_sub(value.distance);
    let before = &bytes[from..at.start];
    let lines = memchr::memrchr_iter(b'\n', before).nth(LINES_BACK - 1);
    let before = lines.map_or(before, |newline| &before[newline + 1..]);
    let behind = &bytes[at.end..bytes.len().min(at.end + value.after)];
    let behind = memchr::memchr(b'\n', behind).map_or(behind, |newline| &behind[..newline]);
    [before, behind].into_iter().any(|text| {
        let text = text.to_ascii_lowercase();
        value.words.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
    })
}
