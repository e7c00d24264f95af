//! One blob, from bytes to judged candidates with their places in it.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read},
    ops::Range,
};

use super::{BINARY_LIMIT, Scanner};
use crate::{
    detect::{Candidate, Class, Detector, MARGIN, Window, classify, to_utf8},
    finding::{Excerpt, LineIndex, Location, columns, line_hashes},
    judge::{About, Judged, Verdict, content, merge},
    source::ExclusionReason,
    suppress::{Allow, inline},
};

/// How much of a stream is looked at in one go.
const CORE: usize = 4 << 20;

/// What to do with a blob's text and its judged candidates.
type Then<'a> = &'a mut dyn FnMut(&[u8], &mut Scanned, &[Judged]);

/// What was found in one blob.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Bytes looked at.
    pub bytes: u64,
    /// Only distinctive rules were tried.
    pub binary: bool,
    /// It was UTF-16.
    pub utf16: bool,
    /// Policy left it out after a look at its head.
    pub excluded: Option<ExclusionReason>,
    /// What content judges want reported.
    pub kept: Vec<Described>,
    /// What they dismissed, by reason.
    pub dismissed: BTreeMap<&'static str, usize>,
    /// Something is kept, and a line is so long that the file was made by a program.
    pub minified: bool,
    /// What its head says of it.
    pub(super) head: About,
}

/// A candidate that content judges kept, with its place in the text.
#[derive(Debug, Clone)]
pub struct Described {
    /// The verdict and what was read off.
    pub judged: Judged,
    /// Line and column; none in binary content.
    pub location: Option<Location>,
    /// The lines around it.
    pub excerpt: Option<Excerpt>,
    /// GitHub's hash of the first line, if such hashes are wanted.
    pub line_hash: Option<String>,
    /// An allow comment beside it.
    pub allow: Option<Allow>,
    /// Its own line is one of those that a program made.
    pub on_long_line: bool,
    /// Where its parts stand.
    pub part_locations: Vec<Option<Location>>,
}

impl Scanner {
    /// Which secrets a blob holds, without saying where: what a sweep over many versions needs.
    pub fn scan_values(&self, bytes: &[u8]) -> Scanned {
        let (all, mut scanned) = self.judge_bytes(bytes, &mut |_, _, _| {});
        for one in all {
            match &one.verdict {
                Verdict::Dismiss(reason) => *scanned.dismissed.entry(reason.id()).or_default() += 1,
                Verdict::Report(_) => scanned.kept.push(Described::without_place(one)),
            }
        }
        scanned
    }

    /// Everything about a blob that is in memory.
    pub fn scan_bytes(&self, bytes: &[u8]) -> Scanned {
        let judged = self.judge_bytes(bytes, &mut |text, scanned, all| {
            let any = all.iter().any(|one| matches!(one.verdict, Verdict::Report(_)));
            scanned.minified = any && has_long_line(text);
            scanned.head = if any { About::of(text) } else { About::default() };
            let index = (any && !scanned.binary).then(|| LineIndex::new(text));
            let masks = masks(all, 0);
            for one in all {
                match (&one.verdict, &index) {
                    (Verdict::Dismiss(reason), _) => *scanned.dismissed.entry(reason.id()).or_default() += 1,
                    (Verdict::Report(_), Some(index)) => {
                        scanned.kept.push(self.describe(index, one.clone(), &masks, 0))
                    }
                    (Verdict::Report(_), None) => scanned.kept.push(Described::without_place(one.clone())),
                }
            }
            if !self.line_hashes {
                return;
            }
            let lines: Vec<usize> =
                scanned.kept.iter().filter_map(|one| one.location.map(|location| location.start_line)).collect();
            for (one, hash) in
                scanned.kept.iter_mut().filter(|one| one.location.is_some()).zip(line_hashes(text, &lines))
            {
                one.line_hash = hash;
            }
        });
        judged.1
    }

    /// All candidates with their verdicts, for `keysweep explain`.
    pub fn explain_bytes(&self, bytes: &[u8]) -> (Vec<u8>, Vec<Judged>, Class) {
        let class = classify(bytes);
        let text = to_utf8(bytes, class).unwrap_or_else(|| bytes.to_vec());
        let (all, _) = self.judge_bytes(bytes, &mut |_, _, _| {});
        (text, all, class)
    }

    fn judge_bytes(&self, bytes: &[u8], then: Then<'_>) -> (Vec<Judged>, Scanned) {
        let class = classify(bytes);
        let mut scanned = Scanned {
            bytes: bytes.len() as u64,
            binary: class == Class::Binary,
            utf16: matches!(class, Class::Utf16Le | Class::Utf16Be),
            excluded: left_out(bytes, class, bytes.len() as u64),
            ..Scanned::default()
        };
        if scanned.excluded.is_some() {
            return (Vec::new(), scanned);
        }
        let converted = to_utf8(bytes, class);
        let text = converted.as_deref().unwrap_or(bytes);
        let window = Window { bytes: text, start: 0 };
        let mut found = Vec::new();
        self.detector.find(&window, &(0..text.len()), class, &mut found);
        if found.is_empty() {
            return (Vec::new(), scanned);
        }
        Detector::finish(&mut found);
        let mut all = self.judge_all(found, &window);
        merge::merge(self.rules(), &mut all);
        then(text, &mut scanned, &all);
        (all, scanned)
    }

    pub(super) fn judge_all(&self, found: Vec<Candidate>, window: &Window<'_>) -> Vec<Judged> {
        let rules = self.rules();
        found
            .into_iter()
            .map(|candidate| content::judge(rules.at(candidate.rule), candidate, window, self.settings.now))
            .collect()
    }

    /// Place, excerpt and allow comment of one kept candidate; `base` is where the index's text
    /// starts in the blob.
    fn describe(&self, index: &LineIndex<'_>, judged: Judged, masks: &[Range<usize>], base: u64) -> Described {
        let relative = |range: &Range<u64>| (range.start - base) as usize..(range.end - base) as usize;
        let secret = relative(&judged.candidate.secret);
        let rule = self.rules().at(judged.candidate.rule);
        Described {
            location: Some(index.locate(&secret)),
            excerpt: Some(Excerpt::new(index, &secret, masks)),
            line_hash: None,
            allow: if self.policy.inline { inline(index, &secret, rule) } else { None },
            on_long_line: index.line(index.line_of(secret.start)).1.len() > LONG,
            part_locations: judged.parts.iter().map(|part| Some(index.locate(&relative(&part.secret)))).collect(),
            judged,
        }
    }

    /// A blob that is too large to hold, through a sliding window.
    ///
    /// # Errors
    /// Whatever the reader says; what was found before is kept by the caller through `scanned`.
    pub fn scan_stream(&self, reader: &mut dyn Read, scanned: &mut Scanned) -> io::Result<()> {
        self.scan_windows(reader, scanned, CORE)
    }

    /// [`Self::scan_stream`] with a core of any size, so that tests can put seams everywhere.
    pub(super) fn scan_windows(
        &self,
        reader: &mut dyn Read,
        scanned: &mut Scanned,
        core_size: usize,
    ) -> io::Result<()> {
        let mut head = vec![0; 8000];
        let filled = fill(reader, &mut head)?;
        head.truncate(filled);
        let class = classify(&head);
        scanned.binary = class == Class::Binary;
        scanned.utf16 = matches!(class, Class::Utf16Le | Class::Utf16Be);
        // The size is not known; a container is left out whatever its size, a binary is read up to
        // the limit and then left.
        scanned.excluded = left_out(&head, class, 0);
        if scanned.excluded.is_some() {
            return Ok(());
        }
        let mut reader = Utf8::new(io::Cursor::new(head).chain(reader), class);
        // The first `held` bytes are text; what is behind them is room.
        let (mut room, mut held) = (Vec::new(), 0usize);
        let (mut start, mut lines_before, mut columns_before, mut core_start) = (0u64, 0usize, 0usize, 0usize);
        let mut all: Vec<Judged> = Vec::new();
        let mut described: HashMap<(usize, Range<u64>), Described> = HashMap::new();
        let mut failure = None;
        let mut lines = LongLine::default();
        loop {
            let wanted = core_start + core_size + MARGIN;
            let before = held;
            room.resize(wanted.max(room.len()), 0);
            let got = match fill(&mut reader, &mut room[before..wanted.max(before)]) {
                Ok(got) => got,
                Err(error) => {
                    failure = Some(error);
                    0
                }
            };
            held += got;
            let buffer = &room[..held];
            lines.take(&buffer[before..]);
            let at_end = buffer.len() < wanted;
            scanned.bytes += got as u64;
            if scanned.binary && scanned.bytes > BINARY_LIMIT {
                scanned.excluded = Some(ExclusionReason::LargeBinary);
                break;
            }
            let core = core_start..if at_end { buffer.len() } else { core_start + core_size };
            let window = Window { bytes: buffer, start };
            let mut found = Vec::new();
            self.detector.find(&window, &core, class, &mut found);
            Detector::finish(&mut found);
            let judged = self.judge_all(found, &window);
            if !scanned.binary && judged.iter().any(|one| matches!(one.verdict, Verdict::Report(_))) {
                let index = LineIndex::window(buffer, lines_before, columns_before, start);
                let masks = masks(&judged, start);
                for one in &judged {
                    if matches!(one.verdict, Verdict::Report(_)) {
                        let key = (one.candidate.rule, one.candidate.secret.clone());
                        described.entry(key).or_insert_with(|| self.describe(&index, one.clone(), &masks, start));
                    }
                }
            }
            all.extend(judged);
            if at_end || self.progress.is_stopped() {
                break;
            }
            // Keep a margin before the next core. Cut at a line start if one is near; a line that is
            // longer than that is cut in its middle, and its columns are counted on.
            let floor = core.end - MARGIN.min(core.end);
            // Not within a character, which would count as several.
            let floor = (floor.saturating_sub(64)..=floor).rev().find(|at| buffer[*at] & 0xc0 != 0x80).unwrap_or(floor);
            let near = floor.saturating_sub(MARGIN);
            let cut = memchr::memrchr(b'\n', &buffer[near..floor]).map_or(floor, |newline| near + newline + 1);
            match memchr::memrchr(b'\n', &buffer[..cut]) {
                Some(newline) => columns_before = columns(&buffer[newline + 1..cut]),
                None => columns_before += columns(&buffer[..cut]),
            }
            lines_before += memchr::memchr_iter(b'\n', &buffer[..cut]).count();
            start += cut as u64;
            core_start = core.end - cut;
            room.copy_within(cut..held, 0);
            held -= cut;
        }
        scanned.minified = lines.seen;
        all.sort_by_key(|one| (one.candidate.secret.start, one.candidate.secret.end, one.candidate.rule));
        all.dedup_by(|next, first| {
            next.candidate.rule == first.candidate.rule && next.candidate.secret == first.candidate.secret
        });
        merge::merge(self.rules(), &mut all);
        for one in all {
            match &one.verdict {
                Verdict::Dismiss(reason) => *scanned.dismissed.entry(reason.id()).or_default() += 1,
                Verdict::Report(_) => {
                    let key = (one.candidate.rule, one.candidate.secret.clone());
                    let known = described.remove(&key);
                    let mut entry = known.unwrap_or_else(|| Described::without_place(one.clone()));
                    entry.part_locations = vec![None; one.parts.len()];
                    entry.judged = one;
                    scanned.kept.push(entry);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

impl Scanned {
    /// What the file says of itself.
    pub fn about(&self) -> About {
        About { minified: self.minified, ..self.head }
    }
}

impl Described {
    /// In binary content a position says nothing.
    fn without_place(judged: Judged) -> Self {
        let part_locations = vec![None; judged.parts.len()];
        Self {
            judged,
            location: None,
            excerpt: None,
            line_hash: None,
            allow: None,
            on_long_line: false,
            part_locations,
        }
    }
}

/// The ranges of everything that may be a secret, so that an excerpt masks the neighbours too.
fn masks(all: &[Judged], base: u64) -> Vec<Range<usize>> {
    let mut masks: Vec<Range<usize>> = all
        .iter()
        .filter(|one| {
            use crate::judge::Reason;
            !matches!(
                one.verdict,
                Verdict::Dismiss(
                    Reason::Placeholder(_)
                        | Reason::Reference(_)
                        | Reason::LooksLike(_)
                        | Reason::NameSaysOtherwise(_)
                        | Reason::CompanionAlone
                )
            )
        })
        .map(|one| {
            (one.candidate.secret.start.saturating_sub(base)) as usize
                ..(one.candidate.secret.end.saturating_sub(base)) as usize
        })
        .collect();
    masks.sort_by_key(|mask| (mask.start, mask.end));
    // Overlapping masks become one.
    let mut joined: Vec<Range<usize>> = Vec::new();
    for mask in masks {
        match joined.last_mut() {
            Some(last) if mask.start < last.end => last.end = last.end.max(mask.end),
            _ => joined.push(mask),
        }
    }
    joined
}

pub(super) fn left_out(head: &[u8], class: Class, length: u64) -> Option<ExclusionReason> {
    const CONTAINERS: [&[u8]; 8] = [
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
    ];
    if head.starts_with(b"version https://git-lfs.github.com/spec/") && head.len() < 1024 {
        return Some(ExclusionReason::LfsPointer);
    }
    // `BZh` may begin a text; binary class says that it does not.
    if class == Class::Binary && CONTAINERS.iter().any(|magic| head.starts_with(magic)) {
        return Some(ExclusionReason::Container);
    }
    (class == Class::Binary && length > BINARY_LIMIT).then_some(ExclusionReason::LargeBinary)
}

/// A longer line was written by a program.
const LONG: usize = 5000;

/// Whether some line is longer than a person writes.
fn has_long_line(text: &[u8]) -> bool {
    let mut rest = text;
    // From the last newline within reach to the next: most bytes need no look.
    while let Some(reach) = rest.get(..=LONG) {
        match memchr::memrchr(b'\n', reach) {
            Some(newline) => rest = &rest[newline + 1..],
            None => return true,
        }
    }
    false
}

/// [`has_long_line`] of a text that comes in pieces.
#[derive(Default)]
struct LongLine {
    /// Bytes of the line that has not ended yet.
    open: usize,
    seen: bool,
}

impl LongLine {
    fn take(&mut self, text: &[u8]) {
        let first = memchr::memchr(b'\n', text);
        self.open += first.unwrap_or(text.len());
        self.seen |= self.open > LONG;
        if let Some(first) = first {
            self.seen = self.seen || has_long_line(&text[first + 1..]);
            self.open = text.len() - 1 - memchr::memrchr(b'\n', text).unwrap_or(first);
        }
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return if filled > 0 { Ok(filled) } else { Err(error) },
        }
    }
    Ok(filled)
}

/// Reads UTF-16 as UTF-8 and anything else as it is.
struct Utf8<R> {
    inner: R,
    decoder: Option<encoding_rs::Decoder>,
    raw: Vec<u8>,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    fn new(inner: R, class: Class) -> Self {
        let decoder = match class {
            Class::Utf16Le => Some(encoding_rs::UTF_16LE.new_decoder_with_bom_removal()),
            Class::Utf16Be => Some(encoding_rs::UTF_16BE.new_decoder_with_bom_removal()),
            Class::Plain | Class::Binary => None,
        };
        Self { inner, decoder, raw: vec![0; 64 << 10], ready: Vec::new(), taken: 0, ended: false }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else {
            return self.inner.read(out);
        };
        while self.taken == self.ready.len() && !self.ended {
            let count = self.inner.read(&mut self.raw)?;
            self.ended = count == 0;
            let mut text = String::with_capacity(decoder.max_utf8_buffer_length(count).unwrap_or(4 * count + 16));
            let _ = decoder.decode_to_string(&self.raw[..count], &mut text, self.ended);
            self.ready = text.into_bytes();
            self.taken = 0;
        }
        let count = out.len().min(self.ready.len() - self.taken);
        out[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_seen_wherever_it_stands_and_however_it_comes() {
        for length in [LONG - 1, LONG, LONG + 1] {
            for (before, behind) in [(0, 0), (0, 1), (1, 0), (2, 2), (99, 3), (LONG, LONG)] {
                let line = |count: usize| vec![b'x'; count];
                let text = [line(before), line(length), line(behind)].join(&b'\n');
                let expected = length > LONG;
                assert_eq!(has_long_line(&text), expected, "{before} {length} {behind}");
                for piece in [1, 7, 4096, LONG, LONG + 1, 100_000] {
                    let mut lines = LongLine::default();
                    text.chunks(piece).for_each(|piece| lines.take(piece));
                    assert_eq!(lines.seen, expected, "{before} {length} {behind} in pieces of {piece}");
                }
            }
        }
    }
}
