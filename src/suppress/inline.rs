//! `keysweep:allow [rule-id] reason`, beside the secret or alone on the line before.

use std::ops::Range;

use crate::{finding::LineIndex, rules::Rule};

/// How far from the secret a comment is looked for on one line, in bytes.
const NEAR: usize = 2048;

const MARK: &[u8] = b"keysweep:allow";

/// What an allow comment says about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// Be quiet, and why.
    Reason(String),
    /// It is there but gives no reason, so it does not count.
    NoReason,
}

/// The allow comment for a secret at `secret`, if there is one: on a line that the secret stands on,
/// or on the line before if that line holds nothing else.
pub fn inline(index: &LineIndex<'_>, secret: &Range<usize>, rule: &Rule) -> Option<Allow> {
    let first = index.line_of(secret.start);
    let last = index.line_of(secret.end.max(secret.start + 1) - 1);
    let before = first.checked_sub(1).filter(|line| is_comment_alone(index.line(*line).1));
    // Long secrets: only the first and the last line can carry a comment.
    let mut lines: Vec<usize> = before.into_iter().chain([first]).collect();
    if last > first {
        lines.push(last);
    }
    lines.into_iter().find_map(|line| {
        let (start, bytes) = index.line(line);
        // In a line of a megabyte the comment stands near the secret or at the line's end.
        let centre = secret.start.clamp(start, start + bytes.len()) - start;
        let near = &bytes[centre.saturating_sub(NEAR)..bytes.len().min(centre + secret.len() + NEAR)];
        let end = &bytes[bytes.len().saturating_sub(NEAR)..];
        read(near, rule).or_else(|| read(end, rule))
    })
}

/// Whether a line holds a comment and nothing else.
fn is_comment_alone(line: &[u8]) -> bool {
    let text = line.trim_ascii_start();
    let openers: [&[u8]; 12] = [b"#", b"//", b"--", b"/*", b"*", b"<!--", b";", b"%", b"{{/*", b"{#", b"'", b"REM "];
    openers.iter().any(|opener| text.starts_with(opener))
}

fn read(line: &[u8], rule: &Rule) -> Option<Allow> {
    let at = memchr::memmem::find(line, MARK)?;
    let rest = &line[at + MARK.len()..];
    let rest = &rest[..rest.len().min(400)];
    let text = String::from_utf8_lossy(rest);
    let text = text
        .trim()
        .trim_end_matches("*/")
        .trim_end_matches("-->")
        .trim_end_matches("*/}}")
        .trim_end_matches("#}")
        .trim();
    // `keysweep:allowance` is a word of its own.
    if !rest.is_empty() && !matches!(rest[0], b' ' | b'\t' | b':' | b'-' | b'*') {
        return None;
    }
    let text = text.trim_start_matches([':', '-', ' ']);
    let (word, after) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let word = word.trim_matches(['[', ']', ',', ':']);
    let reason = if rule.is_named(word) {
        after.trim()
    } else if looks_like_rule_id(word) {
        // Meant for another rule.
        return None;
    } else {
        text
    };
    let reason = crate::finding::neutralise(reason.trim_start_matches([':', '-', ' ']));
    if reason.chars().filter(|c| c.is_alphanumeric()).count() < 3 {
        return Some(Allow::NoReason);
    }
    Some(Allow::Reason(reason))
}

/// Two or more lower-case words joined by dashes.
fn looks_like_rule_id(word: &str) -> bool {
    word.contains('-')
        && word
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rules::RuleSet;

    fn allow(text: &str) -> Option<Allow> {
        let rules = RuleSet::builtin().expect("the built-in rules are sound");
        let rule: &Arc<Rule> = rules.find("generic-password").expect("it exists");
        let at = text.find("SECRET").expect("the text has one");
        inline(&LineIndex::new(text.as_bytes()), &(at..at + 6), rule)
    }

    #[test]
    fn same_line_or_a_comment_of_its_own_before() {
        let reason = |text: &str| Some(Allow::Reason(text.to_owned()));
        assert_eq!(allow("p = 'SECRET' # keysweep:allow local test database"), reason("local test database"));
        assert_eq!(allow("p = 'SECRET' /* keysweep:allow generic-password made up */"), reason("made up"));
        assert_eq!(allow("# keysweep:allow [generic-password] made up\np = 'SECRET'"), reason("made up"));
        assert_eq!(allow("<!-- keysweep:allow: docs only -->\n<p>SECRET</p>"), reason("docs only"));
        assert_eq!(
            allow("x = 1 # keysweep:allow nothing here\np = 'SECRET'"),
            None,
            "a comment behind other code is for that line"
        );
        assert_eq!(allow("p = 'SECRET' # keysweep:allow stripe-secret-key made up"), None, "another rule is meant");
        assert_eq!(allow("p = 'SECRET' # keysweep:allow"), Some(Allow::NoReason));
        assert_eq!(allow("p = 'SECRET' # keysweep:allow generic-password"), Some(Allow::NoReason));
        assert_eq!(allow("p = 'SECRET' # keysweep:allowance of money"), None);
    }
}
