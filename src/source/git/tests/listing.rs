//! What kind of repository it is, and what it holds.

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::*;
use crate::source::{Content, Item, Origin, SourceError};

/// Everything that two sweeps hand out, sorted: `id size`, or the gap.
fn swept(repository: &Repository, census: &Census, limit: u64) -> Vec<String> {
    let items = Mutex::new(Vec::new());
    let sink = |item: Item| {
        let text = match item {
            Item::Blob(blob) => {
                let Content::Bytes(bytes) = blob.content else { panic!("in memory") };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                match blob.origin {
                    Origin::Object { id } => format!("{id} {text}"),
                    Origin::CommitMessage { commit } => format!("commit {commit} {text}"),
                    Origin::TagMessage { tag } => format!("tag {tag} {text}"),
                    other => panic!("{other:?}"),
                }
            }
            Item::Gap(gap) => format!("{:?} {}", gap.kind, gap.what),
            other => panic!("{other:?}"),
        };
        items.lock().unwrap().push(text);
        ControlFlow::Continue(())
    };
    repository.sweep_blobs(&repository.reading_order(census), limit, &sink);
    repository.sweep_messages(&census.commits, &census.tags, &sink);
    let mut items = items.into_inner().unwrap();
    items.sort();
    items
}

#[test]
fn all_objects_are_listed_once_wherever_they_lie() {
    let f = Fixture::new();
    let commit = f.write("a", "packed").commit("root");
    f.git(["tag", "-a", "v1", "-m", "words of the tag"]);
    f.git(["repack", "-q", "-a"]);
    // The same objects in a second pack, and still loose.
    let name = f.git(["rev-parse", "HEAD:a"]);
    assert!(f.loose_file(Oid::from_str(&name).unwrap()).exists());
    f.write("loose", "dangling");
    f.git(["hash-object", "-w", "loose"]);
    let h = f.history();
    let mut blobs = [blob("packed"), blob("dangling")];
    blobs.sort();
    assert_eq!(h.census.blobs, blobs);
    assert_eq!(h.census.commits, [commit]);
    assert_eq!(h.census.tags, [f.id("v1")]);
    assert_eq!(h.census.tree_count(), 1);
    assert_eq!(h.gap_kinds(), []);
    let mut expected = [
        format!("{} packed", blob("packed")),
        format!("{} dangling", blob("dangling")),
        format!("commit {commit} root\n"),
        format!("tag {} words of the tag\n", f.id("v1")),
    ];
    expected.sort();
    assert_eq!(swept(&h.repository, &h.census, 100), expected);
}

#[test]
fn a_blob_over_the_limit_is_a_gap() {
    let f = Fixture::new();
    f.write("a", "12345").write("b", "1234").commit("root");
    let h = f.history();
    let swept = swept(&h.repository, &h.census, 4);
    assert!(swept.contains(&format!("{} 1234", blob("1234"))));
    assert!(swept.contains(&format!("Limit blob {}", blob("12345"))));
}

#[test]
fn a_sink_that_breaks_gets_no_more() {
    let f = Fixture::new();
    for at in 0..500 {
        f.write(&format!("f{at}"), &format!("{at}"));
    }
    f.commit("root");
    let h = f.history();
    let seen = Mutex::new(0);
    h.repository.sweep_blobs(&h.census.blobs, 100, &|_| {
        *seen.lock().unwrap() += 1;
        ControlFlow::Break(())
    });
    // Each thread may be handing over one.
    assert!((1..=rayon::current_num_threads()).contains(&seen.into_inner().unwrap()));
}

#[test]
fn refs_select_what_they_reach() {
    let f = Fixture::new();
    f.write("a", "main").commit("root");
    f.git(["checkout", "-q", "-b", "side"]);
    f.write("sub/b", "side").commit("side");
    f.git(["tag", "-a", "v1", "-m", "tag"]);
    f.git(["checkout", "-q", "--orphan", "other"]);
    f.write("c", "other").commit("other");
    let census = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        f.open().census(&Selection::Refs(names)).unwrap()
    };
    assert_eq!(census(&["main"]).blobs, [blob("main")]);
    let tagged = census(&["v1"]);
    assert_eq!((tagged.blobs.len(), tagged.commits.len()), (2, 2));
    assert_eq!((tagged.tags.len(), tagged.tree_count()), (1, 3));
    assert_eq!(f.open().reading_order(&tagged).len(), 2);
    assert_eq!(census(&["main", "other"]).commits.len(), 2);
    let unknown = f.open().census(&Selection::Refs(vec!["nope".to_owned()]));
    assert!(matches!(
        unknown.unwrap_err(),
        SourceError::UnknownRevision { name } if name == "nope"
    ));
}

#[test]
fn the_ways_in_lead_to_the_same_repository() {
    let f = Fixture::new();
    f.write("a/b/c", "1").commit("root");
    let main = f.id("HEAD");
    let facts = f.open().facts().clone();
    assert_eq!(facts.work_dir.as_deref().map(|dir| dir.canonicalize().unwrap()), Some(f.dir.clone()));
    assert!(!facts.bare && !facts.shallow && !facts.partial && !facts.linked_worktree);
    let head = facts.head.clone().unwrap();
    assert_eq!((head.name.as_str(), head.commit), ("refs/heads/main", Some(main)));
    for way in ["a/b", ".git", "a"] {
        let other = Repository::open(&f.dir.join(way)).unwrap();
        assert_eq!(other.facts().git_dir, facts.git_dir, "{way}");
        assert_eq!(other.facts().work_dir, facts.work_dir, "{way}");
    }
}

#[test]
fn what_is_no_repository_is_said_so() {
    let f = Fixture::empty();
    assert!(matches!(Repository::open(&f.dir).unwrap_err(), SourceError::NotARepository { .. }));
    assert!(matches!(Repository::open(&f.dir.join("nowhere")).unwrap_err(), SourceError::Open { .. }));
}

#[test]
fn a_bare_repository_has_no_work_tree() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["clone", "-q", "--bare", ".", "../bare.git"]);
    let repository = Repository::open(&f.dir.join("../bare.git")).unwrap();
    assert!(repository.facts().bare);
    assert_eq!(repository.facts().work_dir, None);
    let h = History::of(&repository, &Selection::All);
    assert_eq!(h.census.blobs, [blob("1")]);
    assert_eq!(h.graph.head, Some(0));
}

#[test]
fn a_foreign_work_tree_is_not_believed() {
    let f = Fixture::new();
    f.write("a", "1").commit("root");
    f.git(["config", "core.worktree", "/usr"]);
    let dir = f.open().facts().work_dir.clone().unwrap();
    assert_eq!(dir.canonicalize().unwrap(), f.dir);
}

#[test]
fn a_branch_without_a_commit_is_unborn() {
    let f = Fixture::new();
    let h = f.history();
    let facts = h.repository.facts();
    assert!(facts.unborn);
    let head = facts.head.clone().unwrap();
    assert_eq!((head.name.as_str(), head.commit), ("refs/heads/main", None));
    assert_eq!((h.graph.head, h.graph.nodes.len()), (None, 0));
    assert_eq!(h.gap_kinds(), []);
}

#[test]
fn alternates_are_part_of_it() {
    let f = Fixture::new();
    f.write("a", "lent").commit("root");
    f.git(["clone", "-q", "--shared", ".", "../borrower"]);
    let repository = Repository::open(&f.dir.join("../borrower")).unwrap();
    assert_eq!(repository.facts().alternates, [f.dir.join(".git/objects")]);
    let h = History::of(&repository, &Selection::All);
    assert_eq!(h.census.blobs, [blob("lent")]);
    assert_eq!(h.gap_kinds(), []);
    // Alternates that name each other end.
    let link = f.dir.join("../borrower/.git/objects").canonicalize().unwrap();
    f.write(".git/objects/info/alternates", &format!("{}\n", link.display()));
    let repository = Repository::open(&f.dir.join("../borrower")).unwrap();
    assert_eq!(repository.facts().alternates, [f.dir.join(".git/objects")]);
}

#[test]
fn a_shallow_clone_says_where_it_ends() {
    let f = Fixture::new();
    for text in ["1", "2", "3"] {
        f.write("a", text).commit(text);
    }
    let url = format!("file://{}", f.dir.display());
    f.git(["clone", "-q", "--depth", "2", &url, "../shallow"]);
    let repository = Repository::open(&f.dir.join("../shallow")).unwrap();
    assert!(repository.facts().shallow);
    for selection in [Selection::All, Selection::Refs(vec!["HEAD".to_owned()])] {
        let h = History::of(&repository, &selection);
        assert_eq!(h.graph.nodes.len(), 2);
        assert_eq!(h.graph.missing_parents, 1);
        assert_eq!(h.gap_kinds(), [GapKind::PartialHistory]);
        assert!(h.census.gaps[0].message.contains("1 commit"));
        // The commit at the edge stands for everything before.
        let value = h.value(&["2"]);
        assert_eq!(value.introduced, [0]);
    }
}

#[test]
fn a_partial_clone_has_one_gap_for_all_that_was_left_out() {
    let f = Fixture::new();
    for at in 0..30 {
        f.write(&format!("f{at}"), &format!("text {at}"));
    }
    f.commit("root");
    f.git(["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", f.dir.display());
    f.git(["clone", "-q", "--bare", "--filter=blob:none", &url, "../partial"]);
    let repository = Repository::open(&f.dir.join("../partial")).unwrap();
    assert!(repository.facts().partial);
    for selection in [Selection::All, Selection::Refs(vec!["HEAD".to_owned()])] {
        let h = History::of(&repository, &selection);
        assert_eq!(h.census.blobs, []);
        assert_eq!(h.gap_kinds(), [GapKind::PartialHistory]);
        assert!(h.census.gaps[0].message.contains("at least 30 blobs"));
    }
    assert!(!f.open().facts().partial);
}

#[test]
fn symbolic_refs_are_skipped_and_tags_followed() {
    let f = Fixture::new();
    let commit = f.write("a", "1").commit("root");
    f.git(["tag", "-a", "v1", "-m", "tag"]);
    f.git(["tag", "-a", "v2", "v1", "-m", "tag of a tag"]);
    f.git(["tag", "tree", "HEAD^{tree}"]);
    f.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main"]);
    f.git(["update-ref", "refs/remotes/origin/main", &commit.to_string()]);
    f.git(["pack-refs", "--all"]);
    f.git(["branch", "loose"]);
    let graph = f.history().graph;
    let names: Vec<_> = graph.refs.iter().map(|r| (r.name.as_str(), r.tip)).collect();
    assert_eq!(
        names,
        [
            ("refs/heads/loose", 0),
            ("refs/heads/main", 0),
            ("refs/remotes/origin/main", 0),
            ("refs/tags/v1", 0),
            ("refs/tags/v2", 0),
        ]
    );
    assert_eq!(graph.gaps, []);
}

#[test]
fn the_indexes_paths_are_listed_sorted() {
    let f = Fixture::new();
    f.write("b", "1").write("a/x", "2").commit("root");
    f.write("untracked", "3").write("c", "4");
    f.git(["add", "c"]);
    assert_eq!(f.open().tracked_paths().unwrap(), ["a/x", "b", "c"]);
}

#[test]
fn files_of_a_revision_are_read_as_stored() {
    let f = Fixture::new();
    f.write(".gitattributes", "* text eol=crlf\n");
    let first = f.write("dir/a", "one\n").commit("first");
    f.write("dir/a", "two\n").commit("second");
    let repository = f.open();
    assert_eq!(repository.tree_holds(first, &path("dir/a")), Some(blob("one\n")));
    assert_eq!(repository.tree_holds(first, &path("dir")), None);
    assert_eq!(repository.tree_holds(first, &path("dir/a/b")), None);
    let read = |rev: &str, name: &str| repository.read_at(rev, &path(name)).unwrap();
    assert_eq!(read("HEAD", "dir/a").as_deref(), Some(&b"two\n"[..]));
    assert_eq!(read("HEAD~", "dir/a").as_deref(), Some(&b"one\n"[..]));
    assert_eq!(read("HEAD", "dir/nope"), None);
    assert!(matches!(repository.read_at("nope", &path("a")).unwrap_err(), SourceError::UnknownRevision { .. }));
}

#[test]
fn replacements_and_grafts_are_not_honoured() {
    let f = Fixture::new();
    let first = f.write("a", "old").commit("first");
    let second = f.write("a", "new").commit("second");
    f.git(["replace", "--graft", "HEAD"]);
    f.write(".git/info/grafts", &format!("{second}\n"));
    let h = f.history();
    let at = h.graph.nodes.iter().position(|node| node.id == second).unwrap();
    assert_eq!(h.ids(&h.graph.nodes[at].parents), [first]);
    let changes = h.repository.range(&format!("{first}..{second}")).unwrap();
    assert_eq!(changes.commits, [second]);
    assert_eq!(changes.items[0].parents[0].id, blob("old"));
}
