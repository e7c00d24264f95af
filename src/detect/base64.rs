//! Distinctive secrets inside base64, without decoding what holds none.
//!
//! A literal encodes to three texts, one for each place it may take in a group of three bytes, and the
//! characters that hold nothing but its own bits are always the same. They are anchors like any other; only
//! where one stands are the characters within the rule's reach decoded, and the rule is tried on the result.
//! One layer, both alphabets, not across line ends.

use std::{borrow::Cow, ops::Range};

use super::{Candidate, Window, pattern, versions::EDGE};
use crate::rules::{
    Pattern,
    anchors::{Coded, FOREIGN},
};

/// How many characters before and from an anchor on an answer may depend on.
pub(super) fn reach(pattern: &Pattern) -> (usize, usize) {
    let characters = |bytes: usize| (bytes + EDGE) / 3 * 4 + 12;
    (characters(pattern.reach.before), characters(pattern.reach.after))
}

/// Tries a rule on the bytes around the anchor at `at`, decoded.
pub(super) fn find(
    coded: Coded,
    pattern: &Pattern,
    window: &Window<'_>,
    at: &Range<usize>,
    found: &mut Vec<Candidate>,
) {
    let bytes = window.bytes;
    let foreign = FOREIGN[usize::from(coded.shift)];
    let Some(group) = at.start.checked_sub(foreign) else {
        return;
    };
    let is_group =
        |at: usize| bytes.get(at..at + 4).is_some_and(|four| four.iter().all(|byte| sextet(*byte).is_some()));
    let groups = |bytes: usize| (bytes + EDGE) / 3 + 1;
    let mut start = group;
    while start >= 4 && (group - start) / 4 < groups(pattern.reach.before) && is_group(start - 4) {
        start -= 4;
    }
    let mut end = group;
    while (end - group) / 4 < groups(pattern.reach.after) && is_group(end) {
        end += 4;
    }
    // The last group of a text may be short.
    end += bytes[end..].iter().take(3).take_while(|byte| sextet(**byte).is_some()).count();
    let decoded = decode(&bytes[start..end]);
    let anchor = (group - start) / 4 * 3 + usize::from(coded.shift);
    let within = anchor..anchor + usize::from(coded.len);
    if decoded.len() < within.end {
        return;
    }
    let first = found.len();
    pattern::find(coded.rule as usize, pattern, &Window { bytes: &decoded, start: 0 }, &within, found);
    let base = window.start + start as u64;
    for one in &mut found[first..] {
        one.anchor = window.start + at.start as u64;
        one.coded = Some(foreign as u8);
        one.matched = encoded(base, &one.matched);
        one.secret = encoded(base, &one.secret);
        one.groups.iter_mut().for_each(|(_, range)| *range = encoded(base, range));
    }
}

impl Candidate {
    /// The bytes of a range of the candidate, decoded where it stands in base64.
    pub fn text<'w>(&self, window: &Window<'w>, range: &Range<u64>) -> Cow<'w, [u8]> {
        let (from, to) = ((range.start - window.start) as usize, (range.end - window.start) as usize);
        let Some(foreign) = self.coded else {
            return Cow::Borrowed(&window.bytes[from..to]);
        };
        // The start of the range's first group, found from the anchor's.
        let group = (self.anchor - u64::from(foreign)) % 4;
        let before = ((range.start + 4 - group) % 4) as usize;
        // A range ends with the character that holds its last bits; so does a short group.
        let mut decoded = decode(&window.bytes[from - before..to]);
        decoded.drain(..before.min(decoded.len()));
        Cow::Owned(decoded)
    }
}

/// Where decoded bytes stand, in characters.
fn encoded(base: u64, range: &Range<u64>) -> Range<u64> {
    let start = range.start / 3 * 4 + range.start % 3;
    let end = range.end / 3 * 4 + [0, 2, 3][(range.end % 3) as usize];
    base + start..base + end
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Decodes characters of one alphabet; a last group of two or three gives one or two bytes.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 6 | u32::from(sextet(*byte).unwrap_or(0)));
        let bits = bits << (6 * (4 - group.len()));
        let count = group.len() * 6 / 8;
        out.extend(&bits.to_be_bytes()[1..1 + count]);
    }
    out
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, BASE64URL_NOPAD};

    use super::*;
    use crate::{
        detect::{Class, Detector},
        rules::{RuleSet, example},
    };

    /// A token is found whatever stands before it in its base64, and decodes to itself.
    #[test]
    fn a_token_in_base64_is_found_at_every_shift() {
        let rules = std::sync::Arc::new(RuleSet::builtin().expect("the built-in rules are sound"));
        let detector = Detector::new(std::sync::Arc::clone(&rules));
        let rule = rules.index("github-pat-classic").expect("it exists");
        let token = example::expand("ghp_{base62:30}{crc32-base62}", "base64");
        for lead in 0..9 {
            for tail in ["", "\"", "\n", " x"] {
                let plain = format!("{}{token}{tail}", "-- .:, - ".get(..lead).unwrap_or_default());
                for coded in [BASE64.encode(plain.as_bytes()), BASE64URL_NOPAD.encode(plain.as_bytes())] {
                    for before in ["data: ", "\"", "=", ""] {
                        let text = format!("{before}{coded}\n");
                        let window = Window { bytes: text.as_bytes(), start: 0 };
                        let mut found = Vec::new();
                        detector.find(&window, &(0..text.len()), Class::Plain, &mut found);
                        let one = found.iter().find(|one| one.rule == rule).unwrap_or_else(|| panic!("{lead} {text}"));
                        assert_eq!(one.text(&window, &one.secret), token.as_bytes(), "{lead} {tail:?} {text}");
                        let range = one.secret.start as usize..one.secret.end as usize;
                        assert_eq!(range.len(), (token.len() * 4).div_ceil(3), "{lead} {text}");
                    }
                }
            }
        }
    }
}
