//! Damaged repositories: say what is lost, and read the rest.

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::*;
use crate::source::{Content, Gap, Item};

fn sweep(h: &History) -> (Vec<Vec<u8>>, Vec<Gap>) {
    let found = Mutex::new((Vec::new(), Vec::new()));
    h.repository.sweep_blobs(&h.repository.reading_order(&h.census), u64::MAX, &|item| {
        let mut found = found.lock().unwrap();
        match item {
            Item::Blob(blob) => {
                let Content::Bytes(bytes) = blob.content else { panic!("in memory") };
                found.0.push(bytes);
            }
            Item::Gap(gap) => found.1.push(gap),
            other => panic!("{other:?}"),
        }
        ControlFlow::Continue(())
    });
    let mut found = found.into_inner().unwrap();
    found.0.sort();
    found
}

/// Every gap of listing and sweeping.
fn all_gaps(h: &History) -> Vec<GapKind> {
    let mut kinds = h.gap_kinds();
    kinds.extend(sweep(h).1.iter().map(|gap| gap.kind));
    kinds
}

#[test]
fn a_loose_object_damaged_at_any_byte_is_noticed() {
    let f = Fixture::new();
    f.write("a", "some text that is long enough").write("b", "good").commit("root");
    let id = blob("some text that is long enough");
    let file = f.loose_file(id);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        f.overwrite(&file, &bytes);
        let h = f.history();
        let (texts, _) = sweep(&h);
        assert!(texts.contains(&b"good".to_vec()));
        let kinds = all_gaps(&h);
        let harmless = texts.contains(&b"some text that is long enough".to_vec());
        assert!(!kinds.is_empty() || harmless, "byte {at} of {}", whole.len());
        assert!(f.open().read_blob(id).is_err() || harmless, "byte {at}");
    }
}

#[test]
fn an_object_under_a_false_name_is_not_handed_out_as_what_it_is_not() {
    let f = Fixture::new();
    f.write("a", "one").write("b", "two").commit("root");
    let other = fs::read(f.loose_file(blob("two"))).unwrap();
    f.overwrite(&f.loose_file(blob("one")), &other);
    let gap = f.open().read_blob(blob("one")).unwrap_err();
    assert_eq!(gap.kind, GapKind::Corrupt);
    assert!(f.open().read_blob(blob("two")).is_ok());
}

#[test]
fn an_empty_object_file_is_a_gap() {
    let f = Fixture::new();
    f.write("a", "one").write("b", "two").commit("root");
    f.overwrite(&f.loose_file(blob("one")), b"");
    let h = f.history();
    assert_eq!(h.gap_kinds(), [GapKind::Corrupt]);
    assert!(h.census.gaps[0].what.contains(&blob("one").to_string()));
    assert_eq!(h.census.blobs, [blob("two")]);
}

#[test]
fn a_missing_blob_of_a_tip_is_a_gap() {
    let f = Fixture::new();
    f.write("sub/a", "one").write("b", "two").commit("root");
    fs::remove_file(f.loose_file(blob("one"))).unwrap();
    for selection in [Selection::All, Selection::Refs(vec!["HEAD".to_owned()])] {
        let h = History::of(&f.open(), &selection);
        assert_eq!(h.gap_kinds(), [GapKind::Missing]);
        assert_eq!(h.census.gaps[0].what, format!("blob {}", blob("one")));
        assert_eq!(h.census.blobs, [blob("two")]);
    }
}

#[test]
fn missing_trees_and_parents_of_any_commit_are_gaps() {
    let f = Fixture::new();
    let first = f.write("a", "one").commit("first");
    let tree = f.id("HEAD^{tree}");
    f.write("a", "two").commit("second");
    fs::remove_file(f.loose_file(tree)).unwrap();
    let h = f.history();
    assert_eq!(h.gap_kinds(), [GapKind::Missing]);
    assert_eq!(h.graph.gaps[0].what, format!("tree {tree}"));
    // And when it is needed to say who did it.
    let found = h.attribute(&["two"]);
    assert_eq!(found.gaps.len(), 1);
    assert_eq!(found.values.len(), 1);

    fs::remove_file(f.loose_file(first)).unwrap();
    let h = f.history();
    assert_eq!(h.gap_kinds(), [GapKind::Missing]);
    assert_eq!(h.graph.gaps[0].what, format!("commit {first}"));
    assert_eq!((h.graph.nodes.len(), h.graph.missing_parents), (1, 1));
    let h = History::of(&f.open(), &Selection::Refs(vec!["HEAD".to_owned()]));
    assert!(h.gap_kinds().contains(&GapKind::Missing));
}

#[test]
fn a_damaged_tree_leaves_the_others_readable() {
    let f = Fixture::new();
    f.write("bad/a", "one").write("good/b", "two").commit("root");
    let tree = f.id("HEAD:bad");
    f.overwrite(&f.loose_file(tree), b"no zlib at all");
    let h = f.history();
    assert!(h.gap_kinds().contains(&GapKind::Corrupt));
    let found = h.attribute(&["one", "two"]);
    assert_eq!(found.gaps.len(), 1);
    assert_eq!(found.unplaced, [blob("one")]);
    assert_eq!(found.values[&ValueId(7)].places[0].path, path("good/b"));
}

/// Two packs; returns the paths of the first.
fn two_packs(f: &Fixture) -> (PathBuf, PathBuf) {
    for at in 0..60 {
        f.write(&format!("first{at}"), &format!("the first pack's text {at}"));
    }
    f.commit("first");
    f.git(["repack", "-q", "-d"]);
    let packs = f.dir.join(".git/objects/pack");
    let find = |ext: &str| {
        let files = fs::read_dir(&packs).unwrap();
        let mut paths = files.map(|entry| entry.unwrap().path());
        paths.find(|path| path.extension().is_some_and(|e| e == ext)).unwrap()
    };
    let found = (find("pack"), find("idx"));
    f.write("second", "the second pack's text").commit("second");
    f.git(["repack", "-q", "-d"]);
    found
}

#[test]
fn a_truncated_pack_does_not_hide_another() {
    let f = Fixture::new();
    let (pack, _) = two_packs(&f);
    assert_eq!(f.history().gap_kinds(), []);
    let whole = fs::read(&pack).unwrap();
    for keep in [0, 11, 40, whole.len() / 2, whole.len() - 21, whole.len() - 1] {
        f.overwrite(&pack, &whole[..keep]);
        let h = f.history();
        let (texts, _) = sweep(&h);
        assert!(texts.contains(&b"the second pack's text".to_vec()), "{keep} bytes left");
        assert!(all_gaps(&h).contains(&GapKind::Corrupt), "{keep} bytes left");
    }
    // The gap names the pack rather than each of its objects.
    f.overwrite(&pack, &whole[..whole.len() - 1]);
    let h = f.history();
    assert_eq!(sweep(&h).1, []);
    assert!(h.census.gaps.iter().any(|gap| gap.what.ends_with(".pack")));
}

#[test]
fn a_damaged_index_does_not_hide_another_pack() {
    let f = Fixture::new();
    let (_, index) = two_packs(&f);
    let whole = fs::read(&index).unwrap();
    for keep in [0, 7, 1000, whole.len() / 2] {
        f.overwrite(&index, &whole[..keep]);
        let h = f.history();
        let (texts, _) = sweep(&h);
        assert!(texts.contains(&b"the second pack's text".to_vec()), "{keep} bytes left");
        let named = |gap: &Gap| gap.what.ends_with(".idx") && gap.kind == GapKind::Corrupt;
        assert!(h.census.gaps.iter().any(named), "{keep} bytes left");
    }
    fs::remove_file(&index).unwrap();
    let h = f.history();
    let named = |gap: &Gap| gap.what.ends_with(".pack") && gap.kind == GapKind::Unreadable;
    assert!(h.census.gaps.iter().any(named));
    assert!(sweep(&h).0.contains(&b"the second pack's text".to_vec()));
}

#[test]
fn a_bit_flipped_inside_a_pack_is_noticed() {
    let f = Fixture::new();
    let (pack, _) = two_packs(&f);
    let whole = fs::read(&pack).unwrap();
    // Every tenth byte between the header and the checksum at the end.
    for at in (12..whole.len() - 20).step_by(10) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        f.overwrite(&pack, &bytes);
        let h = f.history();
        let (texts, _) = sweep(&h);
        let intact = (0..60).all(|at| {
            let text = format!("the first pack's text {at}").into_bytes();
            texts.contains(&text)
        });
        let found = h.attribute(&["the first pack's text 0"]);
        let noticed = !all_gaps(&h).is_empty() || !found.gaps.is_empty();
        assert!(noticed || intact, "byte {at}");
    }
}

#[test]
fn a_ref_to_nothing_is_a_gap() {
    let f = Fixture::new();
    f.write("a", "one").commit("root");
    f.write(".git/refs/heads/lost", &format!("{}\n", "1".repeat(40)));
    f.write(".git/refs/heads/broken", "no id\n");
    let h = f.history();
    let whats: Vec<_> = h.graph.gaps.iter().map(|gap| (gap.what.as_str(), gap.kind)).collect();
    assert!(whats.contains(&("refs/heads/lost", GapKind::Missing)), "{whats:?}");
    assert!(whats.len() >= 2, "{whats:?}");
    assert!(h.graph.refs.iter().any(|r| r.name == "refs/heads/main"));
}

/// `data` as a zlib stream that stores it.
fn zlib(data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend(data);
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// Id, type bits, what stands between header and data, and data.
type Entry = ([u8; 20], u8, Vec<u8>, Vec<u8>);

fn write_pack(f: &Fixture, entries: &[Entry]) {
    let count = u32::try_from(entries.len()).unwrap();
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend(count.to_be_bytes());
    let mut offsets = Vec::new();
    for (_, kind, between, data) in entries {
        offsets.push(u32::try_from(pack.len()).unwrap());
        assert!(data.len() < 16);
        pack.push(kind << 4 | u8::try_from(data.len()).unwrap());
        pack.extend(between);
        pack.extend(zlib(data));
    }
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for byte in 0..=255u8 {
        let below = entries.iter().filter(|entry| entry.0[0] <= byte).count();
        index.extend(u32::try_from(below).unwrap().to_be_bytes());
    }
    entries.iter().for_each(|entry| index.extend(entry.0));
    entries.iter().for_each(|_| index.extend([0; 4]));
    offsets.iter().for_each(|offset| index.extend(offset.to_be_bytes()));
    index.extend([0; 40]);
    pack.extend([0; 20]);
    let dir = f.dir.join(".git/objects/pack");
    fs::write(dir.join("pack-made.pack"), pack).unwrap();
    fs::write(dir.join("pack-made.idx"), index).unwrap();
}

#[test]
fn deltas_that_need_each_other_end() {
    let f = Fixture::new();
    f.write("a", "good").commit("root");
    let delta = vec![4, 4, 0x90, 4];
    write_pack(
        &f,
        &[
            ([1; 20], 7, vec![2; 20], delta.clone()),
            ([2; 20], 7, vec![1; 20], delta.clone()),
            ([3; 20], 7, vec![3; 20], delta),
            ([4; 20], 0, vec![], b"zero".to_vec()),
            ([5; 20], 5, vec![], b"five".to_vec()),
            ([6; 20], 3, vec![], b"blob under a false name".to_vec()[..4].to_vec()),
        ],
    );
    let h = f.history();
    assert!(sweep(&h).0.contains(&b"good".to_vec()));
    let corrupt = h.census.gaps.iter().filter(|gap| gap.kind == GapKind::Corrupt);
    // One for the pack, whose checksums are wrong.
    assert_eq!(corrupt.count(), 6, "{:?}", h.census.gaps);
    assert!(h.repository.read_blob(Oid::from_bytes(&[6; 20]).unwrap()).is_err());
    // libgit2 would follow the circle for ever; none of these may ask it to.
    let circle = Oid::from_bytes(&[1; 20]).unwrap();
    assert!(h.repository.read_blob(circle).is_err());
    fs::write(f.dir.join(".git/refs/heads/round"), format!("{circle}\n")).unwrap();
    let again = f.history();
    assert!(again.graph.gaps.iter().any(|gap| gap.what.contains("round")), "{:?}", again.graph.gaps);
}
