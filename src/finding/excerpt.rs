//! The lines around a finding, with every secret in them masked and long lines cut.

use std::ops::Range;

use super::{LineIndex, Secret};

/// Characters of a line that are kept around the secret; minified files have lines of megabytes.
const WIDTH: usize = 120;

/// Lines around a finding, ready to be shown: no secret, no control or bidi character in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// In order; numbers may jump where a long secret was left out.
    pub lines: Vec<ExcerptLine>,
}

/// One line of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcerptLine {
    /// From 1.
    pub number: usize,
    /// Cut, masked and neutralised.
    pub text: String,
    /// The part (in characters of `text`) that stands for the secret.
    pub marked: Option<Range<usize>>,
}

impl Excerpt {
    /// The excerpt for a secret; `masks` are the ranges of all secrets in the text, in order and
    /// apart.
    pub fn new(index: &LineIndex<'_>, secret: &Range<usize>, masks: &[Range<usize>]) -> Self {
        let first = index.line_of(secret.start);
        let last = index.line_of(secret.end.max(secret.start + 1) - 1);
        let mut wanted: Vec<usize> = Vec::new();
        wanted.extend(first.checked_sub(1));
        wanted.push(first);
        if last > first {
            wanted.push(last);
        }
        if last + 1 < index.count() {
            wanted.push(last + 1);
        }
        let mut lines: Vec<ExcerptLine> =
            wanted.into_iter().map(|line| Self::line(index, line, secret, masks)).collect();
        // Empty neighbours say nothing.
        lines.retain(|line| line.marked.is_some() || !line.text.trim().is_empty());
        Self { lines }
    }

    fn line(index: &LineIndex<'_>, line: usize, secret: &Range<usize>, masks: &[Range<usize>]) -> ExcerptLine {
        let (start, bytes) = index.line(line);
        let end = start + bytes.len();
        // A window of bytes around the secret, so that a line of a gigabyte costs nothing.
        let centre = secret.start.clamp(start, end);
        let from = if centre - start > 4 * WIDTH { centre - 2 * WIDTH } else { start };
        let to = end.min(secret.end.clamp(start, end).min(centre + 8 * WIDTH) + 4 * WIDTH);
        let mut text = String::new();
        let mut marked: Option<Range<usize>> = None;
        let mut at = from;
        // Masks are in order and do not overlap.
        let first = masks.partition_point(|mask| mask.end <= from);
        let overlapping = masks[first..].iter().take_while(|mask| mask.start < to);
        for mask in overlapping.chain(std::iter::once(&(to..to))) {
            let stop = mask.start.clamp(at, to);
            text += &neutralise(&String::from_utf8_lossy(&bytes[at - start..stop - start]));
            let until = mask.end.clamp(at, to);
            if mask.is_empty() || until <= stop {
                at = at.max(until);
                continue;
            }
            let whole_is_here = mask.start >= start && mask.end <= end;
            let masked = if whole_is_here {
                Secret::new(&bytes[mask.start - start..mask.end - start]).masked()
            } else if mask.start >= start {
                // First line of a long secret: PEM headers are public.
                Secret::new(&bytes[mask.start - start..]).masked()
            } else {
                "*".repeat(8)
            };
            let before = text.chars().count();
            text += &neutralise(&masked);
            let is_ours = mask.start < secret.end && mask.end > secret.start;
            if is_ours {
                let begin = marked.as_ref().map_or(before, |range| range.start);
                marked = Some(begin..text.chars().count());
            }
            at = until;
        }
        let (text, marked) = cut(&text, marked, from > start, to < end);
        ExcerptLine { number: index.number(line), text, marked }
    }
}

/// Cuts a line to the width around what is marked.
fn cut(
    text: &str,
    marked: Option<Range<usize>>,
    more_before: bool,
    more_behind: bool,
) -> (String, Option<Range<usize>>) {
    let chars: Vec<char> = text.chars().collect();
    let focus = marked.clone().unwrap_or(0..0);
    let from = if focus.end <= WIDTH { 0 } else { focus.start.saturating_sub(WIDTH / 3) };
    let to = chars.len().min((from + WIDTH).max(focus.end.min(from + 2 * WIDTH)));
    let lead = from > 0 || more_before;
    let mut out = String::new();
    if lead {
        out.push('…');
    }
    out.extend(&chars[from..to]);
    if to < chars.len() || more_behind {
        out.push('…');
    }
    let shift = usize::from(lead);
    let marked = marked.map(|range| (range.start - from + shift)..(range.end.min(to) - from + shift));
    (out, marked)
}

/// Makes control, bidi and invisible characters visible, so that nothing a scanned file holds can
/// steer a terminal or disguise a line.
pub fn neutralise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).expect("a control picture")),
            '\u{7f}' => out.push('␡'),
            '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' => out.push('�'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_and_its_neighbours_are_masked() {
        let text = b"first\nkey = 'hunter2hunter2' other = 'letmein'\nlast\n";
        let index = LineIndex::new(text);
        let excerpt = Excerpt::new(&index, &(13..27), &[13..27, 38..45]);
        let shown: Vec<_> = excerpt.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(shown, ["first", "key = '************' other = '*******'", "last"]);
        assert_eq!(excerpt.lines[1].marked, Some(7..19));
        assert_eq!(excerpt.lines[1].number, 2);
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_around_the_secret() {
        let mut text = vec![b'a'; 1 << 20];
        text.extend(b"hunter2hunter2");
        text.extend(vec![b'b'; 1 << 20]);
        let index = LineIndex::new(&text);
        let secret = (1 << 20)..(1 << 20) + 14;
        let excerpt = Excerpt::new(&index, &secret, std::slice::from_ref(&secret));
        let line = &excerpt.lines[0];
        assert!(line.text.chars().count() < 300, "{}", line.text.len());
        let marked = line.marked.clone().expect("the secret is marked");
        assert_eq!(line.text.chars().skip(marked.start).take(marked.len()).collect::<String>(), "*".repeat(12));
    }

    #[test]
    fn escape_sequences_and_bidi_overrides_are_made_harmless() {
        assert_eq!(neutralise("a\u{1b}[31mb\u{202e}c\u{7}"), "a␛[31mb�c␇");
    }
}
