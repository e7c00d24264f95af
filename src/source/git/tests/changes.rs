//! What a range, a time span or the index changes.

use super::*;
use crate::source::{ExclusionReason, SourceError};

/// `subject path` of each change, with the number of parents that have the file.
fn shown(changes: &super::super::Changes) -> Vec<(String, String, usize)> {
    let items = changes.items.iter();
    items
        .map(|change| {
            let subject = change.commit.as_ref().map_or("staged", |c| &c.subject);
            (subject.to_owned(), change.path.to_string(), change.parents.len())
        })
        .collect()
}

fn expect(list: &[(&str, &str, usize)]) -> Vec<(String, String, usize)> {
    let list = list.iter();
    list.map(|&(a, b, c)| (a.to_owned(), b.to_owned(), c)).collect()
}

#[test]
fn what_is_added_and_removed_inside_a_range_is_seen() {
    let f = Fixture::new();
    let base = f.write("a", "1").write("keep", "k").commit("root");
    let add = f.write("secret", "s").write("a", "2").commit("add");
    let remove = f.remove("secret").commit("remove");
    let changes = f.open().range("HEAD~2..").unwrap();
    assert_eq!(changes.commits, [add, remove]);
    assert_eq!((changes.base, &changes.tips), (Some(base), &vec![remove]));
    assert_eq!(shown(&changes), expect(&[("add", "a", 1), ("add", "secret", 0)]));
    assert_eq!(changes.items[0].parents[0].id, blob("1"));
    assert_eq!(changes.items[1].id, blob("s"));
    assert_eq!(changes.gaps, []);
    assert_eq!(f.open().range("HEAD..HEAD").unwrap().commits.len(), 0);
    assert_eq!(f.open().range("..HEAD").unwrap().commits.len(), 0);
}

#[test]
fn both_forms_of_a_range_start_where_the_branches_part() {
    let f = Fixture::new();
    let fork = f.write("a", "1").commit("root");
    f.git(["checkout", "-q", "-b", "topic"]);
    let topic = f.write("t", "1").commit("topic");
    f.git(["checkout", "-q", "main"]);
    let main = f.write("m", "1").commit("main");
    let repository = f.open();
    let two = repository.range("main..topic").unwrap();
    let three = repository.range("main...topic").unwrap();
    for changes in [&two, &three] {
        assert_eq!(changes.commits, [topic]);
        assert_eq!(shown(changes), expect(&[("topic", "t", 0)]));
    }
    assert_eq!(two.base, Some(main));
    assert_eq!(three.base, Some(fork));
}

#[test]
fn of_a_merge_only_its_own_content_counts() {
    let f = Fixture::new();
    f.write("a", "1").write("both", "1").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    f.write("b", "side").commit("side");
    f.git(["checkout", "-q", "main"]);
    f.write("c", "main").commit("main");
    f.git(["merge", "-q", "--no-commit", "side"]);
    f.write("evil", "new").write("both", "2").commit("merge");
    let changes = f.open().range("HEAD~..HEAD").unwrap();
    assert_eq!(shown(&changes), expect(&[("side", "b", 0), ("merge", "both", 2), ("merge", "evil", 0)]));
}

#[test]
fn a_move_is_nothing_new_and_an_edited_move_has_a_parent() {
    let f = Fixture::new();
    let text: String = (0..50).map(|at| format!("line {at}\n")).collect();
    f.write("old", &text).write("other", &text.replace("line", "row")).commit("root");
    f.git(["mv", "old", "pure"]);
    f.git(["mv", "other", "edited"]);
    let edited = text.replace("line", "row") + "key = 1\n";
    f.write("edited", &edited).commit("move");
    let changes = f.open().range("HEAD~..").unwrap();
    assert_eq!(shown(&changes), expect(&[("move", "edited", 1)]));
    assert_eq!(changes.items[0].parents[0].path, path("other"));
    assert_eq!(changes.items[0].id, blob(&edited));
}

#[test]
fn a_root_in_the_range_is_all_new() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["checkout", "-q", "--orphan", "other"]);
    f.write("sub/b", "2").commit("second root");
    let changes = f.open().range("main..other").unwrap();
    assert_eq!(shown(&changes), expect(&[("second root", "a", 0), ("second root", "sub/b", 0)]));
    assert_eq!(f.open().range("main...other").unwrap().base, None);
}

#[test]
fn an_unknown_side_is_named() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    for (range, side) in [("nope..HEAD", "nope"), ("HEAD..nope", "nope"), ("x...HEAD", "x"), ("HEAD", "HEAD")] {
        match f.open().range(range).unwrap_err() {
            SourceError::UnknownRevision { name } => assert_eq!(name, side),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_range_survives_clocks_that_run_backwards() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.minutes.set(5000);
    f.write("a", "2").commit("future");
    f.minutes.set(10);
    let base = f.write("a", "3").commit("base");
    let tip = f.write("a", "4").commit("tip");
    let changes = f.open().range(&format!("{base}..{tip}")).unwrap();
    assert_eq!(changes.commits, [tip]);
}

#[test]
fn a_range_that_leaves_a_shallow_clone_says_so() {
    let f = Fixture::new();
    f.write("a", "1").write("b", "1").commit("one");
    f.git(["branch", "base"]);
    f.write("a", "2").commit("two");
    let edge = f.write("a", "3").commit("three");
    f.write("a", "4").commit("four");
    let url = format!("file://{}", f.dir.display());
    f.git(["clone", "-q", "--depth", "2", "--no-single-branch", &url, "../shallow"]);
    let repository = Repository::open(&f.dir.join("../shallow")).unwrap();
    let inside = repository.range("HEAD~..HEAD").unwrap();
    assert_eq!((shown(&inside), inside.gaps), (expect(&[("four", "a", 1)]), vec![]));

    let changes = repository.range("origin/base..HEAD").unwrap();
    assert_eq!(changes.commits.first(), Some(&edge));
    // Compared with the base, so that `b` is not taken for new.
    assert_eq!(shown(&changes), expect(&[("three", "a", 1), ("four", "a", 1)]));
    let kinds: Vec<_> = changes.gaps.iter().map(|gap| gap.kind).collect();
    assert_eq!(kinds, [GapKind::PartialHistory]);
}

#[test]
fn a_missing_commit_inside_a_range_is_a_gap() {
    let f = Fixture::new();
    f.write("a", "1").commit("one");
    let lost = f.write("a", "2").commit("two");
    f.write("a", "3").commit("three");
    f.git(["branch", "base", "HEAD~2"]);
    fs::remove_file(f.loose_file(lost)).unwrap();
    let changes = f.open().range("base..HEAD").unwrap();
    assert_eq!(changes.gaps.len(), 1);
    assert_eq!(changes.gaps[0].kind, GapKind::Missing);
    assert_eq!(shown(&changes), expect(&[("three", "a", 1)]));
}

#[test]
fn since_asks_every_ref_and_the_committers_clock() {
    let f = Fixture::new();
    f.write("a", "1").commit("old");
    f.git(["checkout", "-q", "-b", "side"]);
    f.minutes.set(1000);
    let new = f.write("b", "2").commit("new on a branch");
    let at = 1_700_000_000 + 1000 * 60;
    let changes = f.open().since(at).unwrap();
    assert_eq!(changes.commits, [new]);
    assert_eq!(shown(&changes), expect(&[("new on a branch", "b", 0)]));
    assert_eq!(f.open().since(at + 100_000).unwrap().commits.len(), 0);
    assert_eq!(f.open().since(0).unwrap().commits.len(), 2);
}

#[test]
fn submodules_and_links_in_a_range() {
    let f = Fixture::new();
    let commit = f.write("a", "1").commit("root").to_string();
    f.git(["update-index", "--add", "--cacheinfo", "160000", &commit, "sub"]);
    std::os::unix::fs::symlink("target-text", f.dir.join("link")).unwrap();
    f.git(["add", "link"]);
    for changes in [f.open().staged().unwrap(), {
        f.git(["commit", "-q", "-m", "both"]);
        f.open().range("HEAD~..HEAD").unwrap()
    }] {
        assert_eq!(changes.items.len(), 1);
        assert_eq!(changes.items[0].id, blob("target-text"));
        assert_eq!(changes.exclusions.len(), 1);
        assert_eq!(changes.exclusions[0].reason, ExclusionReason::Submodule);
        assert_eq!(changes.exclusions[0].what, path("sub"));
    }
    let h = f.history();
    assert_eq!(h.gap_kinds(), []);
}

#[test]
fn the_index_is_compared_with_head() {
    let f = Fixture::new();
    f.write("a", "1").write("same", "s").write("gone", "g").commit("root");
    f.write("a", "2").write("dir/new", "n").write("unstaged", "u").remove("gone");
    f.git(["add", "a", "dir", "gone"]);
    f.write("a", "work tree only");
    let changes = f.open().staged().unwrap();
    assert_eq!(shown(&changes), expect(&[("staged", "a", 1), ("staged", "dir/new", 0)]));
    assert_eq!(changes.items[0].id, blob("2"));
    assert_eq!(changes.items[0].parents[0].id, blob("1"));
    assert_eq!(changes.base, Some(f.id("HEAD")));
    assert_eq!(f.open().read_blob(blob("2")).unwrap(), b"2");
}

#[test]
fn before_the_first_commit_everything_staged_is_new() {
    let f = Fixture::new();
    f.write("a", "1").write("b", "2");
    f.git(["add", "a"]);
    let changes = f.open().staged().unwrap();
    assert_eq!(shown(&changes), expect(&[("staged", "a", 0)]));
    assert_eq!(changes.base, None);
}

#[test]
fn a_staged_rename_knows_its_old_name() {
    let f = Fixture::new();
    let text: String = (0..50).map(|at| format!("line {at}\n")).collect();
    f.write("old", &text).write("pure", "moved without a change\n").commit("root");
    f.git(["mv", "old", "new"]);
    f.git(["mv", "pure", "moved"]);
    f.write("new", &(text + "more\n"));
    f.git(["add", "-A"]);
    let changes = f.open().staged().unwrap();
    assert_eq!(shown(&changes), expect(&[("staged", "new", 1)]));
    assert_eq!(changes.items[0].parents[0].path, path("old"));
}

#[test]
fn a_staged_merge_counts_only_what_neither_side_has() {
    let f = Fixture::new();
    f.write("both", "1").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    f.write("theirs", "t").write("both", "side").commit("side");
    f.git(["checkout", "-q", "main"]);
    f.write("ours", "o").commit("main");
    f.git(["merge", "-q", "--no-commit", "side"]);
    f.write("both", "resolved").write("extra", "e");
    f.git(["add", "-A"]);
    let changes = f.open().staged().unwrap();
    assert_eq!(shown(&changes), expect(&[("staged", "both", 2), ("staged", "extra", 0)]));
    let parents: Vec<_> = changes.items[0].parents.iter().map(|p| p.id).collect();
    assert_eq!(parents, [blob("1"), blob("side")]);
}

#[test]
fn conflicts_are_excluded_and_promises_are_nothing() {
    let f = Fixture::new();
    f.write("a", "1\n").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    f.write("a", "side\n").commit("side");
    f.git(["checkout", "-q", "main"]);
    f.write("a", "main\n").commit("main");
    let merge = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        f.git(["merge", "-q", "side"]);
    }));
    assert!(merge.is_err(), "the merge was meant to conflict");
    f.write("promised", "later");
    f.git(["add", "-N", "promised"]);
    let changes = f.open().staged().unwrap();
    assert_eq!(shown(&changes), []);
    assert_eq!(changes.exclusions.len(), 1);
    assert_eq!(changes.exclusions[0].reason, ExclusionReason::Unmerged);
    assert_eq!(changes.exclusions[0].what, path("a"));
    assert_eq!(f.open().tracked_paths().unwrap(), ["a", "promised"]);
}

#[test]
fn a_linked_worktree_has_an_index_of_its_own() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["worktree", "add", "-q", "-b", "wt", "../linked"]);
    let linked = f.dir.join("../linked");
    fs::write(linked.join("new"), "there").unwrap();
    f.git_in(&linked, ["add", "new"]);
    assert_eq!(shown(&f.open().staged().unwrap()), []);
    let repository = Repository::open(&linked).unwrap();
    assert_eq!(shown(&repository.staged().unwrap()), expect(&[("staged", "new", 0)]));
}
