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

use crate::rules::{Confidence, Matcher, RuleSet, Severity};
use base64::Coded;
use prefilter::{Anchor, Prefilter};
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
    prefilter: Prefilter,
    /// What each anchor of the prefilter stands for.
    targets: Vec<Target>,
    /// How far each rule looks, then how far in base64; see [`Detector::slot`].
    extents: Vec<Extent>,
    around: Around,
    #[cfg(test)]
    pub(crate) fault: Option<Fault>,
}

/// A text that is looked for, and what for.
struct Literal<'r> {
    text: Cow<'r, str>,
    nocase: bool,
    /// Which bytes may follow, if that is known.
    next: Option<[u64; 4]>,
    means: Means,
}

#[derive(Clone, Copy)]
enum Means {
    Rule(usize),
    Word(value::Word),
    Coded(Coded),
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

/// What an anchor stands for.
#[derive(Debug, Default)]
struct Target {
    /// Rules that are tried at the anchor.
    rules: Vec<usize>,
    /// Words of contextual rules that hold it.
    words: Vec<value::Word>,
    /// Rules whose literals it is in base64.
    coded: Vec<Coded>,
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
        let mut literals: Vec<Literal<'_>> = Vec::with_capacity(8 * rules.len());
        for (index, rule) in rules.iter().enumerate() {
            let (anchors, nocase, next) = match &rule.matcher {
                Matcher::Pattern(pattern) => (&pattern.anchors, pattern.nocase, pattern.next),
                Matcher::Assigned(assigned) => (&assigned.names, true, None),
                Matcher::Value(_) => continue,
            };
            for anchor in anchors {
                let capitals = nocase && anchor.bytes().any(|byte| byte.is_ascii_uppercase());
                let text = if capitals { anchor.to_ascii_lowercase().into() } else { Cow::Borrowed(&**anchor) };
                literals.push(Literal { text, nocase, next, means: Means::Rule(index) });
                // Three more texts for each literal: what is worth it is what opens much and is surely it.
                if !nocase && rule.severity >= Severity::High && rule.confidence >= Confidence::High {
                    base64::anchors(index, anchor, |text, coded| {
                        literals.push(Literal { text: text.into(), nocase, next: None, means: Means::Coded(coded) });
                    });
                }
            }
        }
        value::anchors(&rules, |text, word| {
            literals.push(Literal { text, nocase: true, next: None, means: Means::Word(word) });
        });
        // Those of one text stand together, in the order of their rules.
        let key = |one: &Literal<'_>| {
            let mut first = [0; 8];
            let count = one.text.len().min(8);
            first[..count].copy_from_slice(&one.text.as_bytes()[..count]);
            u64::from_be_bytes(first)
        };
        literals.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| (&*a.text, a.nocase).cmp(&(&*b.text, b.nocase))));
        let mut targets: Vec<Target> = Vec::with_capacity(literals.len());
        let mut anchors: Vec<Anchor<'_>> = Vec::with_capacity(literals.len());
        for same in literals.chunk_by(|a, b| (&a.text, a.nocase) == (&b.text, b.nocase)) {
            let mut target = Target::default();
            let mut next = [0; 4];
            for one in same {
                match one.means {
                    Means::Rule(rule) => target.rules.push(rule),
                    Means::Word(word) => target.words.push(word),
                    Means::Coded(coded) => target.coded.push(coded),
                }
                next.iter_mut().zip(one.next.unwrap_or(prefilter::ANY)).for_each(|(all, one)| *all |= one);
            }
            anchors.push(Anchor { text: same[0].text.as_bytes(), nocase: same[0].nocase, next });
            targets.push(target);
        }
        let longest = anchors.iter().map(|anchor| anchor.text.len()).max().unwrap_or(0);
        let prefilter = Prefilter::new(&anchors);
        drop(literals);
        let extents: Vec<_> =
            rules.iter().map(|rule| Extent::of(rule)).chain(rules.iter().map(|rule| Extent::of_coded(rule))).collect();
        let around = Around::of(&extents, longest);
        Self {
            rules,
            prefilter,
            targets,
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
            AnchorAt::Coded(coded) => Some(self.rules.len() + coded.rule),
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
        self.prefilter.hits(bytes, core, &mut |anchor, at| {
            let target = &self.targets[anchor];
            for &rule in &target.rules {
                if !binary || matches!(self.rules.at(rule).matcher, Matcher::Pattern(_)) {
                    report(AnchorAt::Rule(rule), at.clone());
                }
            }
            for &coded in &target.coded {
                report(AnchorAt::Coded(coded), at.clone());
            }
            if !binary && !target.words.is_empty() {
                report(AnchorAt::Words(anchor), at);
            }
        });
    }

    fn try_at(&self, window: &Window<'_>, what: AnchorAt, at: &Range<usize>, found: &mut Vec<Candidate>) {
        match what {
            AnchorAt::Words(anchor) => value::find(&self.rules, &self.targets[anchor].words, window, at, found),
            AnchorAt::Coded(coded) => {
                if let Matcher::Pattern(matcher) = &self.rules.at(coded.rule).matcher {
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
        let binary = class == Class::Binary;
        self.each_anchor(window.bytes, core, binary, &mut |what, at| {
            let mut found = Vec::new();
            self.try_at(window, what, &at, &mut found);
            let rules: BTreeSet<usize> = match what {
                AnchorAt::Rule(rule) | AnchorAt::Coded(Coded { rule, .. }) => [rule].into(),
                AnchorAt::Words(anchor) => self.targets[anchor].words.iter().map(value::Word::rule).collect(),
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
