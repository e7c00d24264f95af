//! Finds candidates in a version of a file from those of the version it was made from.
//!
//! What a rule finds at an anchor is a function of the bytes within its reach. So a version inherits every
//! candidate whose reach lies inside one stretch of bytes that it took over unchanged, and only what is near
//! inserted bytes or a seam is looked at. A seam is each end of a copy where the bytes beyond are not those
//! that stood there in the base, also the version's own ends.
//!
//! Rules that reach far are not looked for around every seam. Their anchors are inherited like candidates,
//! and the rule is tried again where its reach holds something new.

use std::{ops::Range, sync::Arc};

use super::{AnchorAt, CROWD, CROWD_WITHIN, Candidate, Class, Detector, FAR, Window};
use crate::{
    rules::{Matcher, Rule},
    source::git::Edit,
};

/// An escape before a token, the byte outside of its edge, and the one that tells whether the text goes on.
pub(super) const EDGE: usize = 24;
/// The longest word of a contextual rule is shorter, in bytes.
const WORD: usize = 96;

/// How much of the text around an anchor a rule's answer may depend on, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    before: usize,
    after: usize,
    lines: Lines,
    /// Its anchors are inherited; it is not tried at every anchor near a seam.
    pub(super) far: bool,
    /// It is not tried where its anchors crowd.
    pub(super) crowds: bool,
}

/// Where a rule stops to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// At the ends of the anchor's line.
    One,
    /// At the start of the anchor's line, and two lines further.
    Three,
    /// Nowhere.
    Many,
}

impl Extent {
    pub(super) fn of(rule: &Rule) -> Self {
        let (before, after, lines) = match &rule.matcher {
            Matcher::Pattern(pattern) => {
                let lines = if pattern.many_lines { Lines::Many } else { Lines::One };
                (pattern.reach.before, pattern.reach.after, lines)
            }
            Matcher::Assigned(assigned) => {
                let name = assigned.names.iter().map(String::len).max().unwrap_or(0);
                let (before, after) = super::assigned::reach(assigned, name);
                (before, after, Lines::One)
            }
            Matcher::Value(value) => {
                let behind = if value.after > 0 { value.after + value.longest() } else { 0 };
                (WORD + value.distance + behind, value.distance + value.longest() + WORD, Lines::Three)
            }
        };
        let crowds = before + after > FAR;
        let far = lines == Lines::Many || crowds;
        Self { before: before + EDGE, after: after + EDGE, lines, far, crowds }
    }

    /// The same for the rule in base64, where no line end stands.
    pub(super) fn of_coded(rule: &Rule) -> Self {
        let (before, after) = match &rule.matcher {
            Matcher::Pattern(pattern) => super::base64::reach(pattern),
            Matcher::Assigned(_) | Matcher::Value(_) => (0, 0),
        };
        let crowds = before + after > FAR;
        Self { before: before + EDGE, after: after + EDGE, lines: Lines::One, far: crowds, crowds }
    }

    /// The bytes that a rule's answer at an anchor depends on. Counted from 1, so that 0 stands for "the
    /// text starts here" and the length and one for "it ends here"; whoever needs those needs the end itself.
    fn needs(&self, bytes: &[u8], anchor: usize) -> Range<usize> {
        let from = anchor.saturating_sub(self.before);
        let newline = if self.lines == Lines::Many { None } else { memchr::memrchr(b'\n', &bytes[from..anchor]) };
        let start = match newline {
            Some(newline) => from + newline + 1,
            None if anchor >= self.before => from + 1,
            None => 0,
        };
        let to = bytes.len().min(anchor + self.after);
        let mut newlines = memchr::memchr_iter(b'\n', &bytes[anchor..to]);
        let newline = match self.lines {
            Lines::One => newlines.next(),
            Lines::Three => newlines.nth(2),
            Lines::Many => None,
        };
        let end = match newline {
            Some(newline) => anchor + newline + 2,
            None if anchor + self.after <= bytes.len() => to + 1,
            None => bytes.len() + 2,
        };
        start..end
    }
}

/// How far around a seam the near rules' anchors may stand whose answer it changes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    /// Before the seam, on its line.
    line: usize,
    /// Before the seam, on its line and the two before.
    lines: usize,
    /// Behind it.
    behind: usize,
    /// An anchor may begin before the seam and end behind it.
    anchor: usize,
}

impl Around {
    pub(super) fn of(extents: &[Extent], longest_anchor: usize) -> Self {
        let most = |lines: Lines, reach: fn(&Extent) -> usize| {
            extents.iter().filter(|extent| !extent.far && extent.lines == lines).map(reach).max().unwrap_or(0) + 1
        };
        Self {
            line: most(Lines::One, |extent| extent.after),
            lines: most(Lines::Three, |extent| extent.after),
            behind: most(Lines::One, |extent| extent.before).max(most(Lines::Three, |extent| extent.before)),
            anchor: longest_anchor,
        }
    }

    /// Where anchors may stand whose answer depends on bytes of `fresh` or on the seams at its ends.
    fn zone(&self, bytes: &[u8], fresh: &Range<usize>) -> Range<usize> {
        let before = |reach: usize, lines: usize| {
            let from = fresh.start.saturating_sub(reach);
            let newlines = memchr::memrchr_iter(b'\n', &bytes[from..fresh.start]).nth(lines - 1);
            newlines.map_or(from, |newline| from + newline + 1)
        };
        let start = before(self.line, 1).min(before(self.lines, 3)).min(fresh.start.saturating_sub(self.anchor));
        let to = bytes.len().min(fresh.end + self.behind);
        let newline = memchr::memchr(b'\n', &bytes[fresh.end..to]);
        start..newline.map_or(to, |newline| fresh.end + newline + 1)
    }
}

/// The candidates of one version, before they are judged by place, and what its children need.
#[derive(Debug)]
pub struct Version<O> {
    class: Class,
    known: Vec<Known<O>>,
    far: Vec<FarAnchor>,
}

/// A candidate where it stands in this version.
#[derive(Debug)]
struct Known<O> {
    anchor: usize,
    body: Arc<Body<O>>,
}

/// A candidate where it was found first, and what was made of it.
#[derive(Debug)]
struct Body<O> {
    candidate: Candidate,
    /// How far its rule's answer depends on the text before and behind its anchor.
    before: usize,
    after: usize,
    outcome: O,
}

#[derive(Debug, Clone, Copy)]
struct FarAnchor {
    what: AnchorAt,
    /// See [`Detector::slot`].
    slot: usize,
    start: usize,
    end: usize,
    /// Too many others stand before it.
    crowded: bool,
}

/// Anchor, rule, secret and match: what tells two candidates apart.
type Order = (usize, usize, bool, u64, u64, u64, u64);

fn order(one: &Candidate) -> Order {
    let (secret, matched) = (&one.secret, &one.matched);
    (one.anchor as usize, one.rule, one.coded.is_some(), secret.start, secret.end, matched.start, matched.end)
}

impl<O> Clone for Known<O> {
    fn clone(&self) -> Self {
        Self { anchor: self.anchor, body: Arc::clone(&self.body) }
    }
}

impl<O> Known<O> {
    fn shift(&self, range: &Range<u64>) -> Range<u64> {
        let move_by = |at: u64| at + self.anchor as u64 - self.body.candidate.anchor;
        // Before the anchor a range would pass below zero on the way.
        let back = |at: u64| self.anchor as u64 - (self.body.candidate.anchor - at);
        let place = |at: u64| if at >= self.body.candidate.anchor { move_by(at) } else { back(at) };
        place(range.start)..place(range.end)
    }

    fn candidate(&self) -> Candidate {
        let found = &self.body.candidate;
        Candidate {
            rule: found.rule,
            anchor: self.anchor as u64,
            matched: self.shift(&found.matched),
            secret: self.shift(&found.secret),
            groups: found.groups.iter().map(|(name, range)| (Arc::clone(name), self.shift(range))).collect(),
            form: found.form,
            coded: found.coded,
        }
    }

    fn order(&self) -> Order {
        let (secret, matched) = (self.shift(&self.body.candidate.secret), self.shift(&self.body.candidate.matched));
        let found = &self.body.candidate;
        (self.anchor, found.rule, found.coded.is_some(), secret.start, secret.end, matched.start, matched.end)
    }
}

impl<O> Version<O> {
    /// What became of each candidate; one that two anchors lead to is there twice.
    pub fn outcomes(&self) -> impl Iterator<Item = &O> {
        self.known.iter().map(|known| &known.body.outcome)
    }

    /// What became of each, where what two anchors lead to counts once.
    pub fn distinct(&self) -> impl Iterator<Item = &O> {
        let place = |one: &Known<O>| {
            let (_, rule, _, start, end, from, to) = one.order();
            ((start, end, rule), (from, to))
        };
        let mut order: Vec<&Known<O>> = self.known.iter().collect();
        order.sort_by_key(|one| place(one));
        order.dedup_by_key(|one| place(one).0);
        order.into_iter().map(|one| &one.body.outcome)
    }

    /// The candidates themselves, as [`Detector::finish`] leaves them.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut found = self.known.iter().map(Known::candidate).collect();
        Detector::finish(&mut found);
        found
    }
}

impl Detector {
    /// Finds the candidates of a text without a base. `judge` is asked once for each new candidate.
    pub fn first_version<O>(&self, text: &[u8], class: Class, judge: &mut dyn FnMut(&Candidate) -> O) -> Version<O> {
        let whole = 0..text.len();
        self.version(text, class, &[whole], Vec::new(), Vec::new(), judge)
    }

    /// Finds the candidates of a text that was made from another by `edit`. Also says whether the list is
    /// that of the base, moved: nothing new, nothing lost, and what overlapped still does.
    pub fn next_version<O>(
        &self,
        text: &[u8],
        class: Class,
        base: &Version<O>,
        edit: &Edit,
        judge: &mut dyn FnMut(&Candidate) -> O,
    ) -> (Version<O>, bool) {
        let same_class = self.fault(Fault::Class) || (class == Class::Plain && base.class == Class::Plain);
        let zones = if same_class { self.zones(text, edit) } else { Vec::new() };
        let covered: usize = zones.iter().map(Range::len).sum();
        // Where most is new nothing is saved.
        if !same_class || covered > text.len() / 4 * 3 {
            return (self.first_version(text, class, judge), false);
        }
        let (mut known, mut far) = (Vec::new(), Vec::new());
        let mut steady = true;
        for copied in &edit.copies {
            let range = copied.base..copied.base + copied.len;
            let at_start = range.start == 0 && copied.at == 0;
            let at_end = range.end == edit.base_len && copied.at + copied.len == edit.len;
            let free = self.fault(Fault::Ends);
            // Counted from 1; see `Extent::needs`.
            let safe = if at_start || (free && copied.at == 0) { 0 } else { range.start + 1 }
                ..if at_end || (free && copied.at + copied.len == edit.len) { usize::MAX } else { range.end + 1 };
            if !self.fault(Fault::Inherit) {
                let first = base.known.partition_point(|one| one.anchor < range.start);
                let there = base.known[first..].iter().take_while(|one| one.anchor < range.end);
                for one in there {
                    let inside = (one.anchor + 1).saturating_sub(one.body.before) >= safe.start
                        && one.anchor + 1 + one.body.after <= safe.end;
                    if inside {
                        known.push(Known { anchor: one.anchor - range.start + copied.at, body: Arc::clone(&one.body) });
                    }
                }
            }
            if !self.fault(Fault::Anchors) {
                for one in base.far.iter().filter(|one| one.start >= range.start && one.end <= range.end) {
                    let start = one.start - range.start + copied.at;
                    let needs = self.extents[one.slot].needs(text, start);
                    let from = if needs.start == 0 { safe.start == 0 } else { needs.start > copied.at };
                    let to = if needs.end > text.len() + 1 {
                        safe.end == usize::MAX
                    } else {
                        needs.end <= copied.at + copied.len + 1
                    };
                    let moved = FarAnchor { start, end: start + one.end - one.start, ..*one };
                    // One that was passed over has no candidates to inherit.
                    far.push((moved, from && to && !one.crowded));
                }
            }
        }
        steady &= known.len() == base.known.len() && overlaps_hold(&base.known, &known);
        let inherited = known.len();
        let version = self.version(text, class, &zones, known, far, judge);
        let same = steady && version.known.len() == inherited;
        (version, same)
    }

    fn slot_of(&self, candidate: &Candidate) -> usize {
        if candidate.coded.is_some() { self.rules.len() + candidate.rule } else { candidate.rule }
    }

    /// Where near rules' anchors may stand that have to be looked at, in order.
    fn zones(&self, text: &[u8], edit: &Edit) -> Vec<Range<usize>> {
        let mut zones: Vec<Range<usize>> = Vec::new();
        let mut add = |fresh: Range<usize>| {
            let mut zone = self.around.zone(text, &fresh);
            while let Some(last) = zones.pop_if(|last| zone.start <= last.end) {
                zone = zone.start.min(last.start)..zone.end.max(last.end);
            }
            zones.push(zone);
        };
        let ends = !self.fault(Fault::Ends);
        let mut done = 0;
        for (turn, copied) in edit.copies.iter().enumerate() {
            let starts_both = turn == 0 && copied.at == 0 && (copied.base == 0 || !ends);
            if !starts_both {
                add(done..copied.at);
            }
            done = copied.at + copied.len;
        }
        let last = edit.copies.last();
        let ends_both = last.is_some_and(|last| done == edit.len && (last.base + last.len == edit.base_len || !ends));
        if !ends_both {
            add(done..edit.len);
        }
        zones
    }

    /// Looks at the zones, and at far anchors that are not `whole`, and adds what was inherited.
    fn version<O>(
        &self,
        text: &[u8],
        class: Class,
        zones: &[Range<usize>],
        mut known: Vec<Known<O>>,
        mut far: Vec<(FarAnchor, bool)>,
        judge: &mut dyn FnMut(&Candidate) -> O,
    ) -> Version<O> {
        let binary = class == Class::Binary;
        let window = Window { bytes: text, start: 0 };
        let mut found: Vec<Candidate> = Vec::new();
        for zone in zones {
            self.each_anchor(text, zone, binary, &mut |what, at| match self.slot(what) {
                Some(slot) if self.extents[slot].far => {
                    far.push((FarAnchor { what, slot, start: at.start, end: at.end, crowded: false }, false));
                }
                _ => self.try_at(&window, what, &at, &mut found),
            });
        }
        // Of two that are the same the inherited one comes first.
        far.sort_unstable_by_key(|(one, whole)| (one.slot, one.start, one.end, !*whole));
        far.dedup_by_key(|(one, _)| (one.slot, one.start, one.end));
        let mut anchors: Vec<FarAnchor> = Vec::with_capacity(far.len());
        for (turn, (mut one, whole)) in far.into_iter().enumerate() {
            let crowd = turn.checked_sub(CROWD).map(|before| anchors[before]);
            one.crowded = self.extents[one.slot].crowds
                && crowd.is_some_and(|other| other.slot == one.slot && other.start + CROWD_WITHIN > one.start);
            anchors.push(one);
            if !one.crowded && !whole {
                self.try_at(&window, one.what, &(one.start..one.end), &mut found);
            }
        }
        if anchors.iter().any(|one| one.crowded) {
            known.retain(|one| {
                let key = (self.slot_of(&one.body.candidate), one.anchor);
                let at = anchors.partition_point(|other| (other.slot, other.start) < key);
                let mut there = anchors[at..].iter().take_while(|other| (other.slot, other.start) == key).peekable();
                there.peek().is_none() || there.any(|other| !other.crowded)
            });
        }
        known.sort_unstable_by_key(Known::order);
        let inherited = known.len();
        found.sort_by_key(order);
        found.dedup_by_key(|one| order(one));
        for candidate in found {
            if known[..inherited].binary_search_by_key(&order(&candidate), Known::order).is_ok() {
                continue;
            }
            let anchor = candidate.anchor as usize;
            let needs = self.extents[self.slot_of(&candidate)].needs(text, anchor);
            let outcome = judge(&candidate);
            let body = Body { before: anchor + 1 - needs.start, after: needs.end - anchor - 1, candidate, outcome };
            known.push(Known { anchor, body: Arc::new(body) });
        }
        if known.len() > inherited {
            known.sort_unstable_by_key(Known::order);
        }
        Version { class, known, far: anchors }
    }
}

/// Whether those that overlapped were moved together.
fn overlaps_hold<O>(base: &[Known<O>], moved: &[Known<O>]) -> bool {
    let mut reached: Option<(u64, usize)> = None;
    base.iter().zip(moved).all(|(one, other)| {
        if !Arc::ptr_eq(&one.body, &other.body) {
            return false;
        }
        let whole = one.shift(&one.body.candidate.matched);
        let by = other.anchor.wrapping_sub(one.anchor);
        let holds = reached.is_none_or(|(end, last)| whole.start >= end || last == by);
        let end = reached.map_or(whole.end, |(end, _)| end.max(whole.end));
        reached = Some((end, by));
        holds
    })
}

/// What a test switches off, to show that it would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is inherited.
    Inherit,
    /// The ends of a version are no seams.
    Ends,
    /// Far anchors are not inherited.
    Anchors,
    /// The class of a text does not matter.
    Class,
}

impl Detector {
    #[cfg(test)]
    fn fault(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    #[cfg(not(test))]
    #[inline(always)]
    fn fault(&self, _: Fault) -> bool {
        false
    }
}
