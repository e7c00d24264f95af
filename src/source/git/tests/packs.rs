//! Sweeps of packs that no git would write: each version as it should be, and every damage a gap.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

use super::pack_writer::{Entry, Op, PackWriter, between, encode, write, write_loose, zlib};
use crate::source::git::{Edit, Limits, ObjectId, Swept, Visit, sweep_object_dirs};
use crate::source::{Gap, GapKind};

/// Keeps what it is given, and checks that bases, states and edits belong together.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) found: Mutex<BTreeMap<ObjectId, Vec<Vec<u8>>>>,
    /// Ids that came as roots and as children.
    pub(super) roots: Mutex<Vec<ObjectId>>,
    pub(super) children: Mutex<Vec<ObjectId>>,
    /// Done as soon as the first version comes.
    pub(super) first: Option<Box<dyn Fn() + Sync + Send>>,
    once: OnceLock<()>,
    /// Stop after so many.
    pub(super) stop_after: Option<usize>,
    count: AtomicUsize,
}

impl Recorder {
    fn begin(&self) {
        if let Some(first) = &self.first {
            self.once.get_or_init(first);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The blobs found, each of which must have come once.
    pub(super) fn blobs(&self) -> BTreeMap<ObjectId, Vec<u8>> {
        let found = self.found.lock().unwrap();
        let once = found.iter().map(|(id, all)| {
            assert_eq!(all.len(), 1, "{id} came {} times", all.len());
            (*id, all[0].clone())
        });
        once.collect()
    }
}

impl Visit for Recorder {
    type State = blake3::Hash;

    fn root(&self, id: &ObjectId, bytes: &[u8]) -> blake3::Hash {
        self.begin();
        self.roots.lock().unwrap().push(*id);
        blake3::hash(bytes)
    }

    fn child(&self, id: &ObjectId, bytes: &[u8], base: &[u8], state: &blake3::Hash, edit: &Edit) -> blake3::Hash {
        self.begin();
        assert_eq!(*state, blake3::hash(base), "the state is the base's");
        assert_eq!((edit.base_len, edit.len), (base.len(), bytes.len()));
        let mut at = 0;
        for copied in &edit.copies {
            assert!(copied.len > 0 && copied.at >= at);
            assert_eq!(bytes[copied.at..copied.at + copied.len], base[copied.base..copied.base + copied.len]);
            at = copied.at + copied.len;
        }
        let fresh: usize = edit.fresh().map(|range| range.len()).sum();
        assert_eq!(fresh, edit.fresh_len());
        self.children.lock().unwrap().push(*id);
        blake3::hash(bytes)
    }

    fn found(&self, id: &ObjectId, bytes: &[u8], state: &blake3::Hash) {
        assert_eq!(*state, blake3::hash(bytes));
        self.found.lock().unwrap().entry(*id).or_default().push(bytes.to_vec());
    }

    fn stop(&self) -> bool {
        self.stop_after.is_some_and(|most| self.count.load(Ordering::Relaxed) >= most)
    }
}

/// A bare repository without objects.
pub(super) fn bare() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(temp.path()).unwrap();
    let objects = temp.path().join("objects");
    (temp, objects)
}

pub(super) fn sweep(dirs: &[&Path]) -> (Recorder, Swept) {
    sweep_with(dirs, Recorder::default(), &Limits { check_ids: true, ..Limits::default() })
}

pub(super) fn sweep_with(dirs: &[&Path], recorder: Recorder, limits: &Limits) -> (Recorder, Swept) {
    let dirs: Vec<_> = dirs.iter().map(|dir| dir.to_path_buf()).collect();
    let swept = sweep_object_dirs(&dirs, &recorder, limits);
    assert_eq!(swept.blobs as usize, recorder.blobs().len());
    (recorder, swept)
}

pub(super) fn kinds(gaps: &[Gap]) -> Vec<GapKind> {
    gaps.iter().map(|gap| gap.kind).collect()
}

/// Some lines of text, never the same twice.
pub(super) fn text(lines: std::ops::Range<u32>) -> Vec<u8> {
    lines.map(|line| format!("line {line} {:08x}\n", line.wrapping_mul(2_654_435_761))).collect::<String>().into_bytes()
}

/// A pack with deltas of every kind, and what its blobs are.
fn variety() -> PackWriter {
    let mut pack = PackWriter::new();
    let a = pack.blob(&text(0..300));
    // Newer from older: an insert in the middle.
    let newer = [&text(0..100)[..], b"inserted\n", &text(100..300)].concat();
    let b = pack.delta(a, &between(&text(0..300), &newer));
    // Older from newer: cut away.
    let c = pack.delta(b, &between(&newer, &text(0..50)));
    // Copy-only, and in another order.
    pack.delta(a, &[Op::Copy(1000, 500), Op::Copy(0, 700), Op::Copy(100, 64)]);
    // The base of another file, most of it inserted.
    let other = pack.blob(&text(1000..1300));
    pack.delta(other, &[Op::Insert(text(5000..5100)), Op::Copy(3, 40)]);
    // A named base that comes later, and one that is a delta itself.
    let late = text(2000..2200);
    pack.named_delta(&late, &between(&late, &[&late[..], b"end\n"].concat()));
    pack.blob(&late);
    let deep = pack.entries[c].bytes.clone();
    pack.named_delta(&deep, &[Op::Copy(0, 10)]);
    pack.blob(b"");
    // Longer than a copy can say, and than a window.
    let long = text(10_000..30_000);
    let base = pack.blob(&long);
    pack.delta(base, &[Op::Copy(0, long.len()), Op::Insert(b"more".to_vec())]);
    pack.object(2, "tree", b"");
    // A chain of 200.
    let mut tip = pack.blob(&text(40_000..40_010));
    for step in 0..200u32 {
        let old = pack.entries[tip].bytes.clone();
        let new = [&old[..], &text(50_000 + step..50_001 + step)].concat();
        tip = pack.delta(tip, &between(&old, &new));
    }
    pack
}

pub(super) fn expected(pack: &PackWriter) -> BTreeMap<ObjectId, Vec<u8>> {
    pack.entries.iter().filter(|entry| entry.kind != 2).map(|entry| (entry.id, entry.bytes.clone())).collect()
}

#[test]
fn every_version_comes_once_and_as_libgit2_reads_it() {
    let (temp, objects) = bare();
    let pack = variety();
    let path = pack.write(&objects, "made");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs() == expected(&pack));
    assert!(recorder.children.lock().unwrap().len() > 200);
    assert_eq!(swept.decoded, swept.bytes);
    assert_eq!(swept.roots, 6);
    let repository = git2::Repository::open_bare(temp.path()).unwrap();
    for (id, bytes) in recorder.blobs() {
        assert_eq!(repository.find_blob(id.oid().unwrap()).unwrap().content(), bytes);
    }
    // And git finds nothing wrong with it.
    for arguments in [["verify-pack", path.to_str().unwrap()], ["fsck", "--full"]] {
        let git = std::process::Command::new("git").arg("-C").arg(temp.path()).args(arguments).output();
        if let Ok(output) = git {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn many_deltas_by_name_are_found() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let base = text(0..20);
    pack.blob(&base);
    for step in 0..1500u32 {
        pack.named_delta(&base, &[Op::Copy(0, 100), Op::Insert(step.to_string().into_bytes())]);
    }
    pack.write(&objects, "named");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!((swept.gaps.len(), swept.roots), (0, 1));
    assert!(recorder.blobs() == expected(&pack));
}

#[test]
fn the_old_index_gives_the_same() {
    let (_temp, objects) = bare();
    let pack = variety();
    write(&objects, "old", &pack.bytes().pack, &pack.old_index());
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs() == expected(&pack));
}

#[test]
fn ids_of_32_bytes_are_read() {
    for old in [false, true] {
        let (_temp, objects) = bare();
        let mut pack = PackWriter::sha256();
        let base = pack.blob(&text(0..100));
        pack.delta(base, &[Op::Copy(10, 500), Op::Insert(b"new".to_vec())]);
        pack.named_delta(&text(0..100), &[Op::Copy(0, 77)]);
        let index = if old { pack.old_index() } else { pack.bytes().index };
        write(&objects, "long", &pack.bytes().pack, &index);
        let loose = pack.id_of("blob", b"loose");
        write_loose(&objects, &loose, "blob", b"loose");
        let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &Limits::default());
        assert_eq!(swept.gaps, []);
        let mut all = expected(&pack);
        all.insert(loose, b"loose".to_vec());
        assert!(recorder.blobs() == all);
    }
}

#[test]
fn trees_and_commits_are_not_inflated() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    pack.blob(b"text");
    for (kind, name) in [(1, "commit"), (2, "tree"), (4, "tag")] {
        let at = pack.object(kind, name, name.as_bytes());
        pack.entries[at].stream = b"no zlib stream".to_vec();
    }
    pack.write(&objects, "made");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!((recorder.blobs().len(), swept.gaps.len()), (1, 0));
}

#[test]
fn an_object_in_several_places_comes_once_and_its_children_where_they_are() {
    let (_temp, objects) = bare();
    let (old, new) = (text(0..100), text(0..101));
    let mut first = PackWriter::new();
    first.blob(&old);
    let mut second = PackWriter::new();
    let base = second.blob(&old);
    second.delta(base, &between(&old, &new));
    first.write(&objects, "1");
    second.write(&objects, "2");
    // Twice in one pack, in an alternate and loose.
    let mut third = PackWriter::new();
    let again = third.blob(&old);
    third.blob(&old);
    third.delta(again, &between(&old, b"third"));
    third.write(&objects, "3");
    let (_other, alternate) = bare();
    first.write(&alternate, "4");
    write_loose(&alternate, &first.entries[0].id, "blob", &old);
    let (recorder, swept) = sweep(&[&objects, &alternate]);
    assert_eq!(swept.gaps, []);
    assert_eq!(recorder.blobs().len(), 3);
    let children = recorder.children.lock().unwrap().clone();
    assert_eq!(children, [second.entries[1].id, third.entries[2].id]);
    assert_eq!(swept.packs, 4);
    // The fourth pack has nothing new.
    assert_eq!(recorder.roots.lock().unwrap().len(), 3);
}

#[test]
fn a_base_in_another_place_makes_a_root() {
    let (_temp, objects) = bare();
    let base = text(0..100);
    let mut thin = PackWriter::new();
    let made = thin.named_delta(&base, &between(&base, b"made"));
    thin.delta(made, &[Op::Copy(0, 2)]);
    // A delta on a tree is no blob and no trouble.
    let mut tree = PackWriter::new();
    tree.object(2, "tree", b"");
    let (_, delta) = encode(b"", &[]);
    let id = thin.id_of("tree", b"");
    let entry = |id, between: &ObjectId, stream: &[u8]| Entry {
        id,
        bytes: Vec::new(),
        kind: 7,
        before: None,
        between: between.as_bytes().to_vec(),
        size: stream.len() as u64,
        stream: zlib(stream),
    };
    thin.add(entry(thin.id_of("tree", b"other"), &id, &delta));
    tree.write(&objects, "1-tree");
    thin.write(&objects, "2-thin");
    write_loose(&objects, &thin.id_of("blob", &base), "blob", &base);
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(swept.gaps, []);
    assert_eq!(recorder.blobs().len(), 3);
    assert!(recorder.roots.lock().unwrap().contains(&thin.entries[0].id));
    // Without the base both are gaps.
    let (_temp, objects) = bare();
    thin.write(&objects, "thin");
    let (recorder, swept) = sweep(&[&objects]);
    assert!(recorder.blobs().is_empty());
    assert_eq!(kinds(&swept.gaps), [GapKind::Corrupt; 3], "{:?}", swept.gaps);
}

#[test]
fn a_blob_over_the_scan_limit_still_serves_as_a_base() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let big = pack.blob(&[b'x'; 5000]);
    let small = pack.delta(big, &[Op::Copy(0, 100)]);
    pack.write(&objects, "made");
    let limits = Limits { scan_limit: 1000, ..Limits::default() };
    let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &limits);
    assert_eq!(recorder.roots.lock().unwrap().as_slice(), [pack.entries[small].id]);
    assert_eq!(recorder.blobs().len(), 1);
    assert_eq!(kinds(&swept.gaps), [GapKind::Limit]);
    assert!(swept.gaps[0].what.contains(&pack.entries[big].id.to_string()));
}

#[test]
fn a_family_that_does_not_fit_is_made_again_and_again() {
    // A comb: every version of a long chain of 300 KiB has a branch of its own that is as long.
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let mut noise = 1u64;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    })
    .take(300 << 10)
    .collect();
    let mut tips = vec![pack.blob(&body)];
    for depth in 0..5u32 {
        for tip in tips.clone() {
            for side in 0..2u32 {
                let old = pack.entries[tip].bytes.clone();
                let new = [&old[..], format!("{depth} {side} {tip}").as_bytes()].concat();
                tips.push(pack.delta(tip, &between(&old, &new)));
            }
        }
    }
    pack.write(&objects, "comb");
    let limits = Limits { max_memory: 8 << 20, ..Limits::default() };
    let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &limits);
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs() == expected(&pack));
    assert!(swept.decoded <= 3 * swept.bytes, "{} of {}", swept.decoded, swept.bytes);
}

#[test]
fn deep_chains_and_wide_families_are_walked_without_recursion() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let mut tip = pack.blob(b"0");
    for step in 0..4095u32 {
        tip = pack.delta(tip, &[Op::Insert(format!("{step}").into_bytes())]);
    }
    let root = pack.blob(b"wide");
    for step in 0..100_000u32 {
        let ops = [Op::Copy(0, 4), Op::Insert(format!("{step}").into_bytes())];
        if step % 2 == 0 {
            pack.delta(root, &ops)
        } else {
            pack.delta(pack.entries.len() - 1, &ops)
        };
    }
    pack.write(&objects, "made");
    let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &Limits::default());
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs() == expected(&pack));
}

#[test]
fn a_pack_that_comes_or_goes_while_another_is_read_is_swept() {
    let (_temp, objects) = bare();
    let mut first = PackWriter::new();
    let base = first.blob(&text(0..50));
    first.delta(base, &[Op::Copy(0, 30)]);
    let path = first.write(&objects, "1");
    let mut second = PackWriter::new();
    second.blob(b"only here");
    let gone = second.write(&objects, "2");
    // As a repack does: all in a new pack, then the old ones are deleted; one blob becomes loose.
    let mut all = first.clone();
    all.blob(b"only here");
    all.blob(b"new");
    let id = all.id_of("blob", b"loosened");
    let folder = objects.clone();
    let repack = move || {
        all.write(&folder, "3");
        write_loose(&folder, &id, "blob", b"loosened");
        for path in [&path, &gone] {
            std::fs::remove_file(path).unwrap();
            std::fs::remove_file(path.with_extension("idx")).unwrap();
        }
    };
    let recorder = Recorder { first: Some(Box::new(repack)), ..Recorder::default() };
    let (recorder, swept) = sweep_with(&[&objects], recorder, &Limits::default());
    assert_eq!(swept.gaps, []);
    let found: Vec<_> = recorder.blobs().into_values().collect();
    assert_eq!(found.len(), 5);
    assert!([&b"only here"[..], b"new", b"loosened"].iter().all(|text| found.iter().any(|bytes| bytes == text)));
}

#[test]
fn a_visitor_can_stop_the_sweep() {
    let (_temp, objects) = bare();
    variety().write(&objects, "made");
    let recorder = Recorder { stop_after: Some(5), ..Recorder::default() };
    let (recorder, swept) = sweep_with(&[&objects], recorder, &Limits::default());
    assert!(swept.stopped);
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs().len() < 50);
}
