//! `keysweep git`: everything a repository holds, and what is told of each secret.

use std::fs;

use serde_json::Value;

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";

/// A token of its own, as a line.
fn token(name: &str) -> String {
    secret(&format!("{name} = ghp_{{base62:30}}{{crc32-base62}}\n"))
}

fn values(project: &Project, arguments: &[&str]) -> Vec<String> {
    let (_, document) = project.json(arguments.iter().copied().chain(["--show-secrets"]));
    let findings = document["findings"].as_array().expect("a list");
    let mut all: Vec<_> =
        findings.iter().map(|one| one["secret"]["value"].as_str().expect("a value").to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

fn holds(values: &[String], line: &str) -> bool {
    values.iter().any(|value| line.contains(value.as_str()))
}

#[test]
fn the_whole_object_database_is_scanned() {
    let names = ["head", "deleted", "stash", "note", "reflog", "dangling", "merge", "tag", "side", "blob-tag"];
    let line = |name: &str| token(name);
    let project = Project::git()
        .stage("head.txt", &line("head"))
        .stage("deleted.txt", &line("deleted"))
        .commit("first")
        .remove("deleted.txt")
        .commit("second");
    project.run_git(&["checkout", "--quiet", "-b", "side"]);
    let project = project.stage("side.txt", &line("side")).commit("side");
    project.run_git(&["checkout", "--quiet", "main"]);
    project.run_git(&["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    let project = project.stage("merge.txt", &line("merge")).commit("merge");
    let project = project.stage("x.txt", &line("reflog")).commit("lost");
    project.run_git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let project = project.stage("stash.txt", &line("stash"));
    project.run_git(&["stash", "--quiet"]);
    project.run_git(&["notes", "add", "-m", &line("note")]);
    project.run_git(&["tag", "-a", "v1", "-m", &line("tag")]);
    let project = project.file("../loose", &line("dangling")).file("../tagged", &line("blob-tag"));
    project.run_git(&["hash-object", "-w", "../loose"]);
    let blob = project.run_git(&["hash-object", "-w", "../tagged"]);
    project.run_git(&["tag", "blob", &blob]);
    for packed in [false, true] {
        if packed {
            project.run_git(&["repack", "--quiet", "-a", "-d", "-k"]);
        }
        let all = values(&project, &["git"]);
        let missing: Vec<_> = names.iter().filter(|name| !holds(&all, &line(name))).collect();
        assert!(missing.is_empty(), "packed {packed}: {missing:?}");
        assert_eq!(all.len(), names.len());
    }
    // Each of several ways into the same repository.
    let bare = project.outside("bare.git").display().to_string();
    project.run_git(&["clone", "--quiet", "--mirror", ".", &bare]);
    assert!(holds(&values(&project, &["git", &bare]), &line("note")));
    let tree = project.outside("linked").display().to_string();
    project.run_git(&["worktree", "add", "--quiet", &tree, "side"]);
    assert_eq!(values(&project, &["git", &tree]).len(), names.len());
    let shared = project.outside("shared").display().to_string();
    project.run_git(&["clone", "--quiet", "--shared", ".", &shared]);
    let (_, document) = project.json(["git", &shared]);
    assert!(found(&document).len() >= 4, "objects of an alternate are scanned");
    assert!(!document["coverage"]["outside"].as_array().expect("a list").is_empty(), "and it is said");
}

#[test]
fn a_finding_says_since_when_by_whom_and_where_still() {
    let project = Project::git().stage("old.txt", TOKEN).commit("add it");
    project.run_git(&["branch", "release"]);
    let project = project.with(&["mv", "old.txt", "new.txt"]).commit("move it").remove("new.txt").commit("drop it");
    let (_, document) = project.json(["git"]);
    let findings = document["findings"].as_array().expect("a list");
    assert_eq!(found(&document), ["new.txt:1 github-pat-classic", "old.txt:1 github-pat-classic"]);
    for one in findings {
        let history = &one["history"];
        assert_eq!(history["introduced"]["subject"], "add it", "{history}");
        assert_eq!(history["at_head"], false);
    }
    assert_eq!(findings[1]["history"]["live_on"], serde_json::json!(["refs/heads/release"]));
    assert_eq!(findings[0]["history"]["removed"]["subject"], "drop it");
    assert_eq!(document["incidents"].as_array().map(Vec::len), Some(1));
}

#[test]
fn messages_are_read_and_fail_only_when_certain() {
    let project = Project::git().stage("a.txt", "x\n").commit("try the staging login\n\nDB_PASSWORD={base62:18}\n");
    let (status, document) = project.json(["git"]);
    assert_eq!((status, found(&document).len()), (0, 1), "{document}");
    assert_eq!(document["findings"][0]["place"]["type"], "commit-message");
    assert_eq!(project.commit(TOKEN).json(["git"]).0, 1);
}

#[test]
fn what_is_staged_is_examined_and_nothing_else() {
    let project = Project::git().stage("old.txt", &token("old")).commit("old");
    assert_eq!(project.json(["git", "--staged"]).0, 0);
    let project = project.stage("new.txt", &token("new"));
    let project = project.file("loose.txt", &token("loose")).file("new.txt", "changed since\n");
    assert_eq!(project.findings(["git", "--staged"]), ["new.txt:1 github-pat-classic"]);
    // A secret that moved with its file is not new.
    let project = Project::git().stage("old.txt", TOKEN).commit("old").with(&["mv", "old.txt", "new.txt"]);
    assert_eq!(project.json(["git", "--staged"]).0, 0);
    // Before the first commit everything is new.
    let project = Project::git().stage("a.txt", TOKEN);
    assert_eq!(project.json(["git", "--staged"]).0, 1);
    assert_eq!(project.json(["git"]).0, 1, "an unborn branch has objects, too");
}

#[test]
fn ranges_see_what_came_and_went_and_what_a_merge_brought() {
    let project = Project::git()
        .stage("a.txt", &token("base"))
        .commit("base")
        .with(&["tag", "base"])
        .stage("b.txt", &token("brief"))
        .commit("add")
        .remove("b.txt")
        .commit("remove");
    assert_eq!(project.findings(["git", "--range", "base..HEAD"]), ["b.txt:1 github-pat-classic"]);
    assert!(project.findings(["git", "--range", "HEAD..base"]).is_empty());
    project.run_git(&["checkout", "--quiet", "-b", "topic", "base"]);
    let project = project.stage("t.txt", &token("topic")).commit("topic");
    assert_eq!(project.findings(["git", "--range", "main...topic"]), ["t.txt:1 github-pat-classic"]);
    project.run_git(&["checkout", "--quiet", "main"]);
    project.run_git(&["merge", "--quiet", "--no-commit", "--no-ff", "topic"]);
    let project = project.stage("evil.txt", &token("evil")).commit("merge");
    assert_eq!(
        project.findings(["git", "--range", "HEAD~1..HEAD"]),
        ["evil.txt:1 github-pat-classic", "t.txt:1 github-pat-classic"]
    );
    let (status, document) = project.json(["git", "--ref", "topic"]);
    let mut all = found(&document);
    all.sort();
    assert_eq!((status, all), (1, vec!["a.txt:1 github-pat-classic".into(), "t.txt:1 github-pat-classic".into()]));
    assert_eq!(project.findings(["git", "--since", "2025-06-01"]).len(), 4);
    assert_eq!(project.findings(["git", "--since", "2030-01-01"]).len(), 0);
    for wrong in ["nope..HEAD", "HEAD..nope", "HEAD"] {
        let text = project.run(["git", "--range", wrong]);
        assert!(text.starts_with("status 2") && text.contains("hint"), "{wrong}: {text}");
    }
    assert!(project.run(["git", "--ref", "nope"]).starts_with("status 2"));
}

#[test]
fn half_a_history_is_incomplete() {
    let project = Project::git().stage("a.txt", TOKEN).commit("one").remove("a.txt").commit("two");
    let (url, shallow, partial) =
        (format!("file://{}", project.root().display()), project.outside("shallow"), project.outside("partial"));
    project.run_git(&["config", "uploadpack.allowFilter", "true"]);
    project.run_git(&["clone", "--quiet", "--depth=1", &url, &shallow.display().to_string()]);
    project.run_git(&["clone", "--quiet", "--filter=blob:none", &url, &partial.display().to_string()]);
    for clone in [shallow, partial] {
        let clone = clone.display().to_string();
        let (status, document) = project.json(["git", &clone]);
        assert_eq!((status, &document["incomplete"]), (3, &Value::Bool(true)), "{clone}");
        assert_eq!(project.json(["git", &clone, "--allow-incomplete"]).0, 0);
    }
}

#[test]
fn a_missing_or_corrupt_object_is_a_gap_and_the_rest_is_scanned() {
    let project = Project::git().stage("a.txt", TOKEN).stage("b.txt", "just text\n").commit("one");
    let id = project.run_git(&["rev-parse", "HEAD:b.txt"]);
    let object = project.root().join(".git/objects").join(&id[..2]).join(&id[2..]);
    let whole = fs::read(&object).expect("it is loose");
    fs::remove_file(&object).expect("it can be removed");
    let (status, document) = project.json(["git"]);
    assert_eq!((status, found(&document).len(), &document["incomplete"]), (1, 1, &Value::Bool(true)));
    assert!(document["errors"].to_string().contains(&id), "{}", document["errors"]);
    assert_eq!(project.json(["git", "--fail-on", "certain", "--min-confidence", "certain"]).0, 1);
    for damaged in [&b"garbage"[..], b""] {
        fs::write(&object, damaged).expect("it can be written");
        let (status, document) = project.json(["git"]);
        assert_eq!((status, found(&document).len(), &document["incomplete"]), (1, 1, &Value::Bool(true)));
    }
    fs::write(&object, &whole).expect("it can be written");
    assert_eq!(project.json(["git"]).1["incomplete"], false);
}

#[test]
fn a_truncated_loose_object_does_not_hang() {
    let project = Project::git().stage("a.txt", TOKEN).stage("b.txt", "just text\n").commit("one");
    let id = project.run_git(&["rev-parse", "HEAD:b.txt"]);
    let object = project.root().join(".git/objects").join(&id[..2]).join(&id[2..]);
    let whole = fs::read(&object).expect("it is loose");
    fs::remove_file(&object).expect("it can be removed");
    fs::write(&object, &whole[..whole.len() / 2]).expect("it can be written");
    let mut child = project.command(["git"]).stdout(std::process::Stdio::null()).spawn().expect("it runs");
    for _ in 0..100 {
        if let Some(status) = child.try_wait().expect("it is our child") {
            assert_eq!(status.code(), Some(1), "the token is still found");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    child.kill().expect("it is our child");
    panic!("it was still running after ten seconds");
}

#[test]
fn a_corrupt_pack_is_a_gap_and_the_rest_is_scanned() {
    let project = Project::git();
    let noise: String = (0..400).map(|at| secret(&format!("line {at} {{base62:40}}\n"))).collect();
    let project = project.stage("packed.txt", &noise).commit("one");
    project.run_git(&["repack", "--quiet", "-a", "-d"]);
    let project = project.stage("loose.txt", TOKEN).commit("two");
    let folder = project.root().join(".git/objects/pack");
    let entries = || fs::read_dir(&folder).expect("a folder").map(|one| one.expect("an entry").path());
    let pack = entries().find(|path| path.extension().is_some_and(|end| end == "pack")).expect("a pack");
    let mut bytes = fs::read(&pack).expect("it can be read");
    fs::remove_file(&pack).expect("it can be removed");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xaa);
    fs::write(&pack, &bytes).expect("it can be written");
    let check = |what: &str| {
        let (status, document) = project.json(["git"]);
        let all = found(&document);
        assert!(all.iter().any(|one| one.contains("loose.txt")), "{what}: {all:?}");
        assert_eq!((status, &document["incomplete"]), (1, &Value::Bool(true)), "{what}");
    };
    check("garbage in the pack");
    fs::write(&pack, &bytes[..middle]).expect("it can be written");
    check("half a pack");
    let index = pack.with_extension("idx");
    fs::remove_file(&pack).expect("it can be removed");
    check("an index without its pack");
    fs::remove_file(&index).expect("it can be removed");
    check("no pack at all");
}

#[test]
fn what_is_no_repository_is_said_so() {
    let project = Project::new().file("a.txt", TOKEN);
    for what in [".", "a.txt", "missing"] {
        let text = project.run(["git", what]);
        assert!(text.starts_with("status 2") && text.contains("hint"), "{what}: {text}");
    }
}

/// A repository of another format, with a token in a file, one in a message and one that was deleted.
fn of_another_format(option: &str) -> Project {
    let project = Project::new();
    project.run_git(&["init", "--quiet", "-b", "main", option, "."]);
    let project = project.stage("a.txt", &token("a")).stage("gone.txt", &token("gone")).commit("first");
    let project = project.remove("gone.txt").commit(&token("message"));
    project.run_git(&["gc", "--quiet"]);
    project.stage("loose.txt", &token("loose"))
}

#[test]
fn every_object_of_a_sha_256_repository_is_scanned() {
    let project = of_another_format("--object-format=sha256");
    let (status, document) = project.json(["git"]);
    assert_eq!(status, 1);
    let all = values(&project, &["git"]);
    for name in ["a", "gone", "message", "loose"] {
        assert!(holds(&all, &token(name)), "{name}");
    }
    assert_eq!(document["findings"].as_array().expect("a list").len(), 4);
    assert!(document["errors"].to_string().contains("not at which path"), "{}", document["errors"]);
    // Nothing that needs commits.
    assert!(project.run(["git", "--staged"]).contains("only the whole history"));
}

#[test]
fn what_a_repository_with_a_reftable_holds_is_told_with_its_commits() {
    let project = of_another_format("--ref-format=reftable");
    let (status, document) = project.json(["git"]);
    assert_eq!(status, 1);
    let all = values(&project, &["git"]);
    for name in ["a", "gone", "message", "loose"] {
        assert!(holds(&all, &token(name)), "{name}");
    }
    assert!(document["errors"].to_string().contains("reftable"), "{}", document["errors"]);
    let places = found(&document).join("\n");
    assert!(places.contains("gone.txt"), "{places}");
    for arguments in [&["git", "--staged"][..], &["git", "--range", "main..main"], &["git", "--ref", "main"]] {
        assert!(project.run(arguments.iter().copied()).contains("only the whole history"), "{arguments:?}");
    }
}
