//! `keysweep:allow [rule-id] reason`, beside the secret or alone on the line before; and the comments that
//! other scanners read.

use std::ops::Range;

use super::disguise;
use crate::{finding::LineIndex, rules::Rule};

/// How far from the secret a comment is looked for on one line, in bytes.
const NEAR: usize = 2048;

const MARK: &str = "keysweep:allow";

/// Comments of other scanners: what is written, whose it is, and whether it speaks of the next line.
const FOREIGN: [(&str, &str, Speaks); 8] = [
    ("gitleaks:allow", "gitleaks", Speaks::SameLine),
    ("betterleaks:allow", "betterleaks", Speaks::SameLine),
    ("trufflehog:ignore", "trufflehog", Speaks::SameLine),
    ("kingfisher:ignore", "kingfisher", Speaks::Both),
    ("pragma: allowlist secret", "detect-secrets", Speaks::SameLine),
    ("pragma: allowlist nextline secret", "detect-secrets", Speaks::NextLine),
    ("ggignore", "ggshield", Speaks::SameLine),
    ("secretlint-disable", "secretlint", Speaks::Both),
];

/// Which line a comment of another scanner speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    SameLine,
    NextLine,
    Both,
}

/// What an allow comment says about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// Be quiet, and why.
    Reason(String),
    /// Be quiet, says a comment for another scanner.
    Foreign {
        /// Whose comment it is.
        tool: &'static str,
    },
    /// It is there but gives no reason, so it does not count.
    NoReason,
    /// It is there but not for the eye, so it does not count.
    Disguised(&'static str),
}

impl Allow {
    /// Whether it allows anything.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Reason(_) | Self::Foreign { .. })
    }
}

/// The allow comment for a secret at `secret`, if there is one: on a line that the secret stands on,
/// or on the line before if that line holds nothing else. One that counts goes before one that does not.
pub fn inline(index: &LineIndex<'_>, secret: &Range<usize>, rule: &Rule) -> Option<Allow> {
    let first = index.line_of(secret.start);
    let last = index.line_of(secret.end.max(secret.start + 1) - 1);
    let mut found: Option<Allow> = None;
    let mut keep = |allow: Option<Allow>| {
        if let Some(allow) = allow
            && !found.as_ref().is_some_and(Allow::counts)
        {
            found = Some(allow);
        }
    };
    // Long secrets: only the first and the last line can carry a comment.
    for line in [first, last] {
        let (start, bytes) = index.line(line);
        let own = secret.start.clamp(start, start + bytes.len()) - start
            ..secret.end.clamp(start, start + bytes.len()) - start;
        // In a line of a megabyte the comment stands near the secret or at the line's end; what stands in the
        // secret itself is no comment.
        let before = &bytes[own.start.saturating_sub(NEAR)..own.start];
        let behind = &bytes[own.end..];
        keep(read(before, rule, false));
        keep(read(&behind[..behind.len().min(NEAR)], rule, false));
        keep(read(&behind[behind.len().saturating_sub(NEAR)..], rule, false));
        if last == first {
            break;
        }
    }
    if let Some(line) = first.checked_sub(1) {
        let bytes = index.line(line).1;
        keep(read(&bytes[..bytes.len().min(NEAR)], rule, true));
    }
    found
}

/// What a piece of a line says of a rule; `alone`: it is the line before, which has to hold a comment and
/// nothing else.
fn read(line: &[u8], rule: &Rule, alone: bool) -> Option<Allow> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches('\u{feff}');
    let plain = own(text, rule, alone).or_else(|| foreign(text, alone));
    let trick = disguise::of(text);
    match (plain, trick) {
        (Some(allow), None) => Some(allow),
        (Some(_), Some(trick)) => Some(Allow::Disguised(trick)),
        (None, _) if line.is_ascii() => None,
        // Letters that look like ours.
        (None, _) => {
            let unmasked = disguise::unmasked(text);
            let meant = own(&unmasked, rule, alone).or_else(|| foreign(&unmasked, alone));
            meant.map(|_| Allow::Disguised("it is written with letters that only look like those of an allow comment"))
        }
    }
}

fn own(line: &str, rule: &Rule, alone: bool) -> Option<Allow> {
    let mut best = None;
    for (at, _) in line.match_indices(MARK) {
        let rest = &line[at + MARK.len()..];
        // `keysweep:allowance` is a word of its own, and so is `not-keysweep:allow`.
        let ends = rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '/'));
        if !ends || !begins(line, at) || (alone && !is_alone(line, at)) {
            continue;
        }
        // A further mark on the line speaks for itself.
        let rest = rest.split(MARK).next().unwrap_or(rest);
        match reason(rest, rule) {
            Some(allow @ Allow::Reason(_)) => return Some(allow),
            other => best = best.or(other),
        }
    }
    best
}

fn reason(rest: &str, rule: &Rule) -> Option<Allow> {
    let text: String = rest.chars().take(400).collect();
    let mut text = text.trim();
    for closer in CLOSERS {
        text = text.trim_end_matches(closer).trim_end();
    }
    let text = text.trim_start_matches([':', '-', ' ', '\t']);
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

fn foreign(line: &str, alone: bool) -> Option<Allow> {
    let lower = line.to_ascii_lowercase();
    FOREIGN.iter().find_map(|(mark, tool, speaks)| {
        let at = lower.match_indices(mark).map(|(at, _)| at).find(|at| begins(&lower, *at))?;
        let rest = &lower[at + mark.len()..];
        let here = match (*tool, alone) {
            // `secretlint-disable` alone opens a region up to its end, which we do not follow.
            ("secretlint", true) => rest.starts_with("-next-line"),
            ("secretlint", false) => rest.starts_with("-line"),
            (_, true) => *speaks != Speaks::SameLine,
            (_, false) => *speaks != Speaks::NextLine,
        };
        let ends = rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_') || *tool == "secretlint";
        (here && ends && (!alone || is_alone(line, at))).then_some(Allow::Foreign { tool })
    })
}

/// Whether a mark at `at` is a word of its own.
fn begins(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':'))
}

/// What ends a comment, in the languages that end one before the line ends.
const CLOSERS: [&str; 16] =
    ["*/}}", "*/", "-->", "--%>", "--}}", "%>", "}}", "%}", "#}", "*}", "*@", "*)", "-}", "|#", "\",", "\""];

/// Words that begin a comment where signs do not.
const OPENERS: [&str; 9] = ["rem", "dnl", "comment", "_comment", "$comment", "nb.", "c", "note", "todo"];

/// Whether a line holds nothing but the comment whose mark stands at `at`. What stands before the mark has to
/// be the signs (or the word) that open a comment in some language, whichever that is; what ends the comment
/// has to end the line.
fn is_alone(line: &str, at: usize) -> bool {
    let before = line[..at].trim().to_ascii_lowercase();
    let mut words = before.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '.')));
    if before.chars().count() > 24
        || words.any(|word| !word.is_empty() && word != "." && word != ".." && !OPENERS.contains(&word))
    {
        return false;
    }
    let rest = &line[at..];
    let ended = CLOSERS[..14].iter().filter_map(|closer| Some(rest.find(closer)? + closer.len())).min();
    ended.is_none_or(|end| !rest[end..].contains(char::is_alphanumeric))
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

    fn because(text: &str) -> Option<Allow> {
        Some(Allow::Reason(text.to_owned()))
    }

    #[test]
    fn same_line_or_a_comment_of_its_own_before() {
        assert_eq!(allow("p = 'SECRET' # keysweep:allow local test database"), because("local test database"));
        assert_eq!(allow("p = 'SECRET' /* keysweep:allow generic-password made up */"), because("made up"));
        assert_eq!(allow("# keysweep:allow [generic-password] made up\np = 'SECRET'"), because("made up"));
        assert_eq!(allow("<!-- keysweep:allow: docs only -->\n<p>SECRET</p>"), because("docs only"));
        assert_eq!(
            allow("x = 1 # keysweep:allow nothing here\np = 'SECRET'"),
            None,
            "a comment behind other code is for that line"
        );
        assert_eq!(allow("p = 'SECRET' # keysweep:allow stripe-secret-key made up"), None, "another rule is meant");
        assert_eq!(allow("p = 'SECRET' # keysweep:allow"), Some(Allow::NoReason));
        assert_eq!(allow("p = 'SECRET' # keysweep:allow generic-password"), Some(Allow::NoReason));
        assert_eq!(allow("p = 'SECRET' # keysweep:allowance of money"), None);
        assert_eq!(
            allow("p = 'SECRET' # keysweep:allow aws-secret one keysweep:allow generic-password two"),
            because("two"),
            "each mark speaks for itself"
        );
    }

    #[test]
    fn a_comment_alone_is_known_in_every_language() {
        for line in [
            "# MARK",
            "// MARK",
            "/// MARK",
            "-- MARK",
            "--- MARK",
            "/* MARK */",
            " * MARK",
            "/** MARK */",
            "<!-- MARK -->",
            "; MARK",
            ";; MARK",
            "% MARK",
            "%% MARK",
            "{{/* MARK */}}",
            "{# MARK #}",
            "' MARK",
            "REM MARK",
            "@rem MARK",
            ":: MARK",
            "\" MARK",
            "! MARK",
            "(* MARK *)",
            "{- MARK -}",
            "{{! MARK }}",
            "{{!-- MARK --}}",
            "<%-- MARK --%>",
            "<%# MARK %>",
            "{% comment %} MARK {% endcomment %}",
            ".. MARK",
            "@* MARK *@",
            "#| MARK |#",
            ".\\\" MARK",
            "dnl MARK",
            "//- MARK",
            "-# MARK",
            "{* MARK *}",
            "[//]: # (MARK)",
            "\"_comment\": \"MARK\",",
            "\"//\": \"MARK\",",
            "\"$comment\": \"MARK\",",
            "C MARK",
            "NB. MARK",
            "|| MARK",
            "\t# MARK",
            "MARK",
        ] {
            let text = format!("{}\nSECRET", line.replace("MARK", "keysweep:allow made up"));
            let found = allow(&text);
            assert!(matches!(&found, Some(Allow::Reason(why)) if why.starts_with("made up")), "{line}: {found:?}");
        }
    }

    #[test]
    fn code_that_begins_like_a_comment_speaks_of_itself() {
        for line in [
            "#define PASSWORD x // keysweep:allow made up",
            "*p = x; // keysweep:allow made up",
            "'abc', # keysweep:allow made up",
            "/* keysweep:allow made up */ x = 1;",
            "--password x # keysweep:allow made up",
        ] {
            assert_eq!(allow(&format!("{line}\np = 'SECRET'")), None, "{line}");
        }
    }

    #[test]
    fn a_mark_inside_of_the_secret_is_no_comment() {
        let rules = RuleSet::builtin().expect("the built-in rules are sound");
        let rule = rules.find("generic-password").expect("it exists");
        let text = "p = 'keysweep:allow all of it'";
        assert_eq!(inline(&LineIndex::new(text.as_bytes()), &(5..29), rule), None);
    }

    #[test]
    fn comments_for_other_scanners_count_as_theirs() {
        for (text, tool) in [
            ("p = 'SECRET' # gitleaks:allow", "gitleaks"),
            ("p = 'SECRET' // betterleaks:allow", "betterleaks"),
            ("p = 'SECRET' # trufflehog:ignore", "trufflehog"),
            ("# kingfisher:ignore\np = 'SECRET'", "kingfisher"),
            ("p = 'SECRET'  # pragma: allowlist secret", "detect-secrets"),
            ("# pragma: allowlist nextline secret\np = 'SECRET'", "detect-secrets"),
            ("p = 'SECRET' # ggignore", "ggshield"),
            ("p = 'SECRET' // secretlint-disable-line", "secretlint"),
            ("// secretlint-disable-next-line\np = 'SECRET'", "secretlint"),
        ] {
            assert_eq!(allow(text), Some(Allow::Foreign { tool }), "{text}");
        }
        for text in [
            "# gitleaks:allow\np = 'SECRET'",
            "# pragma: allowlist secret\np = 'SECRET'",
            "p = 'SECRET' # pragma: allowlist nextline secret",
            "p = 'SECRET' # nosec",
            "p = 'SECRET' // NOSONAR",
            "/* secretlint-disable */\np = 'SECRET'",
        ] {
            assert_eq!(allow(text), None, "{text}");
        }
    }

    #[test]
    fn a_comment_that_hides_from_the_eye_does_not_count() {
        for (text, how) in [
            ("p = 'SECRET' # k\u{435}ysweep:allow made up", "letters"),
            ("p = 'SECRET' # ｋｅｙｓｗｅｅｐ:allow made up", "letters"),
            ("p = 'SECRET' # key\u{200b}sweep:allow made up", "letters"),
            ("p = 'SECRET' \u{202e}# keysweep:allow made up", "direction"),
            ("p = 'SECRET' # keysweep:allow ma\u{200b}de up", "invisible"),
            ("p = 'SECRET'\r# keysweep:allow made up", "control"),
            ("# keysweep:allow made up \u{2066}\np = 'SECRET'", "direction"),
        ] {
            let found = allow(text);
            assert!(matches!(found, Some(Allow::Disguised(why)) if why.contains(how)), "{text:?}: {found:?}");
        }
        let far = format!("p = 'SECRET'{}# keysweep:allow made up", " ".repeat(300));
        assert!(matches!(allow(&far), Some(Allow::Disguised(why)) if why.contains("sight")), "{:?}", allow(&far));
        assert_eq!(allow("p = 'SECRET' # keysweep:allow größer als nötig"), because("größer als nötig"));
        assert_eq!(allow("п = 'SECRET' # комментарий"), None);
        assert_eq!(allow("p = 'SECRET' # keysweep:allow made up\r\n"), because("made up"));
    }
}
