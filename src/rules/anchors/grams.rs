//! The tables that find anchors: a map of the three bytes that are looked for, and what to compare there.
//!
//! Of the places in an anchor the one with the rarest bytes is chosen, or one whose bit another anchor has set
//! already: one at an even and one at an odd place, for `detect` looks at every second place of a text.

use super::{Table, pairs::frequency};

/// Bits of the map, as a power of two.
pub(crate) const BITS: u32 = 18;
/// Buckets of grams, as a power of two.
pub(crate) const BUCKETS: u32 = 15;
/// Sets the bit that tells lower from upper case in each of eight bytes. Other characters are folded with
/// their neighbours, which costs a comparison now and then and loses nothing.
pub(crate) const FOLD: u64 = 0x2020_2020_2020_2020;
/// What a gram costs where its three bytes stand, against what it costs to leave the loop there at all.
const COMPARED: f32 = 0.3;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anchor<'a> {
    /// Three bytes or more.
    pub(crate) text: &'a [u8],
    /// Which bytes may stand behind it; asked of anchors of three bytes only.
    pub(crate) next: [u64; 4],
}

/// Any byte may follow.
pub(crate) const ANY: [u64; 4] = [u64::MAX; 4];

/// Three bytes of an anchor, and what tells quickly whether the anchor is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gram {
    /// The anchor's first bytes, folded; as many as the mask says.
    pub(crate) word: u64,
    /// Eight bytes of ones or fewer.
    pub(crate) mask: u64,
    /// Where in the anchor the three bytes stand; -1 is the byte before it.
    pub(crate) offset: i32,
    /// Index of the anchor.
    pub(crate) anchor: u32,
}

/// Gathers grams before they are sorted into buckets.
struct Builder {
    map: Vec<u64>,
    sieve: Vec<u64>,
    grams: Vec<(u32, Gram)>,
}

impl Builder {
    fn add(&mut self, index: usize, Anchor { text, next }: &Anchor<'_>) {
        let (word, mask) = head(text);
        let entry = |offset: i32| Gram { word, mask, offset, anchor: index as u32 };
        for odd in 0..2 {
            let places = (odd..(text.len() - 2).max(odd)).step_by(2);
            match places.min_by(|a, b| self.cost(&text[*a..]).total_cmp(&self.cost(&text[*b..]))) {
                Some(offset) => self.put(text, gram(&text[offset..]), entry(offset as i32)),
                // Two bytes are known of an anchor of three: the third is what may follow, or what stands before.
                None => {
                    let follows = |byte: u8| next[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
                    let folded = || (0..=0xff_u8).filter(|byte| byte & 0x20 != 0);
                    let behind = folded().filter(|byte| follows(*byte) || follows(byte & !0x20));
                    let behind: Vec<[u8; 3]> = behind.map(|third| [text[1], text[2], third]).collect();
                    let before: Vec<[u8; 3]> = folded().map(|first| [first, text[0], text[1]]).collect();
                    let cost = |all: &[[u8; 3]]| all.iter().map(|three| self.cost(three)).sum::<f32>();
                    let (all, offset) = if cost(&before) < cost(&behind) { (before, -1) } else { (behind, 1) };
                    all.iter().for_each(|three| self.put(text, gram(three), entry(offset)));
                }
            }
        }
    }

    fn put(&mut self, text: &[u8], gram: u64, entry: Gram) {
        let place = hash(gram);
        let bits = |byte: Option<&u8>| byte.map_or(u64::from(u32::MAX), |byte| 1 << (byte & 31));
        let behind = bits(text.get((entry.offset + 3) as usize));
        let before = bits(usize::try_from(entry.offset - 1).ok().map(|at| &text[at]));
        self.sieve[place >> (BITS - BUCKETS)] |= before << 32 | behind;
        self.map[place >> 6] |= 1 << (place & 63);
        self.grams.push(((place >> (BITS - BUCKETS)) as u32, entry));
    }

    /// What it costs to look for the first three bytes.
    fn cost(&self, text: &[u8]) -> f32 {
        let place = hash(gram(text));
        let shared = self.map[place >> 6] >> (place & 63) & 1 == 1;
        frequency([text[0], text[1], text[2]]) * if shared { COMPARED } else { 1.0 + COMPARED }
    }
}

/// What the anchors are found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grams {
    /// One bit for each three bytes that are looked for, by their hash.
    pub(crate) map: Table<u64>,
    /// Which bytes may stand around the three of each bucket, by their last five bits: behind them in the lower
    /// half, before them in the upper one.
    pub(crate) sieve: Table<u64>,
    /// Where the grams of each bucket start in `all`.
    pub(crate) buckets: Table<u32>,
    /// The grams, by bucket.
    pub(crate) all: Table<Gram>,
    /// How far behind an anchor's start its gram may begin.
    pub(crate) overhang: usize,
}

impl Grams {
    /// Works out the tables of anchors of three bytes or more.
    pub(crate) fn of(anchors: &[Anchor<'_>]) -> Self {
        let mut builder = Builder {
            map: vec![0; 1 << (BITS - 6)],
            sieve: vec![0; 1 << BUCKETS],
            grams: Vec::with_capacity(4 * anchors.len()),
        };
        // Short anchors have no choice; longer ones may share their grams.
        let mut order: Vec<usize> = (0..anchors.len()).collect();
        order.sort_by_key(|at| anchors[*at].text.len());
        for index in order {
            debug_assert!(anchors[index].text.len() >= 3, "an anchor has three bytes or more");
            builder.add(index, &anchors[index]);
        }
        let Builder { map, sieve, mut grams } = builder;
        grams.sort_unstable_by_key(|(bucket, gram)| (*bucket, gram.anchor, gram.offset));
        let mut buckets = Vec::with_capacity((1 << BUCKETS) + 1);
        for (at, (bucket, _)) in grams.iter().enumerate() {
            buckets.resize(buckets.len().max(*bucket as usize + 1), at as u32);
        }
        buckets.resize((1 << BUCKETS) + 1, grams.len() as u32);
        let all: Vec<Gram> = grams.into_iter().map(|(_, gram)| gram).collect();
        let overhang = all.iter().map(|gram| (gram.offset + 1) as usize).max().unwrap_or(0);
        Self { map: map.into(), sieve: sieve.into(), buckets: buckets.into(), all: all.into(), overhang }
    }
}
/// The first three bytes, folded, as a number.
#[inline]
pub(crate) fn gram(text: &[u8]) -> u64 {
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

/// Multiplicative hashing (Knuth) of the lowest three bytes: the upper bits of the product. What is above the
/// three bytes leaves the product by the factor's shift.
#[inline]
pub(crate) fn hash(gram: u64) -> usize {
    ((gram as u32).wrapping_mul(0x9E37_79B1_u32 << 8) >> (32 - BITS)) as usize
}
