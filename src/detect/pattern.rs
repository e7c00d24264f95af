//! Distinctive rules: a regular expression, tried where one of its anchors stands.

use std::ops::Range;

use regex_automata::Input;

use super::{Candidate, Form, Segment, Window};
use crate::rules::{Edges, Pattern};

/// Finds the matches that contain the anchor at `at`.
pub(super) fn find(rule: usize, pattern: &Pattern, window: &Window<'_>, at: &Range<usize>, found: &mut Vec<Candidate>) {
    // A match that can only begin here is not looked for inside a longer word.
    if pattern.reach.before == 0
        && (!edge_before_is_free(window.bytes, at.start, pattern.edges)
            || !pattern.head().fits(&window.bytes[at.start..]))
    {
        return;
    }
    let segment = Segment::around(window, at.start, pattern.reach.before, pattern.reach.after, pattern.many_lines);
    let text = &window.bytes[segment.range.clone()];
    if !pattern.head().has_run(text) {
        return;
    }
    let base = segment.range.start;
    let regex = pattern.regex(text.len());
    let mut captures = None;
    let mut from = 0;
    while let Some(whole) = regex.find(Input::new(text).range(from..)) {
        let matched = base + whole.start()..base + whole.end();
        if matched.start > at.start {
            return;
        }
        from = whole.end().max(whole.start() + 1);
        if matched.end < at.end || segment.cuts(&matched) || !edges_are_free(window.bytes, &matched, pattern.edges) {
            continue;
        }
        let captures = captures.get_or_insert_with(|| regex.create_captures());
        regex.search_captures(&Input::new(text).range(whole.start()..), captures);
        let absolute = |range: Range<usize>| window.absolute(&(base + range.start..base + range.end));
        let Some(secret) = captures.get_group_by_name("secret").filter(|secret| !secret.is_empty()) else {
            continue;
        };
        let groups = pattern
            .groups
            .iter()
            .filter(|name| &***name != "secret")
            .filter_map(|name| captures.get_group_by_name(name).map(|group| (name.clone(), absolute(group.range()))))
            .collect();
        found.push(Candidate {
            rule,
            anchor: window.start + at.start as u64,
            matched: window.absolute(&matched),
            secret: absolute(secret.range()),
            groups,
            form: Form::Known,
            coded: None,
        });
    }
}

/// Whether the bytes right outside a match let it stand alone.
fn edges_are_free(bytes: &[u8], matched: &Range<usize>, edges: Edges) -> bool {
    let behind = bytes.get(matched.end).is_some_and(|byte| continues(*byte, edges));
    !behind && edge_before_is_free(bytes, matched.start, edges)
}

fn edge_before_is_free(bytes: &[u8], start: usize, edges: Edges) -> bool {
    start.checked_sub(1).is_none_or(|at| {
        let byte = bytes[at];
        // `TOKEN=ghp_…` is an assignment, not a longer token.
        !continues(byte, edges) || byte == b'=' || ends_an_escape(&bytes[..=at])
    })
}

fn continues(byte: u8, edges: Edges) -> bool {
    match edges {
        Edges::None => false,
        Edges::Word => byte.is_ascii_alphanumeric() || byte == b'_',
        Edges::Token => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'='),
    }
}

/// More are not counted: a rule may not see beyond its reach.
const MOST_BACKSLASHES: usize = 16;

/// Whether the text ends in `\n`, `\t`, `\r`, `%3D` and the like: then its last letter belongs to the
/// escape and not to the token behind it.
fn ends_an_escape(text: &[u8]) -> bool {
    match text {
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [rest @ .., b'\\', b'n' | b't' | b'r'] => {
            // An even number of backslashes is backslashes, not an escape.
            rest.iter().rev().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count() % 2 == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_that_may_be_longer_than_the_reach_is_dropped() {
        let toml = crate::rules::RuleSet::builtin().expect("the built-in rules are sound");
        let at = toml.index("pypi-api-token").expect("it exists");
        let crate::rules::Matcher::Pattern(pattern) = &toml.at(at).matcher else {
            panic!("it is a pattern rule");
        };
        let find_in = |length: usize| {
            let text = format!("x = pypi-AgEIcHlwaS5vcmc{} y", "aB3_".repeat(length / 4));
            let mut found = Vec::new();
            let window = Window { bytes: text.as_bytes(), start: 0 };
            find(at, pattern, &window, &(4..9), &mut found);
            found.len()
        };
        assert_eq!(find_in(400), 1);
        assert_eq!(find_in(8000), 0, "it goes on behind the reach of 2000 bytes");
    }

    #[test]
    fn an_escape_before_a_token_is_not_part_of_it() {
        assert!(ends_an_escape(br"x\n"));
        assert!(!ends_an_escape(br"x\\n"));
        assert!(ends_an_escape(b"?token%3D"));
        assert!(!ends_an_escape(b"ten"));
    }
}
