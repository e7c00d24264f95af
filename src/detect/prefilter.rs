//! One pass over the bytes that finds where anchors stand.
//!
//! Every anchor holds three bytes that start at an even place and three that start at an odd one. So it is
//! enough to look at three bytes at every second place: folded to one case and hashed into a bit map of
//! 32 KiB that stays in the first-level cache. Of the places in an anchor the one with the rarest bytes is
//! chosen, or one whose bit another anchor has set already. Where a bit is set, eight bytes are compared at
//! once. `docs/performance.md` has the figures and the designs that were slower.

use std::ops::Range;

/// Bits of the map, as a power of two.
const BITS: u32 = 18;
/// Buckets of grams, as a power of two.
const BUCKETS: u32 = 14;
/// Sets the bit that tells lower from upper case in each of eight bytes. Other characters are folded with
/// their neighbours, which costs a comparison now and then and loses nothing.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// Folded bytes from frequent to rare, as counted over source text, lock files and minified code.
const FREQUENT: &[u8] = b" etsranioc*dl\"up,.fm)hg=b(0{}-y1v/2:k4x36w5;98|7&+z>jq!#`'<$?~%";
/// The place of each folded byte in [`FREQUENT`], from 2.
const RANK: [f32; 256] = {
    let mut ranks = [(FREQUENT.len() + 2) as f32; 256];
    let mut at = 0;
    while at < FREQUENT.len() {
        ranks[FREQUENT[at] as usize] = (at + 2) as f32;
        at += 1;
    }
    ranks
};
/// What a gram costs that sets no new bit, against one that does.
const SHARED: f32 = 0.02;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor<'a> {
    /// Three bytes or more.
    pub(super) text: &'a [u8],
    /// Whether ASCII case is ignored.
    pub(super) nocase: bool,
    /// Which bytes may stand behind it; asked of anchors of three bytes only.
    pub(super) next: [u64; 4],
}

/// Any byte may follow.
pub(super) const ANY: [u64; 4] = [u64::MAX; 4];

/// The anchors, made ready.
#[derive(Debug)]
pub(super) struct Prefilter {
    map: Box<[u64; 1 << (BITS - 6)]>,
    /// Where the grams of each bucket start in `grams`.
    buckets: Vec<u32>,
    grams: Vec<Gram>,
    anchors: Vec<(Box<[u8]>, bool)>,
    /// How far behind an anchor's start its gram may begin.
    overhang: usize,
}

/// Three bytes of an anchor, and what tells quickly whether the anchor is there.
#[derive(Debug, Clone, Copy)]
struct Gram {
    /// The anchor's first bytes, folded; as many as the mask says.
    word: u64,
    mask: u64,
    /// Where in the anchor the three bytes stand.
    offset: u32,
    anchor: u32,
}

/// Gathers grams before they are sorted into buckets.
struct Builder {
    map: Box<[u64; 1 << (BITS - 6)]>,
    grams: Vec<(u32, Gram)>,
}

impl Builder {
    fn add(&mut self, index: usize, Anchor { text, next, .. }: &Anchor<'_>) {
        let (word, mask) = head(text);
        for odd in 0..2 {
            let places = (odd..(text.len() - 2).max(odd)).step_by(2);
            match places.min_by(|a, b| self.cost(&text[*a..]).total_cmp(&self.cost(&text[*b..]))) {
                Some(offset) => {
                    self.put(gram(&text[offset..]), Gram { word, mask, offset: offset as u32, anchor: index as u32 });
                }
                // Two bytes are known of an anchor of three; the third is what may follow.
                None => {
                    let may_follow = |byte: u8| next[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
                    for third in (0..=0xff_u8).filter(|byte| byte & 0x20 != 0) {
                        if may_follow(third) || may_follow(third & !0x20) {
                            let gram = gram(&[text[1], text[2], third]);
                            self.put(gram, Gram { word, mask, offset: 1, anchor: index as u32 });
                        }
                    }
                }
            }
        }
    }

    fn put(&mut self, gram: u64, entry: Gram) {
        let place = hash(gram);
        self.map[place >> 6] |= 1 << (place & 63);
        self.grams.push(((place >> (BITS - BUCKETS)) as u32, entry));
    }

    /// How often the first three bytes occur, more or less.
    fn cost(&self, text: &[u8]) -> f32 {
        let place = hash(gram(text));
        let shared = if self.map[place >> 6] >> (place & 63) & 1 == 1 { SHARED } else { 1.0 };
        text[..3].iter().fold(shared, |cost, byte| cost / RANK[usize::from(byte | 0x20)])
    }
}

impl Prefilter {
    pub(super) fn new(anchors: &[Anchor<'_>]) -> Self {
        let mut builder = Builder { map: Box::new([0; 1 << (BITS - 6)]), grams: Vec::with_capacity(2 * anchors.len()) };
        // Short anchors have no choice; longer ones may share their grams.
        let mut order: Vec<usize> = (0..anchors.len()).collect();
        order.sort_by_key(|at| anchors[*at].text.len());
        for index in order {
            debug_assert!(anchors[index].text.len() >= 3, "an anchor has three bytes or more");
            builder.add(index, &anchors[index]);
        }
        let Builder { map, mut grams } = builder;
        grams.sort_unstable_by_key(|(bucket, gram)| (*bucket, gram.anchor, gram.offset));
        let mut buckets = Vec::with_capacity((1 << BUCKETS) + 1);
        for (at, (bucket, _)) in grams.iter().enumerate() {
            buckets.resize(buckets.len().max(*bucket as usize + 1), at as u32);
        }
        buckets.resize((1 << BUCKETS) + 1, grams.len() as u32);
        let grams: Vec<Gram> = grams.into_iter().map(|(_, gram)| gram).collect();
        let overhang = grams.iter().map(|gram| gram.offset as usize + 1).max().unwrap_or(0);
        let anchors = anchors.iter().map(|anchor| (anchor.text.into(), anchor.nocase)).collect();
        Self { map, buckets, grams, anchors, overhang }
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

    /// The next place, an even number of bytes from `at`, whose bit is set; or one of the last places.
    ///
    /// Nothing else is in this loop, so that all it needs stays in registers.
    #[inline(never)]
    fn next(&self, bytes: &[u8], mut at: usize, end: usize) -> usize {
        let map = &*self.map;
        let bit = |gram: u64| {
            let place = hash(gram);
            map[place >> 6] >> (place & 63) & 1 == 1
        };
        while let Some(eight) = bytes[..end].get(at..at + 8) {
            let word = u64::from_le_bytes(eight.try_into().expect("a slice of eight")) | FOLD;
            if bit(word) {
                return at;
            }
            if bit(word >> 16) {
                return at + 2;
            }
            if bit(word >> 32) {
                return at + 4;
            }
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
        let (text, nocase) = &self.anchors[anchor];
        let at = start..start.wrapping_add(text.len());
        let stands = core.contains(&start)
            && bytes
                .get(at.clone())
                .is_some_and(|there| if *nocase { there.eq_ignore_ascii_case(text) } else { there == &**text });
        if stands {
            report(anchor, at);
        }
    }
}

/// The first three bytes, folded, as a number.
#[inline]
fn gram(text: &[u8]) -> u64 {
    (0..3).fold(0, |gram, at| gram | u64::from(text[at] | 0x20) << (8 * at))
}

/// The first eight bytes or fewer, folded, and which bits of a word they fill.
fn head(text: &[u8]) -> (u64, u64) {
    let count = text.len().min(8);
    let mut eight = [0; 8];
    eight[..count].copy_from_slice(&text[..count]);
    let mask = u64::MAX >> (64 - 8 * count);
    ((u64::from_le_bytes(eight) | FOLD) & mask, mask)
}

/// The three bytes at `at`, of which the last may be behind the end.
#[inline]
fn gram_at(bytes: &[u8], at: usize) -> u64 {
    gram(&[bytes[at], bytes[at + 1], bytes.get(at + 2).copied().unwrap_or(0)])
}

/// Multiplicative hashing (Knuth) of the lowest three bytes: the upper bits of the product. What is above the
/// three bytes leaves the product by the factor's shift.
#[inline]
fn hash(gram: u64) -> usize {
    ((gram as u32).wrapping_mul(0x9E37_79B1_u32 << 8) >> (32 - BITS)) as usize
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
        let anchors: Vec<_> =
            ANCHORS.iter().map(|(text, nocase)| Anchor { text: text.as_bytes(), nocase: *nocase, next: ANY }).collect();
        let prefilter = Prefilter::new(&anchors);
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
                        assert_eq!(found, expected(ANCHORS, &text, &(0..text.len())), "{anchor} {lead} {tail:?} {cut}");
                    }
                }
            }
        }
    }
}
