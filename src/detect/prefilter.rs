//! One pass over the bytes that finds where anchors stand.
//!
//! Every anchor holds three bytes that start at an even place and three that start at an odd one. So it is
//! enough to look at three bytes at every second place: folded to one case and hashed into a bit map of
//! 32 KiB that stays in the first-level cache. Of the places in an anchor the one with the rarest bytes is
//! chosen, or one whose bit another anchor has set already. Where a bit is set, the byte before and the byte
//! behind must suit one of the anchors there; only then eight bytes are compared at once. The tables are made
//! in `rules/anchors`. `docs/performance.md` has the figures and the designs that were slower.

use std::ops::Range;

use crate::rules::anchors::{Anchors, BITS, BUCKETS, FOLD, Gram, Grams, Mark, gram, hash};

/// The tables of the anchors, at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefilter<'a> {
    map: &'a [u64; 1 << (BITS - 6)],
    sieve: &'a [u64; 1 << BUCKETS],
    buckets: &'a [u32; (1 << BUCKETS) + 1],
    grams: &'a [Gram],
    overhang: usize,
    texts: &'a [u8],
    marks: &'a [Mark],
}

impl<'a> Prefilter<'a> {
    pub(super) fn of(anchors: &'a Anchors) -> Self {
        let Grams { map, sieve, buckets, all, overhang } = &anchors.grams;
        Self {
            map: (&**map).try_into().expect("the map has this size"),
            sieve: (&**sieve).try_into().expect("there are so many buckets"),
            buckets: (&**buckets).try_into().expect("there are so many buckets"),
            grams: all,
            overhang: *overhang,
            texts: &anchors.texts,
            marks: &anchors.marks,
        }
    }

    /// Reports index and start of each anchor that starts within `core`.
    pub(super) fn hits(&self, bytes: &[u8], core: &Range<usize>, report: &mut dyn FnMut(usize, Range<usize>)) {
        // The three bytes of an anchor that starts within the core may stand behind it.
        let end = bytes.len().min(core.end + self.overhang);
        let mut at = core.start;
        loop {
            at = self.next(bytes, at, end);
            if at + 2 > end {
                return;
            }
            let gram = gram_at(bytes, at);
            if self.bit(gram) {
                self.compare(bytes, core, at, gram, report);
            }
            at += 2;
        }
    }

    /// The next place, an even number of bytes from `at`, whose bit is set and whose neighbours fit; or one of
    /// the last places.
    ///
    /// Nothing else is in this loop, so that all it needs stays in registers.
    #[inline(never)]
    fn next(&self, bytes: &[u8], mut at: usize, end: usize) -> usize {
        let (map, sieve) = (self.map, self.sieve);
        let stands = |gram: u64, before: u64| {
            let place = hash(gram);
            map[place >> 6] >> (place & 63) & 1 == 1 && {
                let around = sieve[place >> (BITS - BUCKETS)];
                (around >> (gram >> 24 & 31)) & (around >> (32 + (before & 31))) & 1 == 1
            }
        };
        // At the start of the text it does not matter: an anchor with a byte before its three stands nowhere.
        let mut before = at.checked_sub(1).map_or(0, |before| u64::from(bytes[before]));
        while let Some(eight) = bytes[..end].get(at..at + 8) {
            let word = u64::from_le_bytes(eight.try_into().expect("a slice of eight")) | FOLD;
            if stands(word, before) {
                return at;
            }
            if stands(word >> 16, word >> 8) {
                return at + 2;
            }
            if stands(word >> 32, word >> 24) {
                return at + 4;
            }
            before = word >> 40;
            at += 6;
        }
        at
    }

    #[inline]
    fn bit(&self, gram: u64) -> bool {
        let place = hash(gram);
        self.map[place >> 6] >> (place & 63) & 1 == 1
    }

    /// Compares the anchors that have these three bytes at `at`.
    #[inline]
    fn compare(
        &self,
        bytes: &[u8],
        core: &Range<usize>,
        at: usize,
        gram: u64,
        report: &mut dyn FnMut(usize, Range<usize>),
    ) {
        let bucket = hash(gram) >> (BITS - BUCKETS);
        for gram in &self.grams[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize] {
            let start = at.wrapping_sub(gram.offset as usize);
            let eight = bytes.get(start..start.wrapping_add(8));
            let differs = eight.is_some_and(|eight| {
                (u64::from_le_bytes(eight.try_into().expect("a slice of eight")) | FOLD) & gram.mask != gram.word
            });
            if !differs {
                self.confirm(bytes, core, start, gram.anchor as usize, report);
            }
        }
    }

    /// Compares one anchor byte by byte.
    #[inline(never)]
    fn confirm(
        &self,
        bytes: &[u8],
        core: &Range<usize>,
        start: usize,
        anchor: usize,
        report: &mut dyn FnMut(usize, Range<usize>),
    ) {
        let (from, to) = (&self.marks[anchor], &self.marks[anchor + 1]);
        let text = &self.texts[from.text as usize..to.text as usize];
        let at = start..start.wrapping_add(text.len());
        let stands = core.contains(&start)
            && bytes
                .get(at.clone())
                .is_some_and(|there| if from.nocase { there.eq_ignore_ascii_case(text) } else { there == text });
        if stands {
            report(anchor, at);
        }
    }
}

/// The three bytes at `at`, of which the last may be behind the end.
#[inline]
fn gram_at(bytes: &[u8], at: usize) -> u64 {
    gram(&[bytes[at], bytes[at + 1], bytes.get(at + 2).copied().unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the prefilter must find, the slow way.
    fn expected(anchors: &[(&str, bool)], text: &[u8], core: &Range<usize>) -> Vec<(usize, usize)> {
        let stands = |anchor: &(&str, bool), start: usize| {
            text.get(start..start + anchor.0.len()).is_some_and(|there| {
                if anchor.1 { there.eq_ignore_ascii_case(anchor.0.as_bytes()) } else { there == anchor.0.as_bytes() }
            })
        };
        let mut all: Vec<_> = core
            .clone()
            .flat_map(|start| (0..anchors.len()).map(move |anchor| (start, anchor)))
            .filter(|(start, anchor)| stands(&anchors[*anchor], *start))
            .collect();
        all.sort();
        all
    }

    const ANCHORS: &[(&str, bool)] = &[
        ("pwd", true),
        ("eyJ", false),
        ("ghp_", false),
        ("pass", true),
        ("token", true),
        ("secret", true),
        ("sk_live_", false),
        ("-----BEGIN", false),
        ("hooks.slack.com/services/", false),
        ("AKIA", false),
        ("key", true),
        ("_key", true),
    ];

    #[test]
    fn every_anchor_is_found_at_every_place_and_seam() {
        // The tables are in the order of texts.
        let mut sorted = ANCHORS.to_vec();
        sorted.sort_unstable();
        let tables = Anchors::of_texts(&sorted);
        let prefilter = Prefilter::of(&tables);
        for (anchor, nocase) in ANCHORS {
            for lead in 0..9 {
                for tail in [&b""[..], b"=", b"\xff", b"a.........."] {
                    let mut text = vec![b'.'; lead];
                    text.extend(if *nocase {
                        anchor.to_ascii_uppercase().into_bytes()
                    } else {
                        anchor.as_bytes().to_vec()
                    });
                    text.extend(tail);
                    for cut in 0..=text.len() {
                        let mut found = Vec::new();
                        for core in [0..cut, cut..text.len()] {
                            prefilter.hits(&text, &core, &mut |anchor, at| found.push((at.start, anchor)));
                        }
                        found.sort();
                        assert_eq!(found, expected(&sorted, &text, &(0..text.len())), "{anchor} {lead} {tail:?} {cut}");
                    }
                }
            }
        }
    }
}
