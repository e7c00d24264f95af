//! Text on its way into a machine-readable report: no secret in it, nothing that steers a terminal.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use jiff::Timestamp;

use crate::{
    finding::{Finding, neutralise},
    report::{Look, Report},
    source::RelPath,
};

/// Shorter secrets are words; a report that blanks out every "admin" cannot be read.
const LEAST: usize = 8;

/// Takes secrets out of what surrounds a finding: a commit's subject, a file's name or a note can
/// hold the very token that was found, and only excerpts are masked where they are made.
pub(in crate::report) struct Redactor {
    search: Option<AhoCorasick>,
    masks: Vec<Mask>,
}

struct Mask {
    text: String,
    /// Certainly no ordinary word, so that it is also taken out of paths.
    strong: bool,
}

impl Redactor {
    /// For every secret of the report; passes everything on with `--show-secrets`.
    pub(in crate::report) fn new(report: &Report, look: &Look) -> Self {
        let mut secrets: BTreeMap<&[u8], &Finding> = BTreeMap::new();
        if !look.show_secrets {
            for finding in report.findings.iter().chain(&report.suppressed) {
                let secret = finding.secret.reveal();
                // Names and subjects have one line, so a key of many lines cannot stand in them.
                if secret.len() >= LEAST && !secret.contains(&b'\n') {
                    secrets.insert(secret, finding);
                }
            }
        }
        let masks = secrets
            .values()
            .map(|finding| Mask { text: finding.secret.masked(), strong: finding.fingerprint.is_some() });
        let masks = masks.collect();
        let mut builder = AhoCorasick::builder();
        builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        let search = builder.match_kind(MatchKind::LeftmostLongest).build(secrets.keys());
        Self { search: search.ok().filter(|_| !secrets.is_empty()), masks }
    }

    /// A text without any secret.
    pub(in crate::report) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes(), false) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// A text for a person to read: no secret, no control or bidi character; line ends stay.
    pub(in crate::report) fn display(&self, text: &str) -> String {
        self.text(text).split('\n').map(neutralise).collect::<Vec<_>>().join("\n")
    }

    /// A text for a person to read, on one line.
    pub(in crate::report) fn line(&self, text: &str) -> String {
        neutralise(&self.text(text))
    }

    /// The bytes of a path without any random-looking secret. Words stay: `src/password/` is no leak.
    pub(in crate::report) fn path<'a>(&self, path: &'a RelPath) -> Cow<'a, [u8]> {
        self.bytes(path.as_bstr(), true)
    }

    fn bytes<'a>(&self, bytes: &'a [u8], only_strong: bool) -> Cow<'a, [u8]> {
        let Some(search) = &self.search else {
            return Cow::Borrowed(bytes);
        };
        let mut out = Vec::new();
        let mut at = 0;
        for found in search.find_iter(bytes) {
            let mask = &self.masks[found.pattern().as_usize()];
            if mask.strong || !only_strong {
                out.extend(&bytes[at..found.start()]);
                out.extend(mask.text.as_bytes());
                at = found.end();
            }
        }
        if at == 0 {
            return Cow::Borrowed(bytes);
        }
        out.extend(&bytes[at..]);
        Cow::Owned(out)
    }
}

/// Seconds since 1970 as RFC 3339 in UTC; a commit's date can be any number, so it is held within
/// the years 1 to 9999 (as far as jiff goes).
pub(in crate::report) fn timestamp(seconds: i64) -> String {
    let seconds = seconds.clamp(-62_135_596_800, 253_402_207_199);
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// Writes JSON so that it can be shown on a terminal: what JSON leaves as it is but a terminal or
/// reader would act on (DEL, C1 controls, bidi and invisible characters) becomes `\u202e`.
///
/// Outside of strings JSON is plain ASCII, so no parser is needed.
pub(in crate::report) struct Escaped<W>(pub(in crate::report) W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // serde_json hands over whole characters.
        match std::str::from_utf8(bytes) {
            Ok(text) if !bytes.iter().all(|byte| byte.is_ascii() && *byte != 0x7f) => self.escaped(text)?,
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Escaped<W> {
    fn escaped(&mut self, text: &str) -> io::Result<()> {
        if neutralise(text) == text {
            return self.0.write_all(text.as_bytes());
        }
        for c in text.chars() {
            let mut buffer = [0; 4];
            let alone: &str = c.encode_utf8(&mut buffer);
            let acts = c == '\u{7f}' || (!c.is_ascii() && neutralise(alone) != alone);
            if acts {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.0, "\\u{unit:04x}")?;
                }
            } else {
                self.0.write_all(alone.as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{RotationDetail, sample::sample};

    #[test]
    fn a_commit_subject_or_path_that_holds_the_secret_is_masked() {
        let report = sample();
        let secret = String::from_utf8(report.findings[3].secret.reveal().to_vec()).expect("it is text");
        let mut look = Look { rotation: RotationDetail::Full, width: 80, show_secrets: false };
        let redactor = Redactor::new(&report, &look);
        let mask = report.findings[3].secret.masked();
        assert_eq!(redactor.text(&format!("Use {secret} now")), format!("Use {mask} now"));
        let path = RelPath::new(format!("keys/{secret}.txt"));
        assert_eq!(&*redactor.path(&path), format!("keys/{mask}.txt").as_bytes());
        look.show_secrets = true;
        assert_eq!(&*Redactor::new(&report, &look).text(&secret), secret);
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_reads_back_the_same() {
        let hostile = "a\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{e0041}ü\n";
        let mut out = Vec::new();
        serde_json::to_writer(Escaped(&mut out), hostile).expect("a vector takes everything");
        let text = String::from_utf8(out).expect("it is text");
        assert_eq!(text, r#""a\u001b[2J\u009b2J\u007f\u202e\udb40\udc41ü\n""#);
        assert_eq!(serde_json::from_str::<String>(&text).expect("it is JSON"), hostile);
    }

    #[test]
    fn any_date_can_be_written() {
        assert_eq!(timestamp(1_790_000_000), "2026-09-21T14:13:20Z");
        assert_eq!(timestamp(i64::MAX), "9999-12-30T21:59:59Z");
        assert_eq!(timestamp(i64::MIN), "0001-01-01T00:00:00Z");
    }
}
