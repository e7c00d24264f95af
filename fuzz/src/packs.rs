//! Packs that nobody would write: sound ones must be read to the last byte, damaged ones without harm.
//!
//! The repository of the last run is left in `keysweep-fuzz-…` of the folder for temporary files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use keysweep::source::GapKind;
use keysweep::source::git::{DeltaError, Edit, Limits, ObjectId, Swept, Visit, apply, sweep_object_dirs};

use super::Random;

#[path = "../../src/source/git/tests/pack_writer.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod pack_writer;

use pack_writer::{Op, PackWriter, encode, write, write_loose, zlib};

#[derive(Default)]
struct Found(Mutex<BTreeMap<ObjectId, Vec<u8>>>);

impl Visit for Found {
    type State = Vec<u8>;

    fn root(&self, _: &ObjectId, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn child(&self, _: &ObjectId, bytes: &[u8], base_bytes: &[u8], base: &Vec<u8>, edit: &Edit) -> Vec<u8> {
        assert_eq!(base_bytes, base);
        check(base, bytes, edit);
        bytes.to_vec()
    }

    fn found(&self, id: &ObjectId, bytes: &[u8], state: &Vec<u8>) {
        assert_eq!(bytes, state);
        let before = self.0.lock().expect("no visitor panics").insert(*id, bytes.to_vec());
        assert_eq!(before, None, "{id} came twice");
    }
}

fn check(base: &[u8], bytes: &[u8], edit: &Edit) {
    assert_eq!((edit.base_len, edit.len), (base.len(), bytes.len()));
    let mut at = 0;
    for copied in &edit.copies {
        assert!(copied.at >= at && copied.len > 0);
        assert_eq!(base[copied.base..copied.base + copied.len], bytes[copied.at..copied.at + copied.len]);
        at = copied.at + copied.len;
    }
    assert_eq!(edit.fresh().map(|range| range.len()).sum::<usize>(), edit.fresh_len());
}

fn bytes(random: &mut Random, most: usize) -> Vec<u8> {
    let alphabet = 1 + random.below(255);
    (0..random.below(most)).map(|_| random.below(alphabet) as u8).collect()
}

fn ops(random: &mut Random, base: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    for _ in 0..random.below(8) {
        if random.below(3) == 0 || base.is_empty() {
            let inserted = bytes(random, 200);
            ops.extend((!inserted.is_empty()).then_some(Op::Insert(inserted)));
        } else {
            let from = random.below(base.len());
            let most = (base.len() - from).min(4000);
            ops.push(Op::Copy(from, 1 + random.below(most)));
        }
    }
    ops
}

fn mangle(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(at, random.next() as u8),
            3 if at < bytes.len() => bytes[at] = [0, 0x7f, 0x80, 0xff][random.below(4)],
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
}

/// Deltas, sound and mangled.
pub fn delta(random: &mut Random) {
    let base = bytes(random, 3000);
    let (result, mut delta) = encode(&base, &ops(random, &base));
    let (mut out, mut edit) = (bytes(random, 100), Edit::default());
    apply(&base, &delta, 1 << 20, &mut out, &mut edit).expect("it is sound");
    assert_eq!(out, result);
    check(&base, &out, &edit);
    mangle(random, &mut delta);
    match apply(&base, &delta, 1 << 16, &mut out, &mut edit) {
        Ok(()) => check(&base, &out, &edit),
        Err(DeltaError::Limit) => {}
        Err(_) => assert!(out.len() <= 1 << 16),
    }
}

/// A few packs whose deltas lean on one another in every way; the blobs, and the largest of them.
fn packs(random: &mut Random) -> (Vec<PackWriter>, BTreeMap<ObjectId, Vec<u8>>, usize) {
    let mut packs: Vec<PackWriter> = Vec::new();
    let mut all: Vec<Vec<u8>> = Vec::new();
    for _ in 0..1 + random.below(3) {
        let mut pack = PackWriter::new();
        for _ in 0..1 + random.below(40) {
            let here = pack.entries.len();
            match random.below(10) {
                0 | 1 => drop(pack.blob(&bytes(random, 2000))),
                2 if !all.is_empty() => drop(pack.blob(&all[random.below(all.len())].clone())),
                3 if !all.is_empty() => {
                    let base = all[random.below(all.len())].clone();
                    pack.named_delta(&base, &ops(random, &base));
                }
                4 => drop(pack.object(2, "tree", &bytes(random, 50))),
                _ if here > 0 => {
                    let back =
                        if random.below(2) == 0 { 1 + random.below(here.min(3)) } else { 1 + random.below(here) };
                    let base = here - back;
                    if pack.entries[base].kind != 2 {
                        let ops = ops(random, &pack.entries[base].bytes.clone());
                        pack.delta(base, &ops);
                    }
                }
                _ => {}
            }
            // Which of two copies in one pack a name means is nobody's to say.
            let twin =
                pack.entries.get(here).is_some_and(|new| pack.entries[..here].iter().any(|old| old.id == new.id));
            if twin && matches!(pack.entries[here].kind, 6 | 7) {
                pack.entries.truncate(here);
            }
            if let Some(entry) = pack.entries.get(here).filter(|entry| entry.kind != 2 && entry.bytes.len() < 20_000) {
                all.push(entry.bytes.clone());
            }
        }
        packs.push(pack);
    }
    let entries = packs.iter().flat_map(|pack| &pack.entries).filter(|entry| entry.kind != 2);
    let blobs: BTreeMap<_, _> = entries.map(|entry| (entry.id, entry.bytes.clone())).collect();
    let most = blobs.values().map(Vec::len).max().unwrap_or(0);
    (packs, blobs, most)
}

fn folder() -> PathBuf {
    let objects = std::env::temp_dir().join(format!("keysweep-fuzz-{}", std::process::id()));
    let _ = fs::remove_dir_all(&objects);
    fs::create_dir_all(&objects).expect("the folder for temporary files can be written");
    objects
}

fn sweep(objects: &Path, limits: &Limits) -> (BTreeMap<ObjectId, Vec<u8>>, Swept) {
    let found = Found::default();
    let swept = sweep_object_dirs(&[objects.to_path_buf()], &found, limits);
    let found = found.0.into_inner().expect("no visitor panics");
    assert_eq!(swept.blobs as usize, found.len());
    (found, swept)
}

/// Sound packs: every blob comes once, whole, in whatever memory, and there are no gaps.
///
/// A delta by name may have its base only in a pack where that is a delta by name on an object of this
/// one. That is no circle, and must be read.
pub fn forest(random: &mut Random) {
    let objects = folder();
    let (packs, blobs, most) = packs(random);
    for (at, pack) in packs.iter().enumerate() {
        let written = pack.bytes();
        let index = if random.below(4) == 0 { pack.old_index() } else { written.index };
        write(&objects, &format!("{at}"), &written.pack, &index);
    }
    for (id, bytes) in blobs.iter().filter(|_| random.below(8) == 0) {
        write_loose(&objects, id, "blob", bytes);
    }
    // Enough for base, delta, result and a rescue, and not much more.
    let max_memory = 16 * most + 4096 + random.below(1 << 16);
    let (found, swept) = sweep(&objects, &Limits { max_memory, ..Limits::default() });
    assert_eq!(swept.gaps, [], "in {max_memory} bytes");
    assert!(found == blobs);
}

/// Damaged packs: what is handed out is right, all else is a gap, and nothing takes long.
pub fn damage(random: &mut Random) {
    let objects = folder();
    let (mut packs, ..) = packs(random);
    for pack in &mut packs {
        for _ in 0..random.below(3) {
            let (at, other) = (random.below(pack.entries.len()), random.below(pack.entries.len()));
            if pack.entries.is_empty() {
                continue;
            }
            let id = pack.entries[other].id;
            let entry = &mut pack.entries[at];
            match random.below(6) {
                0 => entry.size = random.next() >> random.below(64),
                1 if entry.kind == 7 => entry.between = id.as_bytes().to_vec(),
                2 => entry.kind = random.below(8) as u8,
                3 => mangle(random, &mut entry.stream),
                4 => entry.stream = zlib(&bytes(random, 100)),
                _ if entry.before.is_some() => {
                    (entry.before, entry.between) = (None, bytes(random, 4));
                    entry.between.push(random.below(128) as u8);
                }
                _ => {}
            }
        }
    }
    for (at, pack) in packs.iter().enumerate() {
        let mut written = pack.bytes();
        match random.below(4) {
            0 => mangle(random, &mut written.pack),
            1 => mangle(random, &mut written.index),
            _ => {}
        }
        let old = random.below(4) == 0;
        let index = if old { pack.old_index() } else { written.index };
        write(&objects, &format!("{at}"), &written.pack, &index);
    }
    let limits = Limits { max_memory: 4 << 20, check_ids: true, ..Limits::default() };
    let (found, swept) = sweep(&objects, &limits);
    for (id, bytes) in &found {
        assert_eq!(*id, PackWriter::new().id_of("blob", bytes), "the content is the id's");
    }
    assert!(swept.gaps.iter().all(|gap| gap.kind != GapKind::Internal), "{:?}", swept.gaps);
}
