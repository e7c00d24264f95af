//! Bytes to lines and columns, in one place only; and GitHub's line hash.

use std::{cell::RefCell, collections::HashMap, ops::Range};

use memchr::memchr_iter;

/// A region of a text. Lines and columns count from 1; columns count Unicode code points (a byte
/// that is not UTF-8 counts as one); the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// First line.
    pub start_line: usize,
    /// First column.
    pub start_column: usize,
    /// Line of the last character.
    pub end_line: usize,
    /// The column right behind the last character.
    pub end_column: usize,
    /// First byte, from 0.
    pub start_byte: u64,
    /// The byte behind the last.
    pub end_byte: u64,
}

/// Finds lines by place and by number.
///
/// Newlines are counted, not listed: most texts that need an index need it for one finding.
#[derive(Debug)]
pub struct LineIndex<'a> {
    bytes: &'a [u8],
    /// How many newlines stand before each [`STRIDE`] of bytes.
    newlines: Vec<usize>,
    /// How many there are.
    total: usize,
    /// Lines before `bytes`, when these are a window of something larger.
    lines_before: usize,
    /// Bytes before `bytes`.
    bytes_before: u64,
    /// Columns of the first line that stand before `bytes`.
    columns_before: usize,
    /// Of a long line that was asked for: how many columns stand before some of its bytes.
    milestones: RefCell<HashMap<usize, Vec<(usize, usize)>>>,
}

/// How many bytes are looked through for a line once its stride is known.
const STRIDE: usize = 4096;
/// A line that is longer has milestones, this many bytes or a little more apart.
const MILE: usize = 4096;

impl<'a> LineIndex<'a> {
    /// Of a whole text.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::window(bytes, 0, 0, 0)
    }

    /// Of a window that begins behind so many lines, columns of its first line, and bytes.
    pub fn window(bytes: &'a [u8], lines_before: usize, columns_before: usize, bytes_before: u64) -> Self {
        let mut total = 0;
        let newlines = bytes
            .chunks(STRIDE)
            .map(|stride| {
                let before = total;
                total += memchr_iter(b'\n', stride).count();
                before
            })
            .collect();
        Self { bytes, newlines, total, lines_before, bytes_before, columns_before, milestones: RefCell::default() }
    }

    /// The location of a range of bytes (relative to the window).
    pub fn locate(&self, range: &Range<usize>) -> Location {
        let (start_line, start_column) = self.place(range.start);
        // The end is behind the last byte, on that byte's line.
        let last = range.end.max(range.start + 1) - 1;
        let end_line = self.line_of(last) + 1;
        let end_column = self.column(end_line - 1, range.end.max(self.start_of(end_line - 1)));
        Location {
            start_line: start_line + self.lines_before,
            start_column,
            end_line: end_line + self.lines_before,
            end_column: end_column.max(if start_line == end_line { start_column } else { 1 }),
            start_byte: range.start as u64 + self.bytes_before,
            end_byte: range.end as u64 + self.bytes_before,
        }
    }

    /// The index of the line (from 0, within the window) that holds a byte.
    pub fn line_of(&self, at: usize) -> usize {
        let at = at.min(self.bytes.len());
        let stride = (at / STRIDE).min(self.newlines.len().saturating_sub(1));
        let before = self.newlines.get(stride).copied().unwrap_or(0);
        before + memchr_iter(b'\n', &self.bytes[stride * STRIDE..at]).count()
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.total + 1
    }

    /// Where a line starts; the line behind the last starts behind the text.
    fn start_of(&self, line: usize) -> usize {
        if line == 0 {
            return 0;
        }
        // It starts behind newline number `line`, which stands in the last stride with fewer before it.
        let stride = self.newlines.partition_point(|before| *before < line).saturating_sub(1) * STRIDE;
        let before = self.newlines.get(stride / STRIDE).copied().unwrap_or(0);
        memchr_iter(b'\n', &self.bytes[stride..])
            .nth(line - before - 1)
            .map_or(self.bytes.len() + 1, |newline| stride + newline + 1)
    }

    /// The bytes of a line without its end, and where they start.
    pub fn line(&self, index: usize) -> (usize, &'a [u8]) {
        let (start, end) = (self.start_of(index), self.start_of(index + 1) - 1);
        let line = &self.bytes[start..end];
        (start, line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The number (from 1, in the whole text) of a line index.
    pub fn number(&self, index: usize) -> usize {
        index + 1 + self.lines_before
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line_of(at);
        (line + 1, self.column(line, at))
    }

    /// The column of a byte in a line (from 0).
    fn column(&self, line: usize, at: usize) -> usize {
        let start = self.start_of(line);
        let before = 1 + if line == 0 { self.columns_before } else { 0 };
        if at - start <= MILE {
            return before + columns(&self.bytes[start..at]);
        }
        let mut milestones = self.milestones.borrow_mut();
        let stones = milestones.entry(line).or_insert_with(|| {
            let end = self.start_of(line + 1).min(self.bytes.len());
            let mut stones = vec![(start, 0)];
            let (mut from, mut count) = (start, 0);
            while from + MILE < end {
                // No character reaches over a byte that begins one, valid or not.
                let next = (from + MILE..end).find(|at| self.bytes[*at] & 0xc0 != 0x80).unwrap_or(end);
                count += columns(&self.bytes[from..next]);
                stones.push((next, count));
                from = next;
            }
            stones
        });
        let (from, count) = stones[stones.partition_point(|(from, _)| *from <= at) - 1];
        before + count + columns(&self.bytes[from..at])
    }
}

/// How many columns a text takes: one for each code point and for each byte that is not UTF-8.
pub(crate) fn columns(bytes: &[u8]) -> usize {
    let (mut rest, mut count) = (bytes, 0);
    // Runs of ASCII are not decoded.
    while let Some(ascii) = bstr::ByteSlice::find_non_ascii_byte(rest) {
        let (_, size) = bstr::decode_utf8(&rest[ascii..]);
        count += ascii + 1;
        rest = &rest[ascii + size..];
    }
    count + rest.len()
}

/// Window of GitHub's line hash, in UTF-16 units.
const HASH_WINDOW: usize = 100;
const HASH_BASE: u64 = 37;

/// GitHub's `primaryLocationLineHash` for each of the given lines (from 1): the algorithm of
/// `src/fingerprints.ts` in github/codeql-action. A window of 100 UTF-16 units from the start of the
/// line on, without spaces and tabs, line ends as LF, hashed with base 37 in 64 bits; then `:` and
/// which occurrence of that hash in the file it is.
pub fn line_hashes(text: &[u8], wanted: &[usize]) -> Vec<Option<String>> {
    const END: u16 = 65_535;
    let mut hasher = LineHasher::new(wanted);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut after_cr = false;
    for unit in String::from_utf8_lossy(text).encode_utf16() {
        if matches!(unit, 0x20 | 0x09) || (after_cr && unit == 0x0a) {
            after_cr = false;
            continue;
        }
        after_cr = unit == 0x0d;
        hasher.take(if after_cr { 0x0a } else { unit });
        if hasher.missing == 0 {
            break;
        }
    }
    hasher.take(END);
    for _ in 0..HASH_WINDOW {
        hasher.flush_oldest();
        hasher.push(0, None);
    }
    wanted.iter().map(|line| hasher.found.get(line).cloned().flatten()).collect()
}

struct LineHasher {
    units: [u16; HASH_WINDOW],
    /// The line that starts at each unit of the window.
    starts: [Option<usize>; HASH_WINDOW],
    oldest: usize,
    hash: u64,
    /// `HASH_BASE` to the power of the window, to take the oldest unit out again.
    out_factor: u64,
    counts: HashMap<u64, usize>,
    found: HashMap<usize, Option<String>>,
    missing: usize,
    line: usize,
    at_start: bool,
}

impl LineHasher {
    fn new(wanted: &[usize]) -> Self {
        let found: HashMap<_, _> = wanted.iter().map(|line| (*line, None)).collect();
        Self {
            units: [0; HASH_WINDOW],
            starts: [None; HASH_WINDOW],
            oldest: 0,
            hash: 0,
            out_factor: (0..HASH_WINDOW).fold(1, |power: u64, _| power.wrapping_mul(HASH_BASE)),
            counts: HashMap::new(),
            missing: found.len(),
            found,
            line: 0,
            at_start: true,
        }
    }

    fn take(&mut self, unit: u16) {
        self.flush_oldest();
        let start = self.at_start.then(|| {
            self.line += 1;
            self.line
        });
        self.at_start = unit == 0x0a;
        self.push(unit, start);
    }

    /// The line that starts at the unit about to leave has its whole window: its hash is known.
    fn flush_oldest(&mut self) {
        if let Some(line) = self.starts[self.oldest].take() {
            let count = self.counts.entry(self.hash).or_insert(0);
            *count += 1;
            if let Some(slot @ None) = self.found.get_mut(&line) {
                *slot = Some(format!("{:x}:{count}", self.hash));
                self.missing -= 1;
            }
        }
    }

    fn push(&mut self, unit: u16, start: Option<usize>) {
        let old = std::mem::replace(&mut self.units[self.oldest], unit);
        self.starts[self.oldest] = start;
        self.hash = HASH_BASE
            .wrapping_mul(self.hash)
            .wrapping_add(u64::from(unit))
            .wrapping_sub(self.out_factor.wrapping_mul(u64::from(old)));
        self.oldest = (self.oldest + 1) % HASH_WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_splitting_the_text() {
        let mut long = b"x\n".repeat(5000);
        long.extend(vec![b'y'; 3 * STRIDE]);
        long.extend(b"\n\r\n\n");
        long.resize(8 * STRIDE - 1, b'z');
        long.push(b'\n');
        for text in [&b""[..], b"\n", b"a", b"a\n", b"\n\nb\r\nc", &long, &long[..long.len() - 1]] {
            let index = LineIndex::new(text);
            let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            assert_eq!(index.count(), lines.len());
            let mut start = 0;
            for (number, line) in lines.iter().enumerate() {
                assert_eq!(index.line(number), (start, line.strip_suffix(b"\r").unwrap_or(line)), "line {number}");
                // The newline is its line's last byte.
                for at in [start, start + line.len() / 2, start + line.len()] {
                    assert_eq!(index.line_of(at), number, "byte {at}");
                }
                start += line.len() + 1;
            }
        }
    }

    #[test]
    fn columns_of_a_long_line_are_those_of_counting_it_whole() {
        let unit = "ab\u{fc}\u{20ac}\u{1f600}".as_bytes();
        let mut text = b"first\n".to_vec();
        for round in 0..3000usize {
            text.extend(unit);
            // Not UTF-8, in changing company.
            text.extend(&[0x80, 0xbf, 0xc3, 0xff, 0xe2, 0x82][..round % 7]);
        }
        let index = LineIndex::new(&text);
        for at in (6..text.len()).step_by(97).chain([text.len() - 1]) {
            let decoded = bstr::ByteSlice::chars(&text[6..at]).count();
            assert_eq!(index.locate(&(at..at + 1)).start_column, decoded + 1, "at {at}");
        }
    }

    /// The published vectors: src/fingerprints.test.ts of github/codeql-action.
    fn hashes(text: &str) -> Vec<String> {
        let lines: Vec<usize> = (1..=text.matches('\n').count().max(text.matches('\r').count()) + 1).collect();
        line_hashes(text.as_bytes(), &lines).into_iter().flatten().collect()
    }

    #[test]
    fn an_empty_file_has_one_line() {
        assert_eq!(hashes(""), ["c129715d7a2bc9a3:1"]);
    }

    #[test]
    fn spaces_and_tabs_do_not_count() {
        let expected = ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"];
        assert_eq!(hashes(" a\nb\n  \t\tc\n d"), expected);
    }

    #[test]
    fn equal_windows_are_told_apart_by_their_number() {
        let mut expected: Vec<String> = (1..=6).map(|number| format!("a7f2ff13bc495cf2:{number}")).collect();
        for hash in ["a7f2ff1481e87703", "a9cf91f7bbf1862b", "55ec222b86bcae53", "cc97dc7b1d7d8f7b", "c129715d7a2bc9a3"]
        {
            expected.push(format!("{hash}:1"));
        }
        assert_eq!(hashes(&"Lorem ipsum dolor sit amet.\n".repeat(10)), expected);
    }

    #[test]
    fn line_ends_of_every_system_hash_alike() {
        let unix = "a\nb\n  \t\tc\n d\n\n\ne\n";
        let expected = hashes(unix);
        assert_eq!(expected.len(), 8);
        assert_eq!(hashes(&unix.replace('\n', "\r\n")), expected);
        assert_eq!(hashes(&unix.replace('\n', "\r")), expected);
    }

    #[test]
    fn only_the_wanted_lines_are_hashed_in_their_order() {
        let text = "a\nb\nc\n".repeat(60);
        let all = hashes(&text);
        let some = line_hashes(text.as_bytes(), &[90, 3, 3, 999]);
        assert_eq!(some, [Some(all[89].clone()), Some(all[2].clone()), Some(all[2].clone()), None]);
    }
}
