//! The lines around a secret, drawn as rustc draws them.
//!
//! By hand, for `annotate-snippets` works out line and column from the text it is given, and ours
//! is masked and cut: both would be wrong. It also cannot leave lines out that it has not seen.

use std::{io, ops::Range};

use anstyle::Style;
use unicode_width::UnicodeWidthChar as _;

use super::{
    style::{self, paint},
    text::{Page, width},
};
use crate::finding::Excerpt;

/// Columns of the line numbers.
pub(super) fn digits(excerpt: &Excerpt) -> usize {
    excerpt.lines.last().map_or(1, |line| line.number.to_string().len())
}

/// Draws the excerpt; `label` stands behind the mark of the first line if there is room.
/// Returns whether there was.
pub(super) fn write(page: &mut Page<'_>, excerpt: &Excerpt, label: &str, loud: Style) -> io::Result<bool> {
    let digits = digits(excerpt);
    let room = page.columns.saturating_sub(digits + 4).max(20);
    let bar = |number: &str| paint(style::GUTTER, format_args!(" {number:>digits$} |"));
    let mut label = Some(label);
    let mut before: Option<usize> = None;
    page.line(&bar(""))?;
    for line in &excerpt.lines {
        if before.is_some_and(|before| line.number > before + 1) {
            page.line(&paint(style::GUTTER, " ..."))?;
        }
        before = Some(line.number);
        let (text, mark) = fit(&line.text, line.marked.clone(), room);
        let number = line.number.to_string();
        let Some(mark) = mark.filter(|mark| !mark.is_empty()) else {
            page.line(&format!("{} {}", bar(&number), text.trim_end()))?;
            continue;
        };
        let parts = [0..mark.start, mark.clone(), mark.end..usize::MAX]
            .map(|part| text.chars().skip(part.start).take(part.len()).collect::<String>());
        page.line(&format!("{} {}{}{}", bar(&number), parts[0], paint(loud, &parts[1]), parts[2].trim_end()))?;
        let (indent, carets) = (width(&parts[0]), "^".repeat(width(&parts[1]).max(1)));
        let said = label.take_if(|label| indent + carets.len() + 1 + width(label) <= room).unwrap_or_default();
        let marks = format!("{carets} {said}");
        page.line(&format!("{} {:indent$}{}", bar(""), "", paint(loud, marks.trim_end())))?;
    }
    Ok(label.is_none())
}

/// Cuts a line so that it fits into so many columns with what is marked in sight. Drops what was
/// cut on either side behind a `…`.
fn fit(text: &str, marked: Option<Range<usize>>, room: usize) -> (String, Option<Range<usize>>) {
    let widths: Vec<usize> = text.chars().map(|c| c.width().unwrap_or(0)).collect();
    if widths.iter().sum::<usize>() <= room {
        return (text.to_owned(), marked);
    }
    let focus = marked.clone().unwrap_or(0..0);
    // From the left as far as needed for the mark's end, a third of the room behind it if there is more.
    let wanted = widths.len().min(focus.end + room / 3);
    let mut from = 0;
    while from < focus.start && widths[from..wanted].iter().sum::<usize>() > room - 2 {
        from += 1;
    }
    let mut to = from;
    let mut filled = 2;
    while to < widths.len() && filled + widths[to] <= room {
        filled += widths[to];
        to += 1;
    }
    let lead = usize::from(from > 0);
    let mut out: String = if lead > 0 { "…".to_owned() } else { String::new() };
    out.extend(text.chars().skip(from).take(to - from));
    if to < widths.len() {
        out.push('…');
    }
    (out, marked.map(|range| range.start - from + lead..range.end.clamp(from, to) - from + lead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_its_mark() {
        let text = format!("{}SECRET{}", "a".repeat(60), "b".repeat(60));
        let (shown, mark) = fit(&text, Some(60..66), 30);
        assert_eq!(shown, "…aaaaaaaaaaaaSECRETbbbbbbbbbb…");
        let mark = mark.expect("the mark stays");
        assert_eq!(&shown.chars().collect::<Vec<_>>()[mark], &['S', 'E', 'C', 'R', 'E', 'T']);
    }

    #[test]
    fn a_mark_wider_than_the_screen_is_cut_and_short_lines_are_left_alone() {
        let (shown, mark) = fit(&"*".repeat(90), Some(5..90), 20);
        assert_eq!((shown.chars().count(), mark), (20, Some(1..19)));
        assert_eq!(fit("short", Some(1..2), 20), ("short".to_owned(), Some(1..2)));
    }
}
