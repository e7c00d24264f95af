//! One pass over the bytes that finds where anchors stand.
//!
//! Every anchor of four bytes or more holds a run of three bytes that starts at an even place, however it
//! is aligned. So it is enough to look at three bytes at every second place: folded to one case and hashed
//! into a bit map of 32 KiB that stays in the first-level cache. Where the bit is set the anchor itself is
//! compared. Against one Aho-Corasick automaton of all anchors this takes a fifth of the instructions and
//! hardly more for ten times the rules. The few anchors of three bytes are searched one by one.

use std::{collections::BTreeMap, ops::Range};

use memchr::memmem::Finder;

use crate::rules::{Matcher, RuleSet};

/// Bits of the map, as a power of two.
const BITS: u32 = 18;
/// Sets the bit that tells lower from upper case in each of eight bytes. Other characters are folded with
/// their neighbours, which costs a comparison now and then and loses nothing.
const FOLD: u64 = 0x2020_2020_2020_2020;
const THREE: u64 = 0x00ff_ffff;

/// An anchor in the text.
pub(super) struct Hit<'a> {
    /// The rules that have this anchor.
    pub(super) rules: &'a [usize],
    /// Its bytes.
    pub(super) at: Range<usize>,
}

/// All anchors of all rules. Generic names come in every case; an anchor that minds its case is compared
/// with it.
#[derive(Debug)]
pub(super) struct Prefilter {
    map: Box<[u64; 1 << (BITS - 6)]>,
    /// Three folded bytes, the anchor that holds them, and where in it (0 or 1); sorted.
    grams: Vec<(u32, u32, u8)>,
    anchors: Vec<Anchor>,
    /// Anchors of three bytes, in the cases that are usual.
    short: Vec<(Finder<'static>, usize)>,
}

#[derive(Debug)]
struct Anchor {
    text: Vec<u8>,
    nocase: bool,
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
        let anchors: Vec<Anchor> =
            table.into_iter().map(|((text, nocase), rules)| Anchor { text, nocase, rules }).collect();
        let mut map = Box::new([0; 1 << (BITS - 6)]);
        let mut grams = Vec::new();
        let mut short = Vec::new();
        for (index, anchor) in anchors.iter().enumerate() {
            if anchor.text.len() < 4 {
                let spelt = if anchor.nocase { usual_cases(&anchor.text) } else { vec![anchor.text.clone()] };
                short.extend(spelt.iter().map(|text| (Finder::new(text).into_owned(), index)));
                continue;
            }
            for offset in 0..2u8 {
                let at = usize::from(offset);
                let gram = (0..3).fold(0, |gram, byte| gram | u64::from(anchor.text[at + byte] | 0x20) << (8 * byte));
                let place = hash(gram);
                map[place >> 6] |= 1 << (place & 63);
                grams.push((gram as u32, index as u32, offset));
            }
        }
        grams.sort_unstable();
        Self { map, grams, anchors, short }
    }

    /// Reports each anchor that starts within `core`.
    pub(super) fn hits(&self, bytes: &[u8], core: &Range<usize>, report: &mut dyn FnMut(Hit<'_>)) {
        // An anchor that starts at the core's last byte may show its three bytes one further.
        let end = bytes.len().min(core.end + 1);
        let mut at = core.start;
        while at < end {
            let Some(eight) = bytes.get(at..at + 8) else {
                break;
            };
            let word = u64::from_le_bytes(eight.try_into().expect("a slice of eight")) | FOLD;
            // Written out: as a loop or a map over an array it is not inlined and takes thrice as long.
            let (one, two, three) = (word & THREE, (word >> 16) & THREE, (word >> 32) & THREE);
            let set = self.bit(one) | self.bit(two) << 1 | self.bit(three) << 2;
            if set != 0 {
                for (turn, gram) in [one, two, three].into_iter().enumerate() {
                    if set >> turn & 1 != 0 {
                        self.compare(bytes, core, at + 2 * turn, gram, report);
                    }
                }
            }
            at += 6;
        }
        while at < end && at + 3 <= bytes.len() {
            let gram = (0..3).fold(0, |gram, byte| gram | u64::from(bytes[at + byte] | 0x20) << (8 * byte));
            if self.bit(gram) != 0 {
                self.compare(bytes, core, at, gram, report);
            }
            at += 2;
        }
        for (finder, anchor) in &self.short {
            let text = &bytes[core.start..bytes.len().min(core.end + 2)];
            for found in finder.find_iter(text) {
                let at = core.start + found..core.start + found + 3;
                if at.start < core.end {
                    report(Hit { rules: &self.anchors[*anchor].rules, at });
                }
            }
        }
    }

    #[inline]
    fn bit(&self, gram: u64) -> u64 {
        let place = hash(gram);
        self.map[place >> 6] >> (place & 63) & 1
    }

    /// Compares the anchors that have these three bytes at `at`.
    #[cold]
    fn compare(&self, bytes: &[u8], core: &Range<usize>, at: usize, gram: u64, report: &mut dyn FnMut(Hit<'_>)) {
        let gram = gram as u32;
        let first = self.grams.partition_point(|entry| entry.0 < gram);
        for (_, index, offset) in self.grams[first..].iter().take_while(|entry| entry.0 == gram) {
            let anchor = &self.anchors[*index as usize];
            let Some(start) = at.checked_sub(usize::from(*offset)).filter(|start| core.contains(start)) else {
                continue;
            };
            let at = start..start + anchor.text.len();
            let stands = bytes.get(at.clone()).is_some_and(|text| {
                if anchor.nocase { text.eq_ignore_ascii_case(&anchor.text) } else { text == anchor.text }
            });
            if stands {
                report(Hit { rules: &anchor.rules, at });
            }
        }
    }
}

/// Multiplicative hashing (Knuth): the upper bits of the product.
#[inline]
fn hash(gram: u64) -> usize {
    ((gram as u32).wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

/// `pwd`, `PWD`, `Pwd`: nobody writes the others.
fn usual_cases(text: &[u8]) -> Vec<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    let mut capital = lower.clone();
    capital[..1].make_ascii_uppercase();
    let mut cases = vec![lower.to_ascii_uppercase(), capital, lower];
    cases.sort();
    cases.dedup();
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the prefilter must find, the slow way.
    fn expected(prefilter: &Prefilter, text: &[u8], core: &Range<usize>) -> Vec<(usize, Vec<usize>)> {
        let mut all = Vec::new();
        for anchor in &prefilter.anchors {
            for start in core.clone() {
                let there = text.get(start..start + anchor.text.len());
                if there.is_some_and(|there| {
                    if anchor.nocase { there.eq_ignore_ascii_case(&anchor.text) } else { there == anchor.text }
                }) {
                    all.push((start, anchor.rules.clone()));
                }
            }
        }
        all.sort();
        all
    }

    #[test]
    fn every_anchor_is_found_at_every_place_and_seam() {
        let prefilter = Prefilter::new(&RuleSet::builtin().expect("the built-in rules are sound"));
        for anchor in &prefilter.anchors {
            for lead in 0..9 {
                let mut text = vec![b'.'; lead];
                text.extend(if anchor.nocase { anchor.text.to_ascii_uppercase() } else { anchor.text.clone() });
                text.extend(b"..........".iter().take(lead % 4));
                for cut in 0..=text.len() {
                    let mut found = Vec::new();
                    for core in [0..cut, cut..text.len()] {
                        prefilter.hits(&text, &core, &mut |hit| found.push((hit.at.start, hit.rules.to_vec())));
                    }
                    found.sort();
                    assert_eq!(found, expected(&prefilter, &text, &(0..text.len())), "{:?} {lead} {cut}", anchor.text);
                }
            }
        }
    }
}
