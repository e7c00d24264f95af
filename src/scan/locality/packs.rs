//! Whole repositories: the sweep along random delta chains and the scan of every blob report the same, and each
//! shortcut of the sweep is needed for that.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Piece, scanner, text_of};
use crate::{
    detect::Fault,
    rules::RuleSet,
    scan::{Scanner, Settings, sweep::Visitor},
    source::git::{
        Limits, Repository, Selection,
        tests::pack_writer::{Op, PackWriter, between, write_loose},
    },
};

/// Worlds that must report the same. Each takes some tens of milliseconds in a debug build.
const WORLDS: u64 = 24;

/// SplitMix64: a world is its seed.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn chance(&mut self, in_a_hundred: usize) -> bool {
        self.below(100) < in_a_hundred
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        (1..count).for_each(|at| order.swap(at, self.below(at + 1)));
        order
    }
}

/// The lines of files, by path.
type Files = BTreeMap<String, Vec<Vec<u8>>>;

/// A bare repository in the making.
#[derive(Default)]
struct World {
    /// Kind and content of every object, by id in hex.
    objects: BTreeMap<String, (&'static str, Vec<u8>)>,
    /// Objects in the order in which they were made.
    order: Vec<String>,
}

const PATHS: [&str; 9] = [
    "app.py",
    "config/prod.env",
    "config/copy.env",
    "docs/readme.md",
    "tests/fixtures/sample.json",
    "package-lock.json",
    "deep/er/key.pem",
    "deep/er/notes",
    "deep/other",
];

impl World {
    fn add(&mut self, kind: &'static str, bytes: Vec<u8>) -> String {
        let id = PackWriter::new().id_of(kind, &bytes).to_string();
        if self.objects.insert(id.clone(), (kind, bytes)).is_none() {
            self.order.push(id.clone());
        }
        id
    }

    /// Adds the trees of some files and returns the root.
    fn tree(&mut self, files: &BTreeMap<String, String>) -> String {
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (path, blob) in files {
            match path.split_once('/') {
                // Folders sort as if a slash stood behind their names.
                Some((folder, _)) => names.insert(format!("{folder}/"), None),
                None => names.insert(path.clone(), Some(blob.clone())),
            };
        }
        let mut bytes = Vec::new();
        for (name, blob) in names {
            let id = blob.clone().unwrap_or_else(|| {
                let inside = files.iter().filter_map(|(path, blob)| Some((path.strip_prefix(&name)?, blob)));
                let inside = inside.map(|(path, blob)| (path.to_owned(), blob.clone())).collect();
                self.tree(&inside)
            });
            let mode = if blob.is_some() { "100644" } else { "40000" };
            bytes.extend(format!("{mode} {}\0", name.trim_end_matches('/')).as_bytes());
            bytes.extend((0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
        }
        self.add("tree", bytes)
    }

    fn random(seed: u64, rules: &RuleSet, rng: &mut Rng) -> (Self, String) {
        let mut world = Self::default();
        // Every fourth world is about how files begin and end.
        let ends = seed % 4 == 3;
        let mut files = Files::new();
        let mut snapshots: Vec<(Files, String)> = Vec::new();
        for number in 0..6 + rng.below(10) {
            for _ in 0..1 + rng.below(3) {
                let path = PATHS[rng.below(PATHS.len())].to_owned();
                match rng.below(12) {
                    0 if !ends => {
                        // A rename, or the same content at a harmless and at a dangerous path.
                        let other = PATHS[rng.below(PATHS.len())].to_owned();
                        if let Some(lines) =
                            if rng.chance(50) { files.remove(&path) } else { files.get(&path).cloned() }
                        {
                            files.insert(other, lines);
                        }
                    }
                    1 if files.len() > 1 => drop(files.remove(&path)),
                    _ if ends => edit_ends(files.entry(path).or_default(), rules, rng),
                    _ => edit(files.entry(path).or_default(), rules, rng),
                }
            }
            let mut parents: Vec<String> = snapshots.last().map(|(_, commit)| commit.clone()).into_iter().collect();
            if snapshots.len() > 2 && rng.chance(25) {
                // A merge; or a branch that goes on from an old version.
                let (old, commit) = &snapshots[rng.below(snapshots.len() - 1)];
                if rng.chance(60) {
                    files.extend(old.clone());
                    parents.push(commit.clone());
                } else {
                    files.clone_from(old);
                    parents = vec![commit.clone()];
                }
            }
            let blobs: BTreeMap<String, String> = files
                .iter()
                .map(|(path, lines)| (path.clone(), content(lines)))
                .map(|(path, bytes)| (path, world.add("blob", bytes)))
                .collect();
            let tree = world.tree(&blobs);
            let mut text = format!("tree {tree}\n");
            parents.dedup();
            parents.iter().for_each(|parent| text.extend(["parent ", parent, "\n"]));
            // Clocks that stand still or run backwards.
            let time = 1_700_000_000 + number as u64 * 60 - if rng.chance(20) { 100 } else { 0 };
            let message =
                if rng.chance(15) { line(rules, rng) } else { format!("change {number} of {seed}").into_bytes() };
            let people = format!("author A <a@b> {time} +0000\ncommitter C <c@d> {time} +0000\n\n");
            let commit = world.add("commit", [text.as_bytes(), people.as_bytes(), &message, b"\n"].concat());
            snapshots.push((files.clone(), commit));
        }
        // Something that no commit has.
        let mut dangling = vec![line(rules, rng)];
        edit(&mut dangling, rules, rng);
        world.add("blob", content(&dangling));
        let tip = snapshots.last().map(|(_, commit)| commit.clone()).unwrap();
        let tag = format!("object {tip}\ntype commit\ntag v1\ntagger A <a@b> 1700000000 +0000\n\n");
        world.add("tag", [tag.as_bytes(), &line(rules, rng), b"\n"].concat());
        (world, tip)
    }

    /// Writes all objects into packs and loose files, some several times, as deltas of all kinds.
    fn write(&self, objects: &Path, rng: &mut Rng) {
        let packs = 1 + rng.below(3);
        let mut members: Vec<Vec<&String>> = vec![Vec::new(); packs];
        for id in &self.order {
            let first = rng.below(packs + 1);
            if first == packs || rng.chance(5) {
                let (kind, bytes) = &self.objects[id];
                write_loose(objects, &PackWriter::new().id_of(kind, bytes), kind, bytes);
            }
            if first < packs {
                members[first].push(id);
            }
            if rng.chance(15) {
                let second = rng.below(packs);
                if second != first {
                    members[second].push(id);
                }
            }
        }
        for (number, members) in members.into_iter().enumerate().filter(|(_, members)| !members.is_empty()) {
            self.write_pack(objects, &format!("{number}"), &members, rng);
        }
    }

    fn write_pack(&self, objects: &Path, name: &str, members: &[&String], rng: &mut Rng) {
        let mut pack = PackWriter::new();
        // A base is of lower rank, whether it is older or newer, and may be written later.
        let style = rng.below(3);
        let count = members.len();
        let rank = match style {
            0 => (0..count).collect(),
            1 => (0..count).rev().collect(),
            _ => rng.shuffled(count),
        };
        let mut written: BTreeMap<usize, usize> = BTreeMap::new();
        for at in rng.shuffled(count) {
            let (kind, bytes) = &self.objects[members[at]];
            let lower: Vec<usize> = (0..count)
                .filter(|other| rank[*other] < rank[at] && self.objects[members[*other]].0 == *kind)
                .collect();
            let near = lower.iter().copied().filter(|other| rank[at] - rank[*other] < 6).collect::<Vec<_>>();
            let bases = if rng.chance(70) && !near.is_empty() { near } else { lower };
            let entry = if bases.is_empty() || rng.chance(15) {
                let number = match *kind {
                    "commit" => 1,
                    "tree" => 2,
                    "blob" => 3,
                    _ => 4,
                };
                pack.object(number, kind, bytes)
            } else {
                let base = bases[rng.below(bases.len())];
                let ops = delta(&self.objects[members[base]].1, bytes, rng);
                match written.get(&base) {
                    Some(entry) if rng.chance(90) => pack.delta_of(kind, *entry, &ops),
                    _ => pack.named_delta_of(kind, &self.objects[members[base]].1, &ops),
                }
            };
            written.insert(at, entry);
        }
        pack.write(objects, name);
    }
}

/// One line with a secret, in whatever form, or without.
fn line(rules: &RuleSet, rng: &mut Rng) -> Vec<u8> {
    let (rule, example, seed) = (rng.below(1000), rng.below(20), rng.below(4) as u8);
    let pieces = match rng.below(16) {
        0..=6 => vec![Piece::Example(rule, example, seed)],
        // Base64 that starts one byte later each time.
        7 => vec![Piece::Coded(rule, example, rng.below(4)), Piece::Filler(" ", 1)],
        8 => vec![Piece::LongKey(1 + rng.below(30))],
        9 => vec![Piece::Anchor(rule, example), Piece::Filler(" x", 1)],
        10 => vec![Piece::Filler("# keysweep:allow made up for a test", 1)],
        11 => vec![Piece::Example(rule, example, seed), Piece::Filler(" # keysweep:allow made up", 1)],
        _ => vec![Piece::Filler("lorem ipsum dolor sit amet", 1 + rng.below(4))],
    };
    text_of(&pieces, rules)
}

/// Alters a file's lines.
fn edit(lines: &mut Vec<Vec<u8>>, rules: &RuleSet, rng: &mut Rng) {
    if lines.is_empty() {
        lines.extend((0..3 + rng.below(12)).map(|_| line(rules, rng)));
    }
    for _ in 0..1 + rng.below(3) {
        let at = rng.below(lines.len());
        match rng.below(14) {
            // Only the first or the last byte goes, or comes.
            10 | 11 => drop((!lines[0].is_empty()).then(|| lines[0].remove(0))),
            12 => drop(lines.last_mut().and_then(Vec::pop)),
            13 => {
                let place = if rng.chance(50) { 0 } else { lines.len() - 1 };
                let end = if place == 0 { 0 } else { lines[place].len() };
                lines[place].insert(end, b"q9"[rng.below(2)]);
            }
            0..=2 => lines.insert(at, line(rules, rng)),
            3 => lines[at] = line(rules, rng),
            4 if lines.len() > 1 => drop(lines.remove(at)),
            // An allow comment above an old line.
            5 => lines.insert(at, b"# keysweep:allow an old line".to_vec()),
            // A byte in the middle of something.
            6 | 7 => {
                let place = rng.below(lines[at].len() + 1);
                let byte = b"a7 \n='"[rng.below(6)];
                lines[at].insert(place, byte);
            }
            8 => {
                let to = rng.below(lines.len());
                lines.swap(at, to);
            }
            // Another class of content, or back to text.
            _ if rng.chance(30) => match lines[0].first() {
                Some(0 | 1) => drop(lines[0].remove(0)),
                _ => lines[0].insert(0, rng.below(2) as u8),
            },
            _ => {}
        }
    }
}

/// Puts a byte before the token with which a file begins or behind the one with which it ends, or takes one away.
fn edit_ends(lines: &mut Vec<Vec<u8>>, rules: &RuleSet, rng: &mut Rng) {
    if lines.is_empty() {
        let token = |rng: &mut Rng| text_of(&[Piece::LongToken(20 + rng.below(3))], rules).trim_ascii().to_vec();
        lines.extend([token(rng), text_of(&[Piece::Filler("lorem ipsum dolor\n", 2000)], rules), token(rng)]);
    }
    let first = rng.chance(50);
    let line = if first { &mut lines[0] } else { &mut lines[2] };
    let end = if first { 0 } else { line.len() };
    if rng.chance(50) {
        line.insert(end, b"q9 "[rng.below(3)]);
    } else if line.len() > 1 {
        line.remove(end.min(line.len() - 1));
    }
}

/// The bytes of a file: a NUL first makes it binary, a 1 UTF-16.
fn content(lines: &[Vec<u8>]) -> Vec<u8> {
    let text = lines.join(&b'\n');
    if text.first() == Some(&1) {
        let units = String::from_utf8_lossy(&text[1..]).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        return [&[0xff, 0xfe][..], &units].concat();
    }
    text
}

/// A delta that makes `new` of `base`, in one of many ways.
fn delta(base: &[u8], new: &[u8], rng: &mut Rng) -> Vec<Op> {
    let plain = match rng.below(4) {
        0 => between(base, new),
        1 if rng.chance(20) => vec![Op::Insert(new.to_vec())],
        _ => pieced(base, new, rng),
    };
    // No instruction of none.
    plain.into_iter().filter(|op| !matches!(op, Op::Copy(_, 0)) && *op != Op::Insert(Vec::new())).collect()
}

/// Takes what it can from anywhere in the base, cut anywhere.
fn pieced(base: &[u8], new: &[u8], rng: &mut Rng) -> Vec<Op> {
    let (mut ops, mut at) = (Vec::new(), 0);
    let mut inserted = Vec::new();
    while at < new.len() {
        let least = [4, 8, 24][rng.below(3)].min(new.len() - at);
        let places: Vec<usize> = memchr::memmem::find_iter(base, &new[at..at + least]).take(4).collect();
        if places.is_empty() || rng.chance(3) {
            inserted.push(new[at]);
            at += 1;
            continue;
        }
        let from = places[rng.below(places.len())];
        let mut len = base[from..].iter().zip(&new[at..]).take_while(|(a, b)| a == b).count();
        if rng.chance(20) {
            len = 1 + rng.below(len);
        }
        ops.push(Op::Insert(std::mem::take(&mut inserted)));
        ops.push(Op::Copy(from, len));
        at += len;
    }
    ops.push(Op::Insert(inserted));
    ops
}

/// Writes a world into a bare repository.
fn repository(seed: u64, rules: &RuleSet) -> (TempDir, PathBuf) {
    let mut rng = Rng(seed.wrapping_mul(0x1234_5678_9abc_def1));
    let temp = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(temp.path()).unwrap();
    let (world, tip) = World::random(seed, rules, &mut rng);
    world.write(&temp.path().join("objects"), &mut rng);
    fs::write(temp.path().join("refs/heads/main"), format!("{tip}\n")).unwrap();
    fs::write(temp.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let path = temp.path().to_path_buf();
    (temp, path)
}

fn both(fault: Option<Fault>) -> (Scanner, Scanner) {
    let mut sweep = scanner();
    sweep.detector.fault = fault;
    let mut whole = scanner();
    whole.settings = Settings { whole_blobs: true, ..whole.settings };
    (sweep, whole)
}

/// Everything that a report is made of.
fn told(scanner: &Scanner, path: &Path) -> String {
    let repository = Repository::open(path).unwrap();
    let (_, gathered) = scanner.gather_history(&repository, &Selection::All).unwrap();
    let mut findings: Vec<String> = gathered
        .findings
        .iter()
        .map(|finding| format!("{finding:?} {:?}", String::from_utf8_lossy(finding.secret.reveal())))
        .collect();
    findings.sort();
    let mut gaps = gathered.gaps;
    gaps.sort();
    gaps.dedup();
    format!("{}\n{:?}\n{:?}\n{gaps:?}", findings.join("\n"), gathered.dismissed, gathered.coverage)
}

/// Where two reports part.
fn difference(sweep: &Scanner, whole: &Scanner, seed: u64) -> Option<String> {
    let (_temp, path) = repository(seed, sweep.rules());
    let (got, wanted) = (told(sweep, &path), told(whole, &path));
    let apart = got.lines().zip(wanted.lines()).find(|(got, wanted)| got != wanted);
    (got != wanted).then(|| format!("world {seed}: {apart:#?}"))
}

#[test]
fn a_history_swept_is_reported_as_one_scanned_whole() {
    let (sweep, whole) = both(None);
    let differences: Vec<_> = (0..WORLDS).filter_map(|seed| difference(&sweep, &whole, seed)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // The worlds hold what they are meant to.
    let (_temp, path) = repository(0, sweep.rules());
    let told = told(&sweep, &path);
    assert!(told.lines().count() > 8, "{told}");
}

#[test]
fn versions_that_do_not_fit_the_memory_of_the_sweep_are_scanned_whole() {
    let (mut sweep, whole) = both(None);
    sweep.sweep_memory = 24 << 10;
    let differences: Vec<_> = (3..24).step_by(4).filter_map(|seed| difference(&sweep, &whole, seed)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // The sweep itself would not do.
    let (_temp, path) = repository(3, sweep.rules());
    let limits = Limits { max_memory: sweep.sweep_memory, ..Limits::default() };
    let (gatherer, hits) = Default::default();
    let visitor = Visitor { scanner: &sweep, gatherer: &gatherer, hits: &hits };
    let swept = Repository::open(&path).unwrap().sweep_packs(&visitor, &limits);
    assert!(!swept.large.is_empty());
}

#[test]
fn every_fault_of_the_sweep_changes_some_report() {
    for fault in [Fault::Inherit, Fault::Ends, Fault::Anchors, Fault::Class] {
        let (broken, whole) = both(Some(fault));
        // Only some worlds are about ends.
        let step = if fault == Fault::Ends { 4 } else { 1 };
        let noticed = (3..10 * WORLDS).step_by(step).any(|seed| difference(&broken, &whole, seed).is_some());
        assert!(noticed, "{fault:?} changes nothing that these worlds can show");
    }
}
