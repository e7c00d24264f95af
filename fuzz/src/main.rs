//! Throws mutated inputs at the functions that read what strangers wrote.
//!
//! No coverage guides it, for that needs a nightly compiler; instead the seeds are the rules' own
//! examples, and mutations splice anchors, examples and odd bytes into one another. A panic ends the
//! run with the input in `fuzz-crash-TARGET`; an input that takes long is reported in the same way.

mod packs;

/// Where the pack writer of the tests looks for the type of ids.
mod source {
    pub mod git {
        pub use keysweep::source::git::ObjectId;
    }
}

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use keysweep::{
    config::Config,
    finding::{LineIndex, line_hashes, neutralise},
    report::Thresholds,
    rules::{Confidence, Matcher, RuleSet, example, load},
    scan::{Progress, Scanner, Settings},
    source::RelPath,
    suppress::{Policy, inline},
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

const ODD: [&[u8]; 22] = [
    b"\0",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x1b[2J",
    "\u{202e}".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"\xc3",
    b"\x80\x80",
    b"\n",
    b"\r\n",
    b"\\n",
    b"%3D",
    b"\"",
    b"'",
    b"=",
    b": ",
    b"keysweep:allow ",
    b"# ",
    b"{{",
    b"}",
    b"[[rule]]\n",
    b"-----",
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len() + 1);
        let until = at + random.below((bytes.len() - at).min(64) + 1);
        match random.below(8) {
            0 => drop(bytes.drain(at..until)),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            3 => drop(bytes.splice(at..at, ODD[random.below(ODD.len())].iter().copied())),
            4 => {
                let piece = bytes[at..until].repeat(1 + random.below(200));
                drop(bytes.splice(at..at, piece));
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                drop(bytes.splice(at..until, other[from..].iter().copied()));
            }
            6 => bytes.truncate(at),
            _ => {
                let other = &seeds[random.below(seeds.len())];
                bytes.extend(other);
            }
        }
        bytes.truncate(60_000);
    }
    bytes
}

fn harmless(text: &str) {
    let bad = text.chars().find(|c| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
    });
    assert_eq!(bad, None, "{text:?}");
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().unwrap_or_else(|| "scan".to_owned());
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(60);
    let rules = Arc::new(RuleSet::builtin().expect("the built-in rules are sound"));
    let settings = Settings {
        thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
        now: 1_760_000_000,
        target: "fuzz".to_owned(),
        prefix: RelPath::default(),
    };
    let policy = Policy { inline: true, ..Policy::default() };
    let scanner = Scanner::new(Arc::clone(&rules), policy, settings, Arc::new(Progress::default()));
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for rule in rules.iter() {
        match target.as_str() {
            "example" => seeds.extend(rule.text().finds.iter().chain(&rule.text().ignores).map(|one| one.clone().into_bytes())),
            _ => {
                let all = rule.text().finds.iter().chain(&rule.text().ignores);
                seeds.extend(all.map(|one| example::expand(one, &rule.id).into_bytes()));
                if let Matcher::Pattern(pattern) = &rule.matcher {
                    seeds.extend(pattern.anchors.iter().map(|one| one.clone().into_bytes()));
                }
            }
        }
    }
    if matches!(target.as_str(), "rules" | "config") {
        seeds.clear();
        for entry in std::fs::read_dir("rules").expect("run it at the root of the package") {
            let path = entry.expect("the folder can be listed").path();
            let text = std::fs::read(path).expect("rules can be read");
            seeds.push(text[..text.len().min(6_000)].to_vec());
        }
        if target == "config" {
            for list in ["paths", "rules", "values"] {
                let text = format!(
                    "min-confidence = \"low\"\n[[allow.{list}]]\nreason = \"made up\"\npaths = [\"a/**\", \"!b\"]\nrule = \"generic-password\"\npattern = \"x.*\"\n"
                );
                seeds.extend(std::iter::repeat_n(text.into_bytes(), 8));
            }
        }
    }
    let mut random = Random(std::process::id().into());
    let (start, mut runs, mut slowest) = (Instant::now(), 0u64, Duration::ZERO);
    while start.elapsed() < Duration::from_secs(seconds) {
        let input = mutate(&mut random, &seeds);
        let text = String::from_utf8_lossy(&input);
        let begun = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match target.as_str() {
            "scan" => {
                let whole = scanner.scan_bytes(&input);
                let mut streamed = keysweep::scan::Scanned::default();
                scanner.scan_stream(&mut &input[..], &mut streamed).expect("a slice can be read");
                assert_eq!(whole.kept.len(), streamed.kept.len(), "whole and streamed differ");
                for line in whole.kept.iter().filter_map(|one| one.excerpt.as_ref()).flat_map(|one| &one.lines) {
                    harmless(&line.text);
                    if let Some(marked) = &line.marked {
                        assert!(marked.end <= line.text.chars().count(), "{marked:?} of {:?}", line.text);
                    }
                }
            }
            "rules" => drop(load("fuzz", &text).map_err(|error| harmless(&neutralise(&error.to_string())))),
            "config" => drop(Config::parse("fuzz", &text, &rules)),
            "inline" => {
                let index = LineIndex::new(&input);
                let at = random.below(input.len());
                let range = at..(at + random.below(200)).min(input.len());
                drop(inline(&index, &range, rules.at(0)));
                index.locate(&range);
            }
            "neutralise" => harmless(&neutralise(&text)),
            "hashes" => {
                let lines: Vec<usize> = (0..4).map(|_| random.below(200)).collect();
                assert!(line_hashes(&input, &lines).len() <= lines.len());
            }
            "example" => drop(example::expand(&text, "fuzz")),
            "delta" => packs::delta(&mut random),
            "forest" => packs::forest(&mut random),
            "damage" => packs::damage(&mut random),
            other => {
                panic!("no target {other}: scan rules config inline neutralise hashes example delta forest damage")
            }
        }));
        let took = begun.elapsed();
        slowest = slowest.max(took);
        if outcome.is_err() || took > Duration::from_secs(2) {
            let name = format!("fuzz-crash-{target}");
            std::fs::write(&name, &input).expect("it can be written");
            println!("{target}: failed or slow ({took:?}) after {runs} runs; see {name}");
            std::process::exit(1);
        }
        runs += 1;
    }
    println!("{target}: {runs} executions in {seconds} s, slowest {slowest:?}");
}
