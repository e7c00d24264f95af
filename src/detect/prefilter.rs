//! One pass over the bytes that finds where anchors stand.

use std::{collections::BTreeMap, ops::Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::rules::{Matcher, RuleSet};

/// An anchor in the text.
pub(super) struct Hit<'a> {
    /// The rules that have this anchor.
    pub(super) rules: &'a [usize],
    /// Its bytes.
    pub(super) at: Range<usize>,
}

/// All anchors of all rules in one automaton. It ignores ASCII case, for generic names come in every
/// case; an anchor that minds its case is compared again where it was found.
#[derive(Debug)]
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    anchors: Vec<Anchor>,
    longest: usize,
}

#[derive(Debug)]
struct Anchor {
    /// `Some` if case matters.
    exact: Option<Vec<u8>>,
    rules: Vec<usize>,
}

impl Prefilter {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut table: BTreeMap<(Vec<u8>, bool), Vec<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let (anchors, nocase) = match &rule.matcher {
                Matcher::Pattern(pattern) => (&pattern.anchors, pattern.nocase),
                Matcher::Assigned(assigned) => (&assigned.names, true),
                Matcher::Value(_) => continue,
            };
            for anchor in anchors {
                let text = if nocase { anchor.to_ascii_lowercase() } else { anchor.clone() };
                table.entry((text.into_bytes(), nocase)).or_default().push(index);
            }
        }
        let longest = table.keys().map(|(text, _)| text.len()).max().unwrap_or(0);
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(table.keys().map(|(text, _)| text))
            .expect("anchors are few and short");
        let anchors = table
            .into_iter()
            .map(|((text, nocase), rules)| Anchor { exact: (!nocase).then_some(text), rules })
            .collect();
        Self { automaton, anchors, longest }
    }

    /// Reports each anchor that starts within `core`, in the order of their ends.
    pub(super) fn hits(&self, bytes: &[u8], core: &Range<usize>, report: &mut dyn FnMut(Hit<'_>)) {
        let until = bytes.len().min(core.end.saturating_add(self.longest));
        for found in self.automaton.find_overlapping_iter(&bytes[core.start..until]) {
            let at = core.start + found.start()..core.start + found.end();
            if at.start >= core.end {
                continue;
            }
            let anchor = &self.anchors[found.pattern().as_usize()];
            if anchor.exact.as_ref().is_none_or(|exact| bytes[at.clone()] == **exact) {
                report(Hit { rules: &anchor.rules, at });
            }
        }
    }
}
