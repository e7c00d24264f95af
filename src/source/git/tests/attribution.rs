//! Who brought a value in, who took it out, where it lives.

use super::*;

const SECRET: &str = "key = made-up\n";
const OTHER: &str = "more\nkey = made-up\n";

#[test]
fn content_that_only_a_merge_brings_in_is_the_merges() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    f.write("b", "2").commit("side");
    f.git(["checkout", "-q", "main"]);
    f.write("c", "3").commit("main");
    f.git(["merge", "-q", "--no-commit", "side"]);
    let merge = f.write("evil", SECRET).commit("merge");
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(h.ids(&value.introduced), [merge]);
    assert_eq!(value.places.len(), 1);
    assert!(value.places[0].at_head && value.places[0].reachable);
    assert_eq!(h.refs(&value.places[0].live_on), ["refs/heads/main"]);
}

#[test]
fn a_merge_of_a_branch_with_the_value_introduces_nothing() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    let added = f.write("b", SECRET).commit("side");
    f.git(["checkout", "-q", "main"]);
    f.write("c", "3").commit("main");
    f.git(["merge", "-q", "side", "-m", "merge"]);
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(h.ids(&value.introduced), [added]);
    assert_eq!(h.id(value.places[0].added), added);
    assert!(value.removed.is_empty());
}

#[test]
fn an_octopus_is_asked_for_all_its_parents() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    let mut added = Vec::new();
    for name in ["x", "y", "z"] {
        f.git(["checkout", "-q", "-b", name, "main"]);
        added.push(f.write(name, if name == "y" { SECRET } else { name }).commit(name));
    }
    f.git(["checkout", "-q", "main"]);
    f.git(["merge", "-q", "x", "y", "z", "-m", "octopus"]);
    let h = f.history();
    let tip = h.graph.head.unwrap();
    assert_eq!(h.graph.nodes[tip as usize].parents.len(), 3);
    let value = h.value(&[SECRET]);
    assert_eq!(h.ids(&value.introduced), [added[1]]);
    let place = &value.places[0];
    assert_eq!(h.refs(&place.live_on), ["refs/heads/main", "refs/heads/y"]);
    assert_eq!(place.in_history_of.len(), 0);
}

#[test]
fn a_value_removed_and_added_again_has_two_introductions() {
    let f = Fixture::new();
    let first = f.write("dir/a", SECRET).commit("add");
    let second = f.remove("dir/a").write("b", "x").commit("remove");
    let third = f.write("dir/a", SECRET).commit("again");
    let fourth = f.remove("dir/a").commit("remove again");
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(h.ids(&value.introduced), [first, third]);
    assert_eq!(h.ids(&value.removed), [second, fourth]);
    let place = &value.places[0];
    assert_eq!(place.path, path("dir/a"));
    assert_eq!(h.id(place.added), first);
    assert_eq!(place.removed.map(|at| h.id(at)), Some(fourth));
    assert_eq!((place.at_head, place.reachable), (false, true));
    assert_eq!(place.live_on.len(), 0);
    assert_eq!(h.refs(&place.in_history_of), ["refs/heads/main"]);
    assert_eq!(place.shown, blob(SECRET));
}

#[test]
fn a_rename_introduces_nothing_but_starts_a_place() {
    let f = Fixture::new();
    let first = f.write("old/name", SECRET).commit("add");
    f.git(["mv", "old", "new"]);
    let second = f.commit("move");
    let third = f.write("new/name", OTHER).commit("edit");
    let h = f.history();
    let value = h.value(&[SECRET, OTHER]);
    assert_eq!(h.ids(&value.introduced), [first]);
    assert!(value.removed.is_empty());
    let places = &value.places;
    assert_eq!(places.len(), 2);
    assert_eq!(places[0].path, path("old/name"));
    assert_eq!(places[0].removed.map(|at| h.id(at)), Some(second));
    assert_eq!(places[1].path, path("new/name"));
    assert_eq!(h.id(places[1].added), second);
    assert_eq!(places[1].removed, None);
    assert_eq!(places[1].versions, [blob(SECRET), blob(OTHER)]);
    assert_eq!(places[1].shown, blob(OTHER));
    assert_eq!(h.id(h.graph.head.unwrap()), third);
}

#[test]
fn two_roots_may_both_introduce() {
    let f = Fixture::new();
    let first = f.write("a", SECRET).commit("one");
    f.git(["checkout", "-q", "--orphan", "other"]);
    let second = f.write("a", SECRET).commit("two");
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(h.ids(&value.introduced), [first, second]);
    assert_eq!(h.id(value.places[0].added), first);
    assert_eq!(value.places.len(), 1);
}

#[test]
fn deleted_at_head_but_live_on_another_branch() {
    let f = Fixture::new();
    f.write("a", SECRET).commit("add");
    f.git(["branch", "release"]);
    f.write("a", OTHER).commit("edit");
    f.git(["tag", "-a", "v1", "-m", "tag"]);
    let removed = f.write("a", "gone").commit("remove");
    let h = f.history();
    let value = h.value(&[SECRET, OTHER]);
    let place = &value.places[0];
    assert_eq!(h.refs(&place.live_on), ["refs/heads/release", "refs/tags/v1"]);
    assert_eq!(h.refs(&place.in_history_of), ["refs/heads/main"]);
    assert!(!place.at_head);
    assert_eq!(place.removed.map(|at| h.id(at)), Some(removed));
    // The first ref where it lives decides what is shown.
    assert_eq!(place.shown, blob(SECRET));
}

#[test]
fn the_remover_is_not_a_later_merge_of_an_old_branch() {
    let f = Fixture::new();
    f.write("a", SECRET).commit("add");
    f.git(["checkout", "-q", "-b", "old"]);
    f.write("b", "1").commit("old work");
    f.git(["checkout", "-q", "main"]);
    let removed = f.remove("a").write("c", "1").commit("remove");
    f.git(["merge", "-q", "old", "-m", "merge"]);
    let merge = f.id("HEAD");
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(value.places[0].removed.map(|at| h.id(at)), Some(removed));
    assert_eq!(h.ids(&value.removed), [removed, merge]);
}

#[test]
fn a_stash_is_a_ref_and_a_dropped_one_is_not() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.write("a", SECRET);
    f.git(["stash", "-q"]);
    let h = f.history();
    let place = &h.value(&[SECRET]).places[0];
    assert_eq!(h.refs(&place.live_on), ["refs/stash"]);
    assert!(place.reachable && !place.at_head);

    f.git(["stash", "drop", "-q"]);
    let h = f.history();
    let place = &h.value(&[SECRET]).places[0];
    assert_eq!((place.live_on.len(), place.reachable), (0, false));
}

#[test]
fn a_note_stands_below_its_commits_id() {
    let f = Fixture::new();
    let commit = f.write("a", "1").commit("root");
    f.git(["notes", "add", "-m", SECRET.trim()]);
    let h = f.history();
    let place = &h.value(&[SECRET]).places[0];
    assert_eq!(place.path, path(&commit.to_string()));
    assert_eq!(h.refs(&place.live_on), ["refs/notes/commits"]);
}

#[test]
fn what_only_the_reflog_names_is_in_no_ref() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    let lost = f.write("a", SECRET).commit("lost");
    f.git(["reset", "-q", "--hard", "HEAD~"]);
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(h.ids(&value.introduced), [lost]);
    let place = &value.places[0];
    assert!(!place.reachable && place.in_history_of.is_empty());

    // Restricted to a branch, it is out of scope.
    let main = Selection::Refs(vec!["main".to_owned()]);
    let h = History::of(&f.open(), &main);
    assert_eq!(h.census.blobs, [blob("1")]);
    assert_eq!(h.attribute(&[SECRET]).unplaced, [blob(SECRET)]);
}

#[test]
fn a_blob_that_no_tree_names_is_unplaced() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.write("loose", SECRET);
    f.git(["hash-object", "-w", "loose"]);
    let h = f.history();
    assert!(h.census.blobs.contains(&blob(SECRET)));
    let found = h.attribute(&[SECRET, "1"]);
    assert_eq!(found.unplaced, [blob(SECRET)]);
    assert_eq!(found.values.len(), 1);
}

#[test]
fn a_detached_head_of_a_worktree_is_a_ref() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    let tree = f.dir.join("../linked");
    f.git(["worktree", "add", "-q", "--detach", "../linked"]);
    fs::write(tree.join("a"), SECRET).unwrap();
    f.git_in(&tree, ["commit", "-q", "-a", "-m", "there"]);
    let h = f.history();
    let place = &h.value(&[SECRET]).places[0];
    assert_eq!(h.refs(&place.live_on), ["worktree linked HEAD"]);
    assert!(!place.at_head);

    let linked = Repository::open(&tree).unwrap();
    assert!(linked.facts().linked_worktree);
    assert_ne!(linked.facts().git_dir, linked.facts().common_dir);
    let h = History::of(&linked, &Selection::All);
    let place = &h.value(&[SECRET]).places[0];
    assert_eq!(h.refs(&place.live_on), ["HEAD"]);
    assert!(place.at_head);
}

#[test]
fn paths_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;
    let f = Fixture::new();
    let name = std::ffi::OsStr::from_bytes(b"dir-\xff");
    fs::create_dir(f.dir.join(name)).unwrap();
    fs::write(f.dir.join(name).join("\u{e9}"), SECRET).unwrap();
    f.commit("odd");
    let h = f.history();
    let place = &h.value(&[SECRET]).places[0];
    assert_eq!(place.path, RelPath::new(&b"dir-\xff/\xc3\xa9"[..]));
}

#[test]
fn values_of_one_file_are_told_apart() {
    let f = Fixture::new();
    let first = f.write("a", "one").commit("first");
    let second = f.write("a", "one two").commit("second");
    let third = f.write("a", "two").commit("third");
    let h = f.history();
    let interesting = HashMap::from([
        (blob("one"), vec![ValueId(1)]),
        (blob("one two"), vec![ValueId(2), ValueId(1)]),
        (blob("two"), vec![ValueId(2)]),
    ]);
    let found = h.repository.attribute(&h.graph, &interesting);
    let one = &found.values[&ValueId(1)];
    let two = &found.values[&ValueId(2)];
    assert_eq!(h.ids(&one.introduced), [first]);
    assert_eq!(h.ids(&one.removed), [third]);
    assert_eq!(one.places[0].versions, [blob("one"), blob("one two")]);
    assert_eq!(h.ids(&two.introduced), [second]);
    assert!(two.removed.is_empty());
    assert_eq!(two.places[0].shown, blob("two"));
}

#[test]
fn more_places_than_one_batch_keep_their_refs() {
    let f = Fixture::new();
    for at in 0..1100 {
        f.write(&format!("d{}/f{at}", at % 7), SECRET);
    }
    f.commit("many");
    f.git(["branch", "old"]);
    f.remove("d0/f0").remove("d3/f1095").commit("fewer");
    let h = f.history();
    let value = h.value(&[SECRET]);
    assert_eq!(value.places.len(), 1100);
    let mut gone = Vec::new();
    for place in &value.places {
        if place.at_head {
            assert_eq!(h.refs(&place.live_on), ["refs/heads/main", "refs/heads/old"]);
        } else {
            gone.push(place.path.to_string());
            assert_eq!(h.refs(&place.live_on), ["refs/heads/old"]);
            assert_eq!(h.refs(&place.in_history_of), ["refs/heads/main"]);
        }
    }
    assert_eq!(gone, ["d0/f0", "d3/f1095"]);
}

#[test]
fn equal_times_are_ordered_by_id_and_parents_come_first() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["checkout", "-q", "-b", "x"]);
    f.write("b", "1").commit("x");
    f.git(["checkout", "-q", "-b", "y", "main"]);
    f.write("c", "1").commit("y");
    f.git(["merge", "-q", "x", "-m", "merge"]);
    let graph = f.history().graph;
    for (at, node) in (0..).zip(&graph.nodes) {
        assert!(node.parents.iter().all(|&parent| parent < at));
    }
    assert_eq!(graph.nodes.len(), 4);
    let again = f.history().graph;
    let ids = |graph: &CommitGraph| -> Vec<Oid> { graph.nodes.iter().map(|node| node.id).collect() };
    assert_eq!(ids(&graph), ids(&again));
    let info = graph.info(0);
    assert_eq!(info.author_name, "A U Thor");
    assert_eq!(info.author_email, "author@example.com");
    assert_eq!(info.subject, "root");
}

/// Writes a tree with one entry and returns its id.
fn nest(f: &Fixture, levels: usize, leaf: Oid, fan: usize) -> Oid {
    let repository = git2::Repository::open(&f.dir).unwrap();
    let mut id = leaf;
    for level in 0..levels {
        let mut builder = repository.treebuilder(None).unwrap();
        let mode = if level == 0 { 0o100644 } else { 0o040000 };
        for name in 0..fan {
            builder.insert(format!("d{name}"), id, mode).unwrap();
        }
        id = builder.write().unwrap();
    }
    id
}

fn commit_tree(f: &Fixture, tree: Oid) -> Oid {
    let commit = f.git(["commit-tree", "-m", "hostile", &tree.to_string()]);
    f.git(["update-ref", "refs/heads/main", &commit]);
    Oid::from_str(&commit).unwrap()
}

#[test]
fn a_deep_tree_is_a_gap_and_not_a_crash() {
    let f = Fixture::new();
    f.write("a", SECRET);
    f.git(["hash-object", "-w", "a"]);
    commit_tree(&f, nest(&f, 4000, blob(SECRET), 1));
    let h = f.history();
    assert_eq!(h.gap_kinds(), []);
    assert_eq!(h.value(&[SECRET]).places[0].path.as_bstr().len(), 4000 * 3 - 1);

    commit_tree(&f, nest(&f, 6000, blob(SECRET), 1));
    let h = f.history();
    let found = h.attribute(&[SECRET]);
    assert_eq!(found.gaps.iter().map(|gap| gap.kind).collect::<Vec<_>>(), [GapKind::Limit]);
}

#[test]
fn folders_that_multiply_are_a_gap_and_not_a_crash() {
    let f = Fixture::new();
    f.write("a", SECRET);
    f.git(["hash-object", "-w", "a"]);
    commit_tree(&f, nest(&f, 12, blob(SECRET), 10));
    let h = f.history();
    assert_eq!(h.gap_kinds(), []);
    let found = h.attribute(&[SECRET]);
    assert!(!found.gaps.is_empty());
    assert!(found.gaps.iter().all(|gap| gap.kind == GapKind::Limit));
    let changes = h.repository.since(0).unwrap();
    assert!(changes.gaps.iter().all(|gap| gap.kind == GapKind::Limit));
    assert!(!changes.gaps.is_empty());
}
