//! The bytes that a rule may look at around one anchor.

use std::ops::Range;

use memchr::{memchr, memrchr};

/// Bytes of a blob that are at hand.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Where they start in the blob.
    pub start: u64,
}

impl Window<'_> {
    /// A range of the window as a range of the blob.
    pub fn absolute(&self, range: &Range<usize>) -> Range<u64> {
        self.start + range.start as u64..self.start + range.end as u64
    }
}

/// The anchor's line (or lines), cut to the rule's reach.
///
/// Where it is cut, the text goes on, so a match that touches a cut end may be longer than the rule
/// can see and is dropped: otherwise the same token would be found or not depending on how far the
/// reader had got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Relative to the window.
    pub range: Range<usize>,
    /// The text goes on before it.
    pub cut_before: bool,
    /// The text goes on behind it.
    pub cut_behind: bool,
}

impl Segment {
    /// The segment of an anchor that starts at `at`.
    pub fn around(window: &Window<'_>, at: usize, before: usize, after: usize, many_lines: bool) -> Self {
        let bytes = window.bytes;
        let mut start = at.saturating_sub(before);
        let mut end = bytes.len().min(at.saturating_add(after));
        // A rule without reach before its anchor says that its matches begin there.
        let mut cut_before = before > 0 && (start > 0 || window.start > 0);
        let mut cut_behind = end < bytes.len();
        if !many_lines {
            if let Some(newline) = memrchr(b'\n', &bytes[start..at]) {
                start += newline + 1;
                cut_before = false;
            }
            if let Some(newline) = memchr(b'\n', &bytes[at..end]) {
                end = at + newline;
                cut_behind = false;
            }
            // One byte further might be the line's end.
            if cut_before && start > 0 && bytes[start - 1] == b'\n' {
                cut_before = false;
            }
            if cut_behind && bytes[end] == b'\n' {
                cut_behind = false;
            }
        }
        Self { range: start..end, cut_before, cut_behind }
    }

    /// Whether a range (relative to the window) touches an end where the text goes on.
    pub fn cuts(&self, range: &Range<usize>) -> bool {
        (self.cut_before && range.start <= self.range.start) || (self.cut_behind && range.end >= self.range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(text: &str, at: usize, before: usize, after: usize) -> (&str, bool, bool) {
        let window = Window { bytes: text.as_bytes(), start: 0 };
        let segment = Segment::around(&window, at, before, after, false);
        (&text[segment.range.clone()], segment.cut_before, segment.cut_behind)
    }

    #[test]
    fn a_segment_is_the_line_cut_to_the_reach() {
        let text = "one\ntwo key three\nfour";
        assert_eq!(around(text, 8, 100, 100), ("two key three", false, false));
        assert_eq!(around(text, 8, 2, 5), ("o key t", true, true));
        assert_eq!(around(text, 8, 4, 9), ("two key three", false, false));
    }
}
