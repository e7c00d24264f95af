//! Lines of a page: wrapped, hanging, and without a byte of a secret; and how numbers, sizes,
//! ages and refs read.

use std::{io, time::Duration};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use anstream::adapter::strip_str;
use bstr::ByteSlice as _;
use unicode_width::UnicodeWidthStr as _;

use super::style::{self, paint};
use crate::{
    finding::{Secret, neutralise},
    report::{Look, Report},
};

/// Columns of the labels in front of the rows of an incident and of the receipt.
const LABELS: usize = 12;

/// Shorter secrets are ordinary words, and a path or command that lost a word is of no use.
const LEAST_IN_NAMES: usize = 16;

/// Bytes by which a secret is recognised: an audit can find thousands of long ones.
const HEAD: usize = 64;

/// Where lines go.
pub(super) struct Page<'a> {
    out: &'a mut dyn io::Write,
    /// Columns of the terminal, for what is drawn.
    pub(super) columns: usize,
    /// Columns of prose, which is hard to read when it runs wide.
    prose: usize,
    secrets: Option<AhoCorasick>,
}

impl<'a> Page<'a> {
    /// A page that will show no secret of the report, unless that was asked for.
    pub(super) fn new(report: &Report, look: &Look, out: &'a mut dyn io::Write) -> Self {
        let mut known: Vec<&[u8]> = Vec::new();
        if !look.show_secrets {
            known.extend(report.findings.iter().chain(&report.suppressed).map(|finding| finding.secret.reveal()));
            known.retain(|secret| secret.len() >= 4);
            known.iter_mut().for_each(|secret| *secret = &secret[..secret.len().min(HEAD)]);
            known.sort_unstable();
            known.dedup();
        }
        let secrets = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(&known);
        let secrets = (!known.is_empty()).then(|| secrets.expect("heads of secrets are short enough for an automaton"));
        Self { out, columns: look.width.max(40), prose: look.width.clamp(40, 100), secrets }
    }

    /// What people wrote in the scanned repository, made harmless: a commit subject may steer the
    /// terminal and may quote the secret.
    pub(super) fn clean(&self, text: &str) -> String {
        self.masked(text, 0)
    }

    /// Anything else that is not our own words, made harmless: paths, refs, commands, rules.
    pub(super) fn name(&self, text: &str) -> String {
        self.masked(text, LEAST_IN_NAMES)
    }

    fn masked(&self, text: &str, least: usize) -> String {
        let Some(secrets) = &self.secrets else {
            return neutralise(text);
        };
        let mut out = Vec::new();
        let mut at = 0;
        for found in secrets.find_iter(text).filter(|found| found.len() >= least) {
            if found.start() < at {
                continue;
            }
            // Only its head was looked for, so all that hangs on it goes.
            let rest = &text.as_bytes()[found.end()..];
            let tail = if found.len() < HEAD { 0 } else { rest.find_byteset(b" \t\"'").unwrap_or(rest.len()) };
            out.extend_from_slice(&text.as_bytes()[at..found.start()]);
            at = found.end() + tail;
            out.extend(Secret::new(&text.as_bytes()[found.start()..at]).masked().into_bytes());
        }
        out.extend_from_slice(&text.as_bytes()[at..]);
        neutralise(&String::from_utf8_lossy(&out))
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line as it is, however long.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Prose; what does not fit hangs below the end of `lead`.
    pub(super) fn prose(&mut self, lead: &str, text: &str) -> io::Result<()> {
        let indent = width(lead);
        let room = self.prose.saturating_sub(indent).max(20);
        for (at, line) in wrap(text, room).iter().enumerate() {
            match at {
                0 => writeln!(self.out, "{lead}{line}")?,
                _ => writeln!(self.out, "{:indent$}{line}", "")?,
            }
        }
        Ok(())
    }

    /// A label and what belongs to it.
    pub(super) fn row(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.prose(&format!("  {} ", paint(style::LABEL, format_args!("{label:<LABELS$}"))), text)
    }

    /// A label and places that belong to it, one a line and never wrapped: terminals make them
    /// links.
    pub(super) fn places(&mut self, label: &str, places: &[String]) -> io::Result<()> {
        for (at, place) in places.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            writeln!(self.out, "  {} {place}", paint(style::LABEL, format_args!("{label:<LABELS$}")))?;
        }
        Ok(())
    }

    /// One line, cut at the end of a word to the columns of prose.
    pub(super) fn cut(&mut self, lead: &str, text: &str) -> io::Result<()> {
        let room = self.prose.saturating_sub(width(lead)).max(20);
        match wrap(text, room).as_slice() {
            [whole] => writeln!(self.out, "{lead}{whole}"),
            _ => {
                let lines = wrap(text, room - 2);
                writeln!(self.out, "{lead}{} …", lines[0].trim_end_matches([',', ';', ':']))
            }
        }
    }
}

/// Columns of a text, styles not counted.
pub(super) fn width(text: &str) -> usize {
    strip_str(text).to_string().width()
}

/// Lines of at most so many columns, broken at spaces only: a URL stays whole.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut filled = 0;
    for word in text.split(' ') {
        let columns = width(word);
        let last = lines.last_mut().expect("there is a first line");
        if filled == 0 {
            last.push_str(word);
            filled = columns;
        } else if filled + 1 + columns <= room {
            last.push(' ');
            last.push_str(word);
            filled += 1 + columns;
        } else {
            lines.push(word.to_owned());
            filled = columns;
        }
    }
    lines
}

/// `12,345`.
pub(super) fn number(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().map_or_else(|_| "?".to_owned(), |count| count.to_string());
    let mut out = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 commit`, `12,345 commits`.
pub(super) fn count(of: usize, noun: &str) -> String {
    format!("{} {noun}{}", number(of as u64), if of == 1 { "" } else { "s" })
}

/// `48.0 MB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return count(bytes as usize, "byte");
    }
    let mut amount = bytes as f64 / 1e3;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1e3;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// `8 ms`, `1.2 s`, `3 min 5 s`.
pub(super) fn duration(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        1..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {} s", number(seconds / 60), seconds % 60),
    }
}

/// `30 days ago (2026-08-22)`; the date is UTC.
pub(super) fn when(time: i64, now: i64) -> String {
    const UNITS: [(i64, &str); 5] =
        [(2 * 365 * 86_400, "year"), (60 * 86_400, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    let Ok(stamp) = jiff::Timestamp::from_second(time) else {
        return "at a date out of range".to_owned();
    };
    let date = stamp.strftime("%Y-%m-%d");
    let age = now.saturating_sub(time);
    if age < 0 {
        return format!("dated {date}, in the future");
    }
    let ago = match UNITS.iter().find(|(from, _)| age >= *from) {
        None => "just now".to_owned(),
        Some((_, unit)) => {
            let long = match *unit {
                "year" => 31_556_952,
                "month" => 2_629_746,
                "day" => 86_400,
                "hour" => 3_600,
                _ => 60,
            };
            format!("{} ago", count((age / long).max(1) as usize, unit))
        }
    };
    format!("{ago} ({date})")
}

/// The name of a ref as people write it.
pub(super) fn short_ref(name: &str) -> String {
    match (name.strip_prefix("refs/tags/"), name.strip_prefix("refs/heads/"), name.strip_prefix("refs/remotes/")) {
        (Some(tag), ..) => format!("tag {tag}"),
        (_, Some(short), _) | (_, _, Some(short)) => short.to_owned(),
        _ => name.to_owned(),
    }
}

/// The first few, and how many more there are.
pub(super) fn few(names: &[String], limit: usize, unnamed: usize) -> String {
    // "and 1 more" is no shorter than the one.
    if names.len() <= limit + 1 && unnamed == 0 {
        return names.join(", ");
    }
    let shown = names.len().min(limit);
    format!("{} and {} more", names[..shown].join(", "), number((names.len() - shown + unnamed) as u64))
}

/// `an` before a vowel that is heard: an AWS key, an npm token, a PEM key, a user token.
pub(in crate::report) fn article(title: &str) -> &'static str {
    let word = title.split(' ').next().unwrap_or_default();
    let spelt =
        word == "npm" || (word.len() > 1 && word.len() < 5 && word.bytes().all(|byte| byte.is_ascii_uppercase()));
    let vowels = if spelt && !word.starts_with(['J', 'P']) { "AEFHILMNORSXn" } else { "AEIOaeio" };
    if word.starts_with(|first| vowels.contains(first)) { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [number(0_u64), number(999_u64), number(1_000_u64), number(1_234_567_u64)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [size(1), size(999), size(1_000), size(999_999), size(5_530_000_000)],
            ["1 byte", "999 bytes", "1.0 kB", "1.0 MB", "5.5 GB"]
        );
        let times = [8, 1_234, 185_000].map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(times, ["8 ms", "1.2 s", "3 min 5 s"]);
    }

    #[test]
    fn ages_read_well() {
        let ago = |seconds: i64| when(1_790_000_000 - seconds, 1_790_000_000);
        assert_eq!(ago(5), "just now (2026-09-21)");
        assert_eq!(ago(3_600), "1 hour ago (2026-09-21)");
        assert_eq!(ago(30 * 86_400), "30 days ago (2026-08-22)");
        assert_eq!(ago(400 * 86_400), "13 months ago (2025-08-17)");
        assert_eq!(ago(900 * 86_400), "2 years ago (2024-04-04)");
        assert_eq!(ago(-86_400), "dated 2026-09-22, in the future");
        assert_eq!(when(i64::MIN, i64::MAX), "at a date out of range");
    }

    #[test]
    fn articles_are_heard() {
        let titles = ["Acme token", "npm access token", "AWS key", "SSH key", "PEM private key", "JSON Web Token"];
        assert_eq!(titles.map(article), ["an", "an", "an", "an", "a", "a"]);
        assert_eq!(["user token", "OpenAI API key", "Stripe key", "SAML key"].map(article), ["a", "an", "a", "an"]);
    }

    #[test]
    fn urls_stay_whole_and_wide_characters_count_twice() {
        assert_eq!(
            wrap("see https://docs.acme.example/tokens now", 10),
            ["see", "https://docs.acme.example/tokens", "now"]
        );
        assert_eq!(wrap("鍵鍵鍵 鍵鍵 a", 8), ["鍵鍵鍵", "鍵鍵 a"]);
    }
}
