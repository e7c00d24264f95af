//! The list of what may stay: what an entry is bound to, and what it survives.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";
const OTHER: &str = "token = gho_{base62:30}{crc32-base62}\n";
const PASSWORD: &str = "DB_PASSWORD=Winter-Is-2024!\n";
const GRANT: [&str; 4] = ["--reason", "made up for a test", "--owner", "ada"];

fn baseline<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["baseline", command], more].concat()
}

fn list(project: &Project) -> String {
    fs::read_to_string(project.root().join(".keysweepignore")).expect("there is a list")
}

/// Entries without the comment at the top.
fn entries(project: &Project) -> Vec<String> {
    list(project).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn stale(document: &Value) -> Vec<String> {
    let stale = document["policy"]["stale"].as_array().expect("a list");
    stale.iter().map(|one| format!("{} {}", one["kind"].as_str().unwrap_or(""), one["line"])).collect()
}

fn with_baseline(project: Project) -> Project {
    let said = project.run(baseline("create", &GRANT));
    assert!(said.starts_with("status 0"), "{said}");
    project.with(&["add", ".keysweepignore"]).commit("list what may stay")
}

#[test]
fn a_baseline_is_sorted_and_quiets_every_mode() {
    let project = Project::git()
        .stage("z.txt", TOKEN)
        .stage("app/.env", PASSWORD)
        .commit("leak")
        .stage("z.txt", "nothing\n")
        .stage("a b.txt", "key = gho_{base62:30}{crc32-base62}\n")
        .commit("move on");
    assert_eq!(project.json(["git"]).0, 1);
    let project = with_baseline(project);
    let entries = entries(&project);
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert!(entries[0].starts_with("\"a b.txt\" ks1:"), "{entries:?}");
    assert!(entries[1].starts_with("app/.env ks1s:") && entries[1].ends_with(" owner=ada # made up for a test"));
    assert!(entries[2].starts_with("z.txt ks1:"), "{entries:?}");
    assert!(!list(&project).contains("Winter"), "no secret is in it");
    for arguments in [&["scan"][..], &["git"], &["git", "--since", "2000-01-01"], &["git", "--ref", "main"]] {
        let (status, document) = project.json(arguments.iter().copied());
        assert_eq!((status, found(&document).len()), (0, 0), "{arguments:?}");
        let by = &document["suppressed"][0]["suppressed"];
        assert_eq!((by["by"].as_str(), by["owner"].as_str()), (Some("ignore-file"), Some("ada")), "{by}");
        assert_eq!(stale(&document), [""; 0], "{arguments:?}");
    }
    assert_eq!(project.json(["git", "--no-baseline"]).0, 1);
    // A file of its own that is about to be committed again.
    let project = project.stage("z.txt", TOKEN);
    assert_eq!(project.json(["git", "--staged"]).0, 0, "the hook reads the list, too");
    let project = project.commit("again");
    assert_eq!(project.json(["git", "--range", "HEAD~1..HEAD"]).0, 0, "and a range whose base has it");
}

#[test]
fn a_moved_line_a_squash_and_a_rebase_change_no_fingerprint() {
    let project = Project::git().stage("main.txt", "1\n").commit("first").with(&["checkout", "-q", "-b", "work"]);
    let project = with_baseline(project.stage("a.py", TOKEN).stage("b.env", PASSWORD).commit("leak"));
    let before = list(&project);
    let clean = |project: &Project, what: &str| {
        for arguments in [&["scan"][..], &["git"]] {
            assert_eq!(project.json(arguments.iter().copied()).0, 0, "{what} {arguments:?}");
        }
        assert!(project.run(baseline("check", &["--fail-on-unused"])).starts_with("status 0"), "{what}");
        assert!(project.run(baseline("update", &[])).starts_with("status 0"), "{what}");
        assert_eq!(list(project), before, "{what}");
    };
    let moved = format!("# a\n# b\n\n{}", secret(TOKEN));
    let project = project.stage("a.py", &moved).stage("b.env", &format!("A=1\n{PASSWORD}")).commit("move lines");
    clean(&project, "a moved line");
    let project = project.with(&["checkout", "-q", "main"]).stage("main.txt", "2\n").commit("meanwhile");
    let project = project.with(&["checkout", "-q", "work"]).with(&["rebase", "-q", "main"]);
    clean(&project, "a rebase");
    let project = project.with(&["checkout", "-q", "main"]).with(&["merge", "-q", "--squash", "work"]).commit("squash");
    clean(&project, "a squash");
    // The list says so on every system: lines that end as on Windows, paths with its separators.
    fs::write(project.root().join(".keysweepignore"), before.replace('\n', "\r\n")).expect("it can be written");
    assert_eq!(project.json(["git"]).0, 0, "lines of Windows");
}

#[test]
fn a_renamed_file_is_followed_by_update() {
    let project = with_baseline(Project::git().stage("a.env", PASSWORD).stage("t.txt", TOKEN).commit("leak"));
    let project = project.with(&["mv", "a.env", "b.env"]).with(&["mv", "t.txt", "u.txt"]).commit("rename");
    assert_eq!(project.json(["git", "--range", "HEAD~1..HEAD"]).0, 0, "a rename brings nothing in");
    assert_eq!(project.json(["scan"]).0, 1, "an entry is bound to its path");
    let said = project.run(baseline("update", &[]));
    assert!(said.contains("4 entries, 0 added, 2 followed a moved file, 0 dropped"), "the history has both: {said}");
    for arguments in [&["scan"][..], &["git"]] {
        assert_eq!(project.json(arguments.iter().copied()).0, 0, "{arguments:?}");
    }
    fs::remove_dir_all(project.root().join(".git")).expect("there is one");
    let said = project.run(baseline("update", &[]));
    assert!(said.contains("2 entries, 0 added, 0 followed a moved file, 2 dropped"), "{said}");
    let after = entries(&project);
    assert!(after[0].starts_with("b.env ks1s:") && after[1].starts_with("u.txt ks1:"), "{after:?}");
    assert!(after.iter().all(|entry| entry.ends_with("owner=ada # made up for a test")), "{after:?}");
    assert_eq!(project.json(["scan"]).0, 0);
}

#[test]
fn a_changed_secret_in_the_same_place_is_new() {
    let project = with_baseline(Project::git().stage("a.env", PASSWORD).stage("t.txt", TOKEN).commit("leak"));
    let project = project.stage("a.env", "DB_PASSWORD=Summer-Is-2025!\n").stage("t.txt", OTHER);
    assert_eq!(project.findings(["scan"]).len(), 2);
    assert_eq!(project.json(["git", "--staged", "--fail-on", "medium"]).0, 1);
}

#[test]
fn two_branches_that_add_entries_merge_without_a_conflict() {
    // Neighbouring lines that both sides change are a conflict for git, so there are some that nobody changes.
    let mut project = Project::git();
    for (number, prefix) in ["ghp", "gho", "ghu", "ghs", "ghr"].iter().enumerate() {
        project = project.stage(&format!("m{number}.txt"), &TOKEN.replace("ghp", prefix));
    }
    let project = with_baseline(project.commit("first")).with(&["checkout", "-q", "-b", "left"]);
    let update = |project: &Project| assert!(project.run(baseline("update", &GRANT)).starts_with("status 0"));
    let project = project.stage("a1.txt", TOKEN).stage("both.env", PASSWORD).commit("left");
    update(&project);
    let project = project.with(&["commit", "-qam", "left list"]).with(&["checkout", "-q", "-b", "right", "main"]);
    let project = project.stage("z9.txt", TOKEN).commit("right");
    update(&project);
    let project = project.with(&["commit", "-qam", "right list"]).with(&["merge", "-q", "-m", "merge", "left"]);
    assert_eq!(project.json(["scan"]).0, 0);
    assert_eq!(project.json(["git"]).0, 0);
    let merged = entries(&project);
    let mut sorted = merged.clone();
    sorted.sort();
    assert_eq!(merged, sorted, "still sorted");
}

#[test]
fn the_same_finding_added_on_two_branches_is_a_duplicate_and_a_conflict_is_told() {
    let project = Project::git().stage("a.env", PASSWORD).stage("t.txt", TOKEN).commit("leak");
    let project = with_baseline(project);
    let first = list(&project);
    fs::remove_file(project.root().join(".keysweepignore")).expect("it is there");
    assert!(project.run(baseline("create", &GRANT)).starts_with("status 0"));
    // As a union merge would leave it: the slow hashes differ by their salts.
    let second = list(&project);
    let union: Vec<&str> = first.lines().chain(second.lines()).collect();
    fs::write(project.root().join(".keysweepignore"), union.join("\n")).expect("it can be written");
    let (status, document) = project.json(["scan"]);
    assert_eq!(status, 0);
    let kinds: Vec<String> =
        stale(&document).iter().map(|one| one.split(' ').next().unwrap_or("").to_owned()).collect();
    assert_eq!(kinds, ["duplicate", "duplicate"], "{document}");
    let said = project.run(baseline("check", &[]));
    assert!(said.starts_with("status 1") && said.contains("duplicate: a.env"), "{said}");
    let said = project.run(baseline("update", &[]));
    assert!(said.contains("2 entries"), "{said}");
    assert!(project.run(baseline("check", &[])).starts_with("status 0"));
    fs::write(project.root().join(".keysweepignore"), format!("<<<<<<< HEAD\n{first}=======\n>>>>>>> left\n"))
        .expect("it can be written");
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, stale(&document).len()), (0, 3), "entries of both sides count, the marks are told");
    assert!(project.run(baseline("update", &[])).starts_with("status 2"), "nothing is thrown away unread");
}

#[test]
fn unused_and_expired_entries_are_told() {
    let project = with_baseline(Project::git().file("t.txt", TOKEN).file("u.txt", OTHER));
    let text = list(&project).replace("t.txt", "gone.txt").replace("owner=ada", "owner=ada expires=2025-12-31");
    fs::write(project.root().join(".keysweepignore"), &text).expect("it can be written");
    let (status, document) = project.json(["git", "--staged"]);
    assert_eq!((status, stale(&document).len()), (0, 0), "a clean hook does not read the list");
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, found(&document).len()), (1, 2), "{document}");
    assert_eq!(stale(&document), ["expired 3", "expired 4"]);
    let remarks = &document["findings"][1]["remarks"];
    assert!(remarks.to_string().contains("counted until 2025-12-31"), "{remarks}");
    let project = Project::new().file("t.txt", TOKEN);
    assert!(project.run(baseline("create", &GRANT)).starts_with("status 0"));
    let project = project.file("t.txt", "nothing\n");
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, stale(&document)), (0, vec!["unused 3".to_owned()]));
    assert_eq!(project.json(["scan", "--fail-on-unused"]).0, 1);
    assert!(project.run(baseline("check", &[])).starts_with("status 0"));
    assert!(project.run(baseline("check", &["--fail-on-unused"])).starts_with("status 1"));
    assert!(project.run(baseline("update", &[])).contains("0 entries"));
}

#[test]
fn the_list_itself_is_no_secret() {
    // A provider's word in a path beside 32 hexadecimal digits.
    let project =
        Project::git().stage("stripe/heroku-api-key.env", PASSWORD).stage("datadog/api.txt", TOKEN).commit("leak");
    let project = with_baseline(project);
    assert_eq!(project.findings(["git"]), [""; 0]);
    assert_eq!(project.findings(["scan"]), [""; 0]);
}

#[test]
fn a_clean_hook_does_not_open_the_list() {
    let project = Project::git().stage("a.txt", "nothing\n");
    // A list that cannot be read would be told.
    fs::create_dir(project.root().join(".keysweepignore")).expect("it can be made");
    let (status, document) = project.json(["git", "--staged"]);
    assert_eq!((status, stale(&document).len()), (0, 0));
    let project = project.stage("b.txt", TOKEN);
    let (status, document) = project.json(["git", "--staged"]);
    assert_eq!((status, stale(&document).len()), (1, 1), "it allows nothing: {document}");
}

#[test]
fn an_environment_of_a_push_trusts_nothing() {
    let project = with_baseline(Project::git().stage("t.txt", TOKEN).commit("leak"));
    let run = |set: &dyn Fn(&mut Command) -> &mut Command, arguments: &[&str]| {
        let mut command = project.command(arguments.iter().copied());
        set(&mut command).output().expect("it runs").status.code()
    };
    assert_eq!(run(&|command| command, &["git"]), Some(0));
    assert_eq!(run(&|command| command.env("GIT_QUARANTINE_PATH", "x"), &["git"]), Some(1));
    assert_eq!(run(&|command| command.env("GIT_QUARANTINE_PATH", "x"), &["git", "--trust-repo"]), Some(0));
    assert_eq!(run(&|command| command, &["git", "--no-trust"]), Some(1));
}
