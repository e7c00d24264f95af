//! Sweeps of damaged and hostile packs: what is whole is handed out, the rest is a gap.

use std::collections::BTreeMap;
use std::path::Path;

use git2::ObjectType;

use super::pack_writer::{Entry, Op, PackWriter, between, varint, write, write_loose, zlib};
use super::packs::{Recorder, bare, expected, kinds, sweep, sweep_with, text};
use crate::source::GapKind;
use crate::source::git::{Limits, ObjectId};

#[test]
fn a_corrupt_copy_is_made_up_for_by_another() {
    let (old, new) = (text(0..100), text(0..120));
    let mut good = PackWriter::new();
    // The good copy is a delta itself, and its base lies elsewhere.
    let far = text(50..100);
    good.named_delta(&far, &between(&far, &old));
    let mut bad = PackWriter::new();
    let at = bad.blob(&old);
    bad.delta(at, &between(&old, &new));
    bad.entries[at].stream.truncate(20);
    for loose in [false, true] {
        let (_temp, objects) = bare();
        bad.write(&objects, "1-bad");
        if loose {
            write_loose(&objects, &bad.entries[at].id, "blob", &old);
        } else {
            good.write(&objects, "2-good");
            write_loose(&objects, &good.id_of("blob", &far), "blob", &far);
        }
        let (recorder, swept) = sweep(&[&objects]);
        assert_eq!(swept.gaps, []);
        let blobs = recorder.blobs();
        assert_eq!(blobs[&bad.entries[0].id], old);
        assert_eq!(blobs[&bad.entries[1].id], new);
    }
    let (_temp, objects) = bare();
    bad.write(&objects, "1-bad");
    let (recorder, swept) = sweep(&[&objects]);
    assert!(recorder.blobs().is_empty());
    assert_eq!(kinds(&swept.gaps), [GapKind::Corrupt; 2]);
    assert!(swept.gaps.iter().any(|gap| gap.message.contains("base")), "{:?}", swept.gaps);
}

#[test]
fn deltas_without_an_end_or_a_base_are_gaps() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let good = pack.blob(b"good");
    let id = |byte: u8| ObjectId::from_bytes(&[byte; 20]).unwrap();
    let delta = |name: u8, on: u8| Entry {
        id: id(name),
        bytes: Vec::new(),
        kind: 7,
        before: None,
        between: vec![on; 20],
        size: 4,
        stream: zlib(&[4, 4, 0x90, 4]),
    };
    // Two that need each other, one that needs itself, one on each of them, one on nothing.
    for (name, on) in [(1, 2), (2, 1), (3, 3), (4, 3), (5, 1), (6, 99)] {
        pack.add(delta(name, on));
    }
    // An offset delta on the middle of another entry, and one on itself, and one before the pack.
    for between in [vec![3], vec![0], vec![0xff, 0xff, 0x7f]] {
        pack.add(Entry { kind: 6, between, ..delta(10 + pack.entries.len() as u8, 0) });
    }
    pack.add(Entry { kind: 0, between: vec![], ..delta(30, 0) });
    pack.add(Entry { kind: 5, between: vec![], ..delta(31, 0) });
    pack.write(&objects, "made");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(recorder.blobs().into_keys().collect::<Vec<_>>(), [pack.entries[good].id]);
    assert_eq!(swept.gaps.len(), pack.entries.len() - 1, "{:?}", swept.gaps);
    assert!(kinds(&swept.gaps).iter().all(|kind| *kind == GapKind::Corrupt));
    let lost = swept.gaps.iter().filter(|gap| gap.message.ends_with("a delta without its base"));
    assert_eq!(lost.count(), pack.entries.len() - 3);
}

#[test]
fn a_circle_is_broken_by_a_copy_elsewhere() {
    let (_temp, objects) = bare();
    let (a, b) = (text(0..20), text(0..21));
    let mut round = PackWriter::new();
    round.named_delta(&b, &between(&b, &a));
    round.named_delta(&a, &between(&a, &b));
    round.write(&objects, "1");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!((recorder.blobs().len(), swept.gaps.len()), (0, 2));
    // The copy leans on one that leans on the circle again, and on one that does not.
    let mut second = PackWriter::new();
    second.named_delta(&b, &between(&b, &a));
    second.write(&objects, "2");
    let mut third = PackWriter::new();
    third.blob(&a);
    third.write(&objects, "3");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs() == expected(&round));
}

#[test]
fn entries_that_lie_about_themselves_are_gaps() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let base = pack.blob(&text(0..20));
    let mut sizes = Vec::new();
    for size in [0, 1, 19, 21, 1000] {
        let at = pack.blob(&[size as u8; 20]);
        pack.entries[at].size = size;
        sizes.push(at);
    }
    // A false id, a false base size, a wrong checksum of the stream, and a reserved instruction.
    let at = pack.blob(b"true");
    pack.entries[at].id = pack.id_of("blob", b"false");
    let at = pack.delta(base, &[Op::Copy(0, 5)]);
    let delta = [varint(7), varint(5), vec![0x90, 5]].concat();
    (pack.entries[at].size, pack.entries[at].stream) = (delta.len() as u64, zlib(&delta));
    let at = pack.blob(b"checksum");
    *pack.entries[at].stream.last_mut().unwrap() ^= 1;
    let at = pack.delta(base, &[Op::Copy(0, 6)]);
    let delta = [varint(text(0..20).len() as u64), varint(6), vec![0]].concat();
    (pack.entries[at].size, pack.entries[at].stream) = (delta.len() as u64, zlib(&delta));
    pack.write(&objects, "made");
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(recorder.blobs().into_keys().collect::<Vec<_>>(), [pack.entries[base].id]);
    assert_eq!(swept.gaps.len(), pack.entries.len() - 1, "{:?}", swept.gaps);
}

#[test]
fn a_pack_cut_at_any_byte_gives_what_is_left() {
    let mut pack = PackWriter::new();
    let base = pack.blob(&text(0..10));
    let tip = pack.delta(base, &between(&text(0..10), &text(0..11)));
    pack.delta(tip, &[Op::Copy(3, 9)]);
    pack.named_delta(&text(0..11), &[Op::Copy(0, 100)]);
    let all = expected(&pack);
    let written = pack.bytes();
    for keep in 0..written.pack.len() {
        let (_temp, objects) = bare();
        write(&objects, "cut", &written.pack[..keep], &written.index);
        let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &Limits::default());
        assert!(!swept.gaps.is_empty(), "{keep} bytes");
        let blobs = recorder.blobs();
        assert!(blobs.iter().all(|(id, bytes)| all[id] == *bytes), "{keep} bytes");
        let named = swept.gaps.iter().filter(|gap| !gap.what.contains('/')).count();
        assert!(blobs.len() + named == all.len() || blobs.is_empty(), "{keep} bytes: {:?}", swept.gaps);
    }
}

#[test]
fn a_byte_changed_anywhere_is_noticed() {
    let mut pack = PackWriter::new();
    let base = pack.blob(&text(0..3));
    pack.delta(base, &between(&text(0..3), &text(0..4)));
    pack.named_delta(&text(0..3), &[Op::Copy(0, 9)]);
    let all = expected(&pack);
    let written = pack.bytes();
    let (_temp, objects) = bare();
    // Most of an index this small is its table of counts.
    let index: Vec<_> = (0..1032).step_by(61).chain(1032..written.index.len()).collect();
    for at in 0..written.pack.len() {
        let mut bytes = written.pack.clone();
        bytes[at] ^= 0x41;
        write(&objects, "bad", &bytes, &written.index);
        check(&objects, &all, &format!("byte {at} of the pack"));
    }
    for at in index.iter().copied() {
        let mut bytes = written.index.clone();
        bytes[at] ^= 0x41;
        write(&objects, "bad", &written.pack, &bytes);
        check(&objects, &all, &format!("byte {at} of the index"));
    }
    for keep in index {
        write(&objects, "bad", &written.pack, &written.index[..keep]);
        assert!(!sweep(&[&objects]).1.gaps.is_empty(), "{keep} bytes of the index");
    }

    fn check(objects: &Path, all: &BTreeMap<ObjectId, Vec<u8>>, what: &str) {
        let (recorder, swept) = sweep(&[objects]);
        let blobs = recorder.blobs();
        assert!(!swept.gaps.is_empty() || blobs == *all, "{what}");
        assert!(blobs.iter().all(|(id, bytes)| all.get(id) == Some(bytes)), "{what}");
    }
}

#[test]
fn an_index_with_fewer_objects_than_the_pack_is_a_gap() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    pack.blob(b"shown");
    let mut hidden = pack.clone();
    hidden.blob(b"hidden");
    hidden.count = Some(2);
    pack.count = Some(2);
    let whole = hidden.bytes();
    write(&objects, "made", &whole.pack, &pack.bytes().index);
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(recorder.blobs().len(), 1);
    assert!(swept.gaps.iter().any(|gap| gap.message == "its index lists another number of objects"));
}

#[test]
fn a_delta_bomb_stays_within_its_limits() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    let base = pack.blob(&[b'x'; 1 << 16]);
    // Ten times as large with every step: 64 KiB, 640 KiB, 6.4 MiB, 64 MiB, 640 MiB.
    let mut size = 1u64 << 16;
    let mut before = base;
    for step in 0..4u8 {
        let copies: Vec<u8> = (0..10).flat_map(|_| [vec![0xf0], size.to_le_bytes()[..3].to_vec()].concat()).collect();
        let delta = [varint(size), varint(size * 10), copies].concat();
        size *= 10;
        before = pack.add(Entry {
            id: ObjectId::from_bytes(&[step; 20]).unwrap(),
            bytes: Vec::new(),
            kind: 6,
            before: Some(before),
            between: Vec::new(),
            size: delta.len() as u64,
            stream: zlib(&delta),
        });
    }
    pack.write(&objects, "bomb");
    let limits = Limits { max_memory: 32 << 20, ..Limits::default() };
    let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &limits);
    assert_eq!(recorder.blobs().len(), 3);
    assert_eq!(kinds(&swept.gaps), [GapKind::Limit; 2], "{:?}", swept.gaps);
    let limits = Limits { scan_limit: 1 << 20, decode_limit: 8 << 20, ..Limits::default() };
    let (recorder, swept) = sweep_with(&[&objects], Recorder::default(), &limits);
    assert_eq!(recorder.blobs().len(), 2);
    assert_eq!(kinds(&swept.gaps), [GapKind::Limit; 3], "{:?}", swept.gaps);
    let limits = Limits { max_decoded: 1 << 20, ..Limits::default() };
    let (_, swept) = sweep_with(&[&objects], Recorder::default(), &limits);
    assert!(swept.gaps.iter().any(|gap| gap.message.contains("the run")), "{:?}", swept.gaps);
}

#[test]
fn many_gaps_of_a_pack_are_one() {
    let (_temp, objects) = bare();
    let mut pack = PackWriter::new();
    for step in 0..30u8 {
        let at = pack.blob(&[step; 9]);
        pack.entries[at].size = 8;
    }
    let path = pack.write(&objects, "made");
    let (_, swept) = sweep(&[&objects]);
    assert_eq!(swept.gaps.len(), 1);
    assert_eq!(swept.gaps[0].what, path.display().to_string());
    assert!(swept.gaps[0].message.starts_with("30 objects cannot be read"));
}

#[test]
fn damaged_loose_objects_are_gaps_and_other_kinds_are_not() {
    let (_temp, objects) = bare();
    let writer = PackWriter::new();
    let id = |text: &str| writer.id_of("blob", text.as_bytes());
    write_loose(&objects, &id("good"), "blob", b"good");
    write_loose(&objects, &writer.id_of("tree", b""), "tree", b"");
    let cut = write_loose(&objects, &id("cut"), "blob", b"cut");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 2]).unwrap();
    let long = write_loose(&objects, &id("long"), "blob", b"long");
    std::fs::write(long, zlib(b"blob 99\0long")).unwrap();
    let huge = write_loose(&objects, &id("huge"), "blob", b"huge");
    std::fs::write(huge, zlib(b"blob 99999999999999\0huge")).unwrap();
    let odd = write_loose(&objects, &id("odd"), "blob", b"odd");
    std::fs::write(odd, zlib(b"blub 3\0odd")).unwrap();
    let (recorder, swept) = sweep(&[&objects]);
    assert_eq!(recorder.blobs().into_values().collect::<Vec<_>>(), [b"good"]);
    let mut found = kinds(&swept.gaps);
    found.sort_unstable();
    assert_eq!(found, [GapKind::Corrupt, GapKind::Corrupt, GapKind::Corrupt, GapKind::Limit], "{:?}", swept.gaps);
    assert!(git2::Oid::hash_object(ObjectType::Blob, b"good").unwrap() == id("good").oid().unwrap());
}
