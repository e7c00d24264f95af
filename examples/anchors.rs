//! How often each rule's anchors stand in the files of some folders, and how often something was found there.
//!
//! `cargo run --release --example anchors -- FOLDER...`: a rule with many anchors and no candidates costs time.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf, sync::Arc, time::Instant};

use keysweep::{
    detect::{Detector, Window, classify},
    rules::RuleSet,
};

/// What each rule costs alone, in nanoseconds a byte.
fn times(rules: &RuleSet, text: &[u8]) -> String {
    let window = Window { bytes: text, start: 0 };
    let mut all: Vec<(f64, usize, String)> = rules
        .iter()
        .map(|rule| {
            let alone = RuleSet::default().with(vec![Arc::clone(rule)]).map(Arc::new);
            let Ok(alone) = alone else { return (0.0, 0, rule.id.to_string()) };
            let detector = Detector::new(alone);
            let mut found = Vec::new();
            let started = Instant::now();
            detector.find(&window, &(0..text.len()), classify(text), &mut found);
            (started.elapsed().as_nanos() as f64 / text.len() as f64, found.len(), rule.id.to_string())
        })
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.iter().take(60).map(|(time, found, id)| format!("{time:8.3} ns/B {found:6} found  {id}\n")).collect()
}

fn main() {
    let rules = Arc::new(RuleSet::builtin().expect("the built-in rules are sound"));
    let detector = Detector::new(Arc::clone(&rules));
    let mut counts: BTreeMap<(usize, String), (usize, usize)> = BTreeMap::new();
    let mut open: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let mut bytes = 0;
    let mut all_text = Vec::new();
    while let Some(path) = open.pop() {
        if let Ok(list) = fs::read_dir(&path) {
            open.extend(list.filter_map(|entry| Some(entry.ok()?.path())));
        } else if let Ok(text) = fs::read(&path) {
            bytes += text.len();
            all_text.extend_from_slice(&text);
            let window = Window { bytes: &text, start: 0 };
            for one in detector.trace(&window, &(0..text.len()), classify(&text)) {
                let count = counts.entry((one.rule, one.anchor.to_ascii_lowercase())).or_default();
                *count = (count.0 + 1, count.1 + one.found);
            }
        }
    }
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_by_key(|(_, (hits, _))| std::cmp::Reverse(*hits));
    let mut out = format!("{bytes} bytes\n hits  found  rule  anchor\n");
    for ((rule, anchor), (hits, found)) in all.into_iter().take(100) {
        let _ = writeln!(out, "{hits:8} {found:6}  {} {anchor:?}", rules.at(rule).id);
    }
    out += &times(&rules, &all_text);
    let _ = std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes());
}
