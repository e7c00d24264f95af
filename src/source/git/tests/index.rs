//! The index in every form that git writes, held against git's own answer.

use super::super::index::Index;
use super::*;
use crate::source::ExclusionReason;

/// What git itself would say of [`Repository::staged`], without renames: path and content of each file that
/// is new or differs.
fn git_says(f: &Fixture) -> Vec<(String, Oid)> {
    let raw = f.git(["diff", "--cached", "--raw", "--no-renames", "--no-abbrev", "--ita-visible-in-index"]);
    let mut found = Vec::new();
    for line in raw.lines() {
        let (facts, path) = line.split_once('\t').unwrap();
        let facts: Vec<&str> = facts.split(' ').collect();
        let (before, after, status) = (facts[2], facts[3], facts[4]);
        let is_file = facts[1].starts_with("100") || facts[1].starts_with("120");
        if is_file && status != "D" && status != "U" && before != after {
            found.push((path.to_owned(), Oid::from_str(after).unwrap()));
        }
    }
    found
}

fn we_say(f: &Fixture) -> Vec<(String, Oid)> {
    let changes = f.open().staged().unwrap();
    assert_eq!(changes.gaps, []);
    changes.items.into_iter().map(|change| (change.path.to_string(), change.id)).collect()
}

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn whatever_is_staged_git_and_we_say_the_same() {
    let f = Fixture::new();
    let mut dice = Dice(7);
    let mut texts = 0;
    // Names that sort differently with and without a slash behind them, and of one character class each.
    let parts = ["a", "a.b", "a-b", "ab", "b", "dir", "dir0", "ü", "x y"];
    for round in 0..60 {
        for _ in 0..=dice.below(6) {
            let depth = 1 + dice.below(3);
            let name: Vec<&str> = (0..depth).map(|_| parts[dice.below(parts.len())]).collect();
            let path = f.dir.join(name.join("/"));
            texts += 1;
            match dice.below(5) {
                0 if path.is_dir() => fs::remove_dir_all(&path).unwrap(),
                0 => drop(fs::remove_file(&path)),
                1 if path.is_dir() => {
                    fs::remove_dir_all(&path).unwrap();
                    fs::write(&path, format!("was a folder {texts}")).unwrap();
                }
                2 if !path.exists() && path.parent().is_some_and(Path::is_dir) => {
                    std::os::unix::fs::symlink(format!("nowhere {texts}"), &path).unwrap();
                }
                _ => {
                    // A file may stand where a folder is to be.
                    for above in path.ancestors().skip(1).take_while(|above| *above != f.dir) {
                        if above.symlink_metadata().is_ok_and(|there| !there.is_dir()) {
                            fs::remove_file(above).unwrap();
                        }
                    }
                    if !path.is_dir() {
                        let _ = fs::remove_file(&path);
                        f.write(&name.join("/"), &format!("text {texts}"));
                    }
                }
            }
        }
        f.git(["-c", "core.quotePath=false", "add", "-A"]);
        match dice.below(6) {
            0 => drop(f.git(["update-index", "--index-version", "4"])),
            1 => drop(f.git(["update-index", "--index-version", "2"])),
            // Every folder's tree is then known.
            2 => drop(f.git(["write-tree"])),
            _ => {}
        }
        f.git(["config", "core.quotePath", "false"]);
        assert_eq!(we_say(&f), git_says(&f), "round {round}");
        let tracked: Vec<String> = f.open().tracked_paths().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(tracked.join("\n"), f.git(["ls-files"]), "round {round}");
        if dice.below(4) == 0 {
            f.commit("so far");
            assert_eq!(we_say(&f), []);
        }
    }
}

#[test]
fn folders_that_the_index_knows_are_not_read() {
    let f = Fixture::new();
    f.write("same/deep/a", "1").write("same/b", "2").write("other/c", "3").commit("root");
    f.git(["write-tree"]);
    let same = f.id("HEAD:same");
    f.write("other/c", "4");
    f.git(["add", "other"]);
    // Nobody asks for the tree of a folder that has not changed, so nobody misses it.
    fs::remove_file(f.loose_file(same)).unwrap();
    let changes = f.open().staged().unwrap();
    assert_eq!(changes.gaps, []);
    assert_eq!(changes.items.len(), 1);
    // One that has changed is missed, and what is in it counts as new.
    f.write("same/b", "5");
    f.git(["update-index", "--cacheinfo", "100644", &blob("5").to_string(), "same/b"]);
    let changes = f.open().staged().unwrap();
    let kinds: Vec<_> = changes.gaps.iter().map(|gap| gap.kind).collect();
    assert_eq!(kinds, [GapKind::Missing]);
    let paths: Vec<_> = changes.items.iter().map(|change| change.path.to_string()).collect();
    assert_eq!(paths, ["other/c", "same/b", "same/deep/a"]);
}

#[test]
fn a_tree_kept_for_other_entries_is_not_believed() {
    let f = Fixture::new();
    f.write("dir/a", "1").write("b", "1").commit("root");
    f.write("dir/new", "2");
    f.git(["add", "dir"]);
    f.git(["write-tree"]);
    // As if the tree that the index keeps for `dir` and for all were those of HEAD.
    let file = f.dir.join(".git/index");
    let mut bytes = fs::read(&file).unwrap();
    let now = Oid::from_str(&f.git(["write-tree"])).unwrap();
    let before = f.id("HEAD^{tree}");
    let at = bytes.windows(20).position(|window| window == now.as_bytes()).unwrap();
    bytes[at..at + 20].copy_from_slice(before.as_bytes());
    // Its count says that it lies: it is that of other entries.
    let count = bytes[..at].iter().rposition(|byte| *byte == 0).unwrap() + 1;
    assert_eq!(&bytes[count..count + 2], b"3 ");
    bytes[count] = b'2';
    fs::write(&file, bytes).unwrap();
    let paths: Vec<_> = we_say(&f).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["dir/new"]);
}

#[test]
fn a_sparse_index_is_read_and_its_folders_are_what_their_trees_say() {
    let f = Fixture::new();
    f.write("in/a", "1").write("out/sub/b", "2").write("out/c", "3").commit("root");
    f.git(["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    f.write("in/a", "new");
    f.git(["add", "in/a"]);
    assert!(f.git(["ls-files", "--sparse"]).contains("out/\n") || f.git(["ls-files", "--sparse"]).ends_with("out/"));
    assert_eq!(we_say(&f), [("in/a".to_owned(), blob("new"))]);
    // HEAD moves, the index does not: its folder now differs.
    let tip = f.id("HEAD");
    let empty = f.git(["commit-tree", "-m", "empty", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"]);
    f.git(["update-ref", "HEAD", &empty]);
    let names: Vec<_> = we_say(&f).into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, ["in/a", "out/c", "out/sub/b"]);
    f.git(["update-ref", "HEAD", &tip.to_string()]);
    assert_eq!(we_say(&f).len(), 1);
}

#[test]
fn a_split_index_is_an_error_and_not_an_empty_one() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.write("a", "2");
    f.git(["add", "a"]);
    f.git(["update-index", "--split-index"]);
    let error = f.open().staged().unwrap_err().to_string();
    assert!(error.contains("link") && error.contains("--no-split-index"), "{error}");
    f.git(["update-index", "--no-split-index"]);
    assert_eq!(we_say(&f).len(), 1);
}

#[test]
fn another_index_may_be_named() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    let mut repository = f.open();
    fs::copy(f.dir.join(".git/index"), f.dir.join(".git/index.lock")).unwrap();
    f.write("a", "2");
    fs::remove_file(f.dir.join(".git/index.lock")).unwrap();
    f.git(["add", "a"]);
    fs::rename(f.dir.join(".git/index"), f.dir.join(".git/next-index-1.lock")).unwrap();
    f.git(["read-tree", "HEAD"]);
    assert_eq!(repository.staged().unwrap().items, []);
    repository.set_index_file(f.dir.join(".git/next-index-1.lock"));
    assert_eq!(repository.staged().unwrap().items.len(), 1);
}

#[test]
fn many_entries_of_one_conflict_are_one_exclusion() {
    let f = Fixture::new();
    f.write("dir/a", "base\n").write("dir/b", "1").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    f.write("dir/a", "side\n").commit("side");
    f.git(["checkout", "-q", "main"]);
    f.write("dir/a", "main\n").commit("main");
    let merge = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f.git(["merge", "-q", "side"])));
    assert!(merge.is_err(), "the merge was meant to conflict");
    f.write("dir/b", "2");
    f.git(["add", "dir/b"]);
    let changes = f.open().staged().unwrap();
    assert_eq!(changes.items.len(), 1);
    let excluded: Vec<_> = changes.exclusions.iter().map(|one| (one.reason, one.what.to_string())).collect();
    assert_eq!(excluded, [(ExclusionReason::Unmerged, "dir/a".to_owned())]);
}

/// A file cut at any byte or with any byte altered is an error or an index, never a panic; and of a
/// file that is cut no entry is missed in silence.
#[test]
fn a_damaged_index_is_no_panic_and_a_cut_one_an_error() {
    let f = Fixture::new();
    f.write("dir/sub/a", "1").write("dir/b", "2").write("c", "3").commit("root");
    for version in ["2", "4"] {
        f.git(["update-index", "--index-version", version]);
        let whole = fs::read(f.dir.join(".git/index")).unwrap();
        let copy = f.dir.join("copy");
        for end in 0..whole.len() {
            fs::write(&copy, &whole[..end]).unwrap();
            // What stands behind the entries saves time and nothing else.
            let read = Index::read(&copy).map_or(3, |index| index.entries.len());
            assert_eq!(read, 3, "version {version}, {end} of {} bytes", whole.len());
        }
        for at in 0..whole.len() {
            for flip in [1, 0x40, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                fs::write(&copy, &bytes).unwrap();
                if let Ok(index) = Index::read(&copy) {
                    for entry in &index.entries {
                        assert!(!index.path(entry).is_empty());
                    }
                    for name in [&b"dir"[..], b"sub"] {
                        let child = index.root().and_then(|root| index.child(root, name));
                        let _ = child.and_then(|child| index.tree(child, 1));
                    }
                }
            }
        }
    }
    let fifo = f.dir.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(Index::read(&fifo).is_err());
    assert!(Index::read(&f.dir.join("absent")).is_ok_and(|index| index.entries.is_empty()));
}

#[test]
fn a_path_of_nothing_but_folders_is_an_error_and_not_an_hour_of_work() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    for (length, is_read) in [(4096, true), (4097, false), (1 << 20, false)] {
        let mut bytes = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
        bytes.extend([0; 24]);
        bytes.extend(0o100_644_u32.to_be_bytes());
        bytes.extend([0; 12]);
        bytes.extend(blob("another").as_bytes());
        bytes.extend(0x0fff_u16.to_be_bytes());
        bytes.extend(vec![b'/'; length - 1]);
        bytes.push(b'x');
        bytes.extend(vec![0; 8 - (FIXED + length) % 8]);
        bytes.extend([0; 20]);
        fs::write(f.dir.join(".git/index"), bytes).unwrap();
        assert_eq!(f.open().staged().map(|changes| changes.items.len()).ok(), is_read.then_some(1), "{length}");
    }
}

/// Bytes of an entry before its path.
const FIXED: usize = 62;
