//! Finds candidates by content alone.
//!
//! The locality contract: whether and what a rule finds around an anchor is a function of the bytes
//! of the anchor's *segment*, and a segment is a function of the bytes within the rule's stated
//! reach. So a blob may be read whole, through a sliding window, or only around its fresh bytes,
//! and the candidates are the same. A test holds each rule to it.

mod assigned;
mod encoding;
mod pattern;
mod prefilter;
mod segment;
mod value;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

pub use encoding::{Class, classify, to_utf8};
pub use segment::{Segment, Window};

use crate::rules::{Matcher, RuleSet};
use prefilter::{Anchor, Prefilter};

/// A candidate needs at most so many bytes before and behind its anchor, whatever the rule.
pub const MARGIN: usize = 2 * 65_536 + 4096;

/// A rule that reaches further than this is not tried at an anchor that has [`CROWD`] of its anchors right
/// before it, within [`CROWD_WITHIN`] bytes: so many credentials of hundreds of bytes do not fit there, and a
/// file of nothing but anchors would cost its length times the reach. A function of near bytes, like a segment.
const FAR: usize = 1024;
const CROWD: usize = 64;
const CROWD_WITHIN: usize = 4096;

/// A match that nobody has judged yet. A few numbers; most are dropped soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the rule in the [`RuleSet`].
    pub rule: usize,
    /// The bytes of the whole match, counted from the start of the blob.
    pub matched: Range<u64>,
    /// The bytes of the secret itself.
    pub secret: Range<u64>,
    /// The pattern's other named groups, which become facts.
    pub groups: Vec<(Arc<str>, Range<u64>)>,
    /// How the text presents it.
    pub form: Form,
}

/// How the text presents a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A pattern or a value of a known alphabet: the form is the rule's business.
    Known,
    /// Assigned in quotes.
    Quoted,
    /// Assigned without quotes, as in a `.env` file.
    Bare,
}

/// Everything that is needed to find candidates; shared by all threads.
#[derive(Debug)]
pub struct Detector {
    rules: Arc<RuleSet>,
    prefilter: Prefilter,
    /// What each anchor of the prefilter stands for.
    targets: Vec<Target>,
}

/// What an anchor stands for.
#[derive(Debug, Default)]
struct Target {
    /// Rules that are tried at the anchor.
    rules: Vec<usize>,
    /// Words of contextual rules that hold it.
    words: Vec<value::Word>,
}

/// What happened at one anchor, for `keysweep explain`.
#[derive(Debug, Clone)]
pub struct AnchorTrace {
    /// The rule that was tried.
    pub rule: usize,
    /// Where the anchor stands.
    pub at: u64,
    /// The anchor's text.
    pub anchor: String,
    /// How many candidates the rule found in the anchor's segment.
    pub found: usize,
}

impl Detector {
    /// Prepares the rules.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let mut table: BTreeMap<(Vec<u8>, bool), Target> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let (anchors, nocase) = match &rule.matcher {
                Matcher::Pattern(pattern) => (&pattern.anchors, pattern.nocase),
                Matcher::Assigned(assigned) => (&assigned.names, true),
                Matcher::Value(_) => continue,
            };
            for anchor in anchors {
                let text = if nocase { anchor.to_ascii_lowercase() } else { anchor.clone() };
                table.entry((text.into_bytes(), nocase)).or_default().rules.push(index);
            }
        }
        for (anchor, words) in value::anchors(&rules) {
            table.entry((anchor.into_bytes(), true)).or_default().words = words;
        }
        let prefilter = Prefilter::new(table.keys().map(|(text, nocase)| Anchor { text, nocase: *nocase }));
        Self { rules, prefilter, targets: table.into_values().collect() }
    }

    /// The rules it looks for.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Finds the candidates whose anchor starts within `core` of the window. The window holds
    /// [`MARGIN`] bytes on both sides of the core unless the blob ends there. In a binary blob only
    /// distinctive rules are tried.
    pub fn find(&self, window: &Window<'_>, core: &Range<usize>, class: Class, found: &mut Vec<Candidate>) {
        let binary = class == Class::Binary;
        let mut far: Vec<(usize, Range<usize>)> = Vec::new();
        let from = core.start.saturating_sub(CROWD_WITHIN)..core.end;
        self.prefilter.hits(window.bytes, &from, &mut |anchor, at| {
            let target = &self.targets[anchor];
            for &rule in &target.rules {
                if self.is_far(rule) {
                    far.push((rule, at.clone()));
                } else if at.start >= core.start {
                    self.at_anchor(window, rule, &at, binary, found);
                }
            }
            if !binary && at.start >= core.start && !target.words.is_empty() {
                value::find(&self.rules, &target.words, window, &at, found);
            }
        });
        far.sort_unstable_by_key(|(rule, at)| (*rule, at.start, at.end));
        for (turn, (rule, at)) in far.iter().enumerate() {
            let crowd = turn.checked_sub(CROWD).map(|before| &far[before]);
            let crowded = crowd.is_some_and(|(other, before)| other == rule && before.start + CROWD_WITHIN > at.start);
            if at.start >= core.start && !crowded {
                self.at_anchor(window, *rule, at, binary, found);
            }
        }
    }

    /// Whether the rule reaches so far that many anchors close together would make it slow.
    fn is_far(&self, rule: usize) -> bool {
        matches!(&self.rules.at(rule).matcher, Matcher::Pattern(pattern) if pattern.reach.before + pattern.reach.after > FAR)
    }

    /// Sorts and drops what was found twice. Call once all windows of a blob are done.
    pub fn finish(found: &mut Vec<Candidate>) {
        found.sort_by(|a, b| {
            (a.secret.start, a.secret.end, a.rule, a.matched.start, a.matched.end).cmp(&(
                b.secret.start,
                b.secret.end,
                b.rule,
                b.matched.start,
                b.matched.end,
            ))
        });
        found.dedup_by(|next, first| next.rule == first.rule && next.secret == first.secret);
    }

    /// How many anchors stand in a text, without a look at what is around them: what the prefilter alone costs.
    pub fn count_anchors(&self, bytes: &[u8]) -> usize {
        let mut count = 0;
        self.prefilter.hits(bytes, &(0..bytes.len()), &mut |_, _| count += 1);
        count
    }

    /// What happened at each anchor within a range, for `keysweep explain`.
    pub fn trace(&self, window: &Window<'_>, core: &Range<usize>, class: Class) -> Vec<AnchorTrace> {
        let mut traces = Vec::new();
        self.prefilter.hits(window.bytes, core, &mut |anchor, at| {
            let target = &self.targets[anchor];
            let mut trace = |rule: usize, found: usize| {
                traces.push(AnchorTrace {
                    rule,
                    at: window.start + at.start as u64,
                    anchor: String::from_utf8_lossy(&window.bytes[at.clone()]).into_owned(),
                    found,
                });
            };
            for &rule in &target.rules {
                let mut found = Vec::new();
                self.at_anchor(window, rule, &at, class == Class::Binary, &mut found);
                trace(rule, found.len());
            }
            let mut found = Vec::new();
            if class != Class::Binary {
                value::find(&self.rules, &target.words, window, &at, &mut found);
            }
            let mut of_words: Vec<usize> = target.words.iter().map(value::Word::rule).collect();
            of_words.dedup();
            for rule in of_words {
                trace(rule, found.iter().filter(|one| one.rule == rule).count());
            }
        });
        traces
    }

    fn at_anchor(&self, window: &Window<'_>, rule: usize, at: &Range<usize>, binary: bool, found: &mut Vec<Candidate>) {
        match &self.rules.at(rule).matcher {
            Matcher::Pattern(matcher) => pattern::find(rule, matcher, window, at, found),
            Matcher::Assigned(matcher) if !binary => assigned::find(rule, matcher, window, at, found),
            Matcher::Assigned(_) | Matcher::Value(_) => {}
        }
    }
}
