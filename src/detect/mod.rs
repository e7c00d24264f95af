//! Finds candidates by content alone.
//!
//! The locality contract: whether and what a rule finds around an anchor is a function of the bytes
//! of the anchor's *segment*, and a segment is a function of the bytes within the rule's stated
//! reach. So a blob may be read whole, through a sliding window, or only around its fresh bytes,
//! and the candidates are the same. A test holds each rule to it.

mod assigned;
mod base64;
mod encoding;
mod pattern;
mod prefilter;
mod segment;
mod value;
mod versions;

use std::{borrow::Cow, collections::BTreeSet, ops::Range, sync::Arc};

pub use encoding::{Class, classify, to_utf8};
pub use segment::{Segment, Window};
#[cfg(test)]
pub(crate) use versions::Fault;
pub use versions::Version;

use crate::rules::{
    Matcher, RuleSet,
    anchors::{Anchors, Coded},
};
use prefilter::Prefilter;
use versions::{Around, Extent};

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
    /// Where the anchor starts that led to it.
    pub anchor: u64,
    /// The bytes of the whole match, counted from the start of the blob.
    pub matched: Range<u64>,
    /// The bytes of the secret itself.
    pub secret: Range<u64>,
    /// The pattern's other named groups, which become facts.
    pub groups: Vec<(Arc<str>, Range<u64>)>,
    /// How the text presents it.
    pub form: Form,
    /// It stands in base64, and the anchor so many characters behind the start of a group of four.
    pub coded: Option<u8>,
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
    anchors: Cow<'static, Anchors>,
    /// How far each rule looks, then how far in base64; see [`Detector::slot`].
    extents: Vec<Extent>,
    around: Around,
    #[cfg(test)]
    pub(crate) fault: Option<Fault>,
}

/// What to try at an anchor.
#[derive(Debug, Clone, Copy)]
enum AnchorAt {
    /// One rule.
    Rule(usize),
    /// The contextual rules whose words hold the anchor with this index.
    Words(usize),
    /// One rule, in base64.
    Coded(Coded),
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
        let anchors = rules.anchors();
        let extents: Vec<_> =
            rules.iter().map(|rule| Extent::of(rule)).chain(rules.iter().map(|rule| Extent::of_coded(rule))).collect();
        let around = Around::of(&extents, anchors.longest);
        Self {
            rules,
            anchors,
            extents,
            around,
            #[cfg(test)]
            fault: None,
        }
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
        let mut far: Vec<(usize, Range<usize>, AnchorAt)> = Vec::new();
        let from = core.start.saturating_sub(CROWD_WITHIN)..core.end;
        self.each_anchor(window.bytes, &from, binary, &mut |what, at| {
            let slot = self.slot(what);
            if slot.is_some_and(|slot| self.extents[slot].crowds) {
                far.push((slot.unwrap_or_default(), at, what));
            } else if at.start >= core.start {
                self.try_at(window, what, &at, found);
            }
        });
        far.sort_unstable_by_key(|(slot, at, _)| (*slot, at.start, at.end));
        for (turn, (slot, at, what)) in far.iter().enumerate() {
            let crowd = turn.checked_sub(CROWD).map(|before| &far[before]);
            let crowded =
                crowd.is_some_and(|(other, before, _)| other == slot && before.start + CROWD_WITHIN > at.start);
            if at.start >= core.start && !crowded {
                self.try_at(window, *what, at, found);
            }
        }
    }

    /// Which extent counts at an anchor; those of contextual rules are never far.
    fn slot(&self, what: AnchorAt) -> Option<usize> {
        match what {
            AnchorAt::Rule(rule) => Some(rule),
            AnchorAt::Coded(coded) => Some(self.rules.len() + coded.rule as usize),
            AnchorAt::Words(_) => None,
        }
    }

    /// Reports what each anchor that starts within `core` stands for. In a binary blob only distinctive rules
    /// count.
    fn each_anchor(
        &self,
        bytes: &[u8],
        core: &Range<usize>,
        binary: bool,
        report: &mut dyn FnMut(AnchorAt, Range<usize>),
    ) {
        let anchors = &*self.anchors;
        Prefilter::of(anchors).hits(bytes, core, &mut |anchor, at| {
            for rule in anchors.rules_at(anchor).iter().map(|rule| *rule as usize) {
                if !binary || matches!(self.rules.at(rule).matcher, Matcher::Pattern(_)) {
                    report(AnchorAt::Rule(rule), at.clone());
                }
            }
            for &coded in anchors.coded_at(anchor) {
                report(AnchorAt::Coded(coded), at.clone());
            }
            if !binary && !anchors.words_at(anchor).is_empty() {
                report(AnchorAt::Words(anchor), at);
            }
        });
    }

    fn try_at(&self, window: &Window<'_>, what: AnchorAt, at: &Range<usize>, found: &mut Vec<Candidate>) {
        match what {
            AnchorAt::Words(anchor) => value::find(&self.rules, self.anchors.words_at(anchor), window, at, found),
            AnchorAt::Coded(coded) => {
                if let Matcher::Pattern(matcher) = &self.rules.at(coded.rule as usize).matcher {
                    base64::find(coded, matcher, window, at, found);
                }
            }
            AnchorAt::Rule(rule) => match &self.rules.at(rule).matcher {
                Matcher::Pattern(matcher) => pattern::find(rule, matcher, window, at, found),
                Matcher::Assigned(matcher) => assigned::find(rule, matcher, window, at, found),
                Matcher::Value(_) => {}
            },
        }
    }

    /// Sorts and drops what was found twice. Call once all windows of a blob are done.
    pub fn finish(found: &mut Vec<Candidate>) {
        // Several anchors may lead to one candidate; the first of them is kept.
        found.sort_by_key(|one| {
            let (secret, matched) = (&one.secret, &one.matched);
            (secret.start, secret.end, one.rule, matched.start, matched.end, one.anchor)
        });
        found.dedup_by(|next, first| next.rule == first.rule && next.secret == first.secret);
    }

    /// How many anchors stand in a text, without a look at what is around them: what the prefilter alone costs.
    pub fn count_anchors(&self, bytes: &[u8]) -> usize {
        let mut count = 0;
        Prefilter::of(&self.anchors).hits(bytes, &(0..bytes.len()), &mut |_, _| count += 1);
        count
    }

    /// What happened at each anchor within a range, for `keysweep explain`.
    pub fn trace(&self, window: &Window<'_>, core: &Range<usize>, class: Class) -> Vec<AnchorTrace> {
        let mut traces = Vec::new();
        let binary = class == Class::Binary;
        self.each_anchor(window.bytes, core, binary, &mut |what, at| {
            let mut found = Vec::new();
            self.try_at(window, what, &at, &mut found);
            let rules: BTreeSet<usize> = match what {
                AnchorAt::Rule(rule) => [rule].into(),
                AnchorAt::Coded(coded) => [coded.rule as usize].into(),
                AnchorAt::Words(anchor) => {
                    self.anchors.words_at(anchor).iter().map(|word| word.rule as usize).collect()
                }
            };
            traces.extend(rules.into_iter().map(|rule| AnchorTrace {
                rule,
                at: window.start + at.start as u64,
                anchor: String::from_utf8_lossy(&window.bytes[at.clone()]).into_owned(),
                found: found.iter().filter(|one| one.rule == rule).count(),
            }));
        });
        traces
    }
}
