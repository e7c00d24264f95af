//! The parts that a scan spends its time in, over texts and rules made here.
//!
//! `cargo bench --bench parts`, or one part of it: `cargo bench --bench parts -- prefilter`. Starting is measured
//! by the bench `startup`, whole runs beside other scanners by `compare`.

mod rules;
mod texts;

use std::{hint::black_box, sync::Arc};

use divan::{Bencher, counter::BytesCount};
use keysweep::{
    detect::{Detector, Segment, Window, classify},
    finding::{LineIndex, line_hashes},
    report::Thresholds,
    rules::Confidence,
    scan::{Progress, Scanner, Settings},
    source::RelPath,
    suppress::Policy,
};

/// Sizes of the rule set; the smallest is the built-in one, whatever its size.
const RULES: [usize; 3] = [0, 400, 1500];

fn main() {
    divan::main();
}

/// The pass that finds anchors, without what happens at them.
#[divan::bench(args = texts::NAMES, consts = RULES, sample_count = 20)]
fn prefilter<const RULES: usize>(bencher: Bencher<'_, '_>, name: &str) {
    let (text, detector) = (texts::text(name), Detector::new(rules::at_least(RULES)));
    bencher.counter(BytesCount::of_slice(&text)).bench(|| detector.count_anchors(black_box(&text)));
}

/// Everything that happens to the bytes of a blob: class, candidates, judges, places.
#[divan::bench(args = texts::NAMES, consts = RULES, sample_count = 20)]
fn content<const RULES: usize>(bencher: Bencher<'_, '_>, name: &str) {
    let settings = Settings {
        thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
        now: 1_760_000_000,
        target: name.to_owned(),
        prefix: RelPath::default(),
        whole_blobs: false,
    };
    let progress = Arc::new(Progress::default());
    let scanner = Scanner::new(rules::at_least(RULES), Policy::default(), settings, progress);
    let text = texts::text(name);
    bencher.counter(BytesCount::of_slice(&text)).bench(|| scanner.scan_bytes(black_box(&text)).kept.len());
}

/// The segments of anchors 97 bytes apart, with the reach of a rule for one line.
#[divan::bench(args = ["source", "minified"])]
fn segments(bencher: Bencher<'_, '_>, name: &str) {
    let text = texts::text(name);
    let window = Window { bytes: &text, start: 0 };
    bencher.counter(BytesCount::of_slice(&text)).bench(|| {
        let places = (0..text.len()).step_by(97);
        places.map(|at| Segment::around(black_box(&window), at, 100, 400, false).range.len()).sum::<usize>()
    });
}

/// Telling text from UTF-16 and binary, once for each 8,000 bytes.
#[divan::bench(args = ["source", "zeros"])]
fn classes(bencher: Bencher<'_, '_>, name: &str) {
    let text = texts::text(name);
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench(|| text.chunks(8000).filter(|head| classify(black_box(head)) == classify(b"")).count());
}

/// An index of lines and one place in its middle: what one finding costs.
#[divan::bench(args = ["source", "minified"])]
fn lines(bencher: Bencher<'_, '_>, name: &str) {
    let text = texts::text(name);
    let middle = text.len() / 2;
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench(|| LineIndex::new(black_box(&text)).locate(&(middle..middle + 40)).start_column);
}

/// GitHub's hash of the last line: what one finding costs SARIF.
#[divan::bench(args = ["source", "minified"])]
fn hashes(bencher: Bencher<'_, '_>, name: &str) {
    let text = texts::text(name);
    let last = [LineIndex::new(&text).count()];
    bencher.counter(BytesCount::of_slice(&text)).bench(|| line_hashes(black_box(&text), &last));
}
