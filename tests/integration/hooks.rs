//! `.pre-commit-hooks.yaml` as pre-commit runs it: with the program's entry, and with pre-commit
//! itself where it is installed.

use std::{
    fs,
    io::{self, Write as _},
};

use yaml_rust2::Yaml;

use crate::ship_support::{Sandbox, is_installed, read, root, text, token, yaml};

/// What pre-commit knows in a manifest, as far as we use it.
const KEYS: [&str; 10] = [
    "id",
    "name",
    "description",
    "entry",
    "language",
    "pass_filenames",
    "always_run",
    "require_serial",
    "stages",
    "minimum_pre_commit_version",
];

fn hooks() -> Vec<Yaml> {
    yaml(&read(".pre-commit-hooks.yaml")).into_vec().expect("a list of hooks")
}

#[test]
fn the_manifest_is_what_pre_commit_expects() {
    let hooks = hooks();
    let ids: Vec<_> = hooks.iter().map(|hook| hook["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["keysweep", "keysweep-system", "keysweep-push"]);
    for hook in &hooks {
        for key in hook.as_hash().expect("a mapping").keys() {
            assert!(KEYS.contains(&key.as_str().expect("a string")), "{key:?}");
        }
        // With file names the scan would look at the work tree instead of the index.
        assert_eq!(hook["pass_filenames"].as_bool(), Some(false));
    }
    for hook in &hooks[..2] {
        assert_eq!(hook["stages"][0].as_str(), Some("pre-commit"));
        assert_eq!(hook["entry"].as_str(), hooks[0]["entry"].as_str());
    }
    assert_eq!(hooks[2]["stages"][0].as_str(), Some("pre-push"));
    assert_eq!(hooks[0]["language"].as_str(), Some("rust"));
    assert_eq!(hooks[1]["language"].as_str(), Some("system"));
}

#[test]
fn the_entry_blocks_a_staged_token_and_nothing_else() {
    for hook in &hooks()[..2] {
        let entry = hook["entry"].as_str().expect("an entry").to_owned();
        let sandbox = Sandbox::new();
        sandbox.stage("main.py", "print('hello')\n");
        let clean = sandbox.shell(&entry);
        assert_eq!(clean.status.code(), Some(0), "{}{}", text(&clean.stdout), text(&clean.stderr));
        sandbox.commit("2026-03-01T12:00:00Z", "Say hello");

        let secret = token("hooks");
        sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{secret}'\n"));
        let blocked = sandbox.shell(&entry);
        let said = text(&blocked.stdout);
        assert_eq!(blocked.status.code(), Some(1), "{said}{}", text(&blocked.stderr));
        assert!(said.contains("settings.py:1:17"), "{said}");
        assert!(!said.contains(&secret[..20]), "the hook prints the secret");
        assert!(said.lines().count() <= 10, "{said}");
        for part in
            ["found a GitHub", "  fix ", "GITHUB_TOKEN", "keysweep rules show", "keysweep:allow", "stopped this commit"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }

        // Not staged, not our business.
        sandbox.git(&["rm", "--cached", "--quiet", "settings.py"]);
        assert_eq!(sandbox.shell(&entry).status.code(), Some(0));
    }
}

#[test]
fn pre_commit_itself_runs_the_system_hook() {
    if !is_installed("pre-commit") {
        // Past the harness, which would swallow it.
        let _ = writeln!(io::stderr(), "skipped: pre-commit is not installed (.ci/run installs it)");
        return;
    }
    let sandbox = Sandbox::new();
    // The manifest in a repository of its own, as pre-commit wants it.
    let source = sandbox.home.join("keysweep");
    fs::create_dir(&source).expect("there is room");
    fs::copy(root().join(".pre-commit-hooks.yaml"), source.join(".pre-commit-hooks.yaml")).expect("it is there");
    let source = source.to_str().expect("a plain path");
    sandbox.git(&["-C", source, "init", "--quiet", "--initial-branch=main", "."]);
    sandbox.git(&["-C", source, "add", "."]);
    sandbox.git(&["-C", source, "commit", "--quiet", "--message", "Hooks"]);
    let revision = sandbox.git(&["-C", source, "rev-parse", "HEAD"]);

    let config = format!(
        "repos:\n  - repo: {source}\n    rev: {revision}\n    hooks:\n      - id: keysweep-system\n      - id: keysweep-push\n"
    );
    sandbox.stage(".pre-commit-config.yaml", &config);
    let installed = sandbox.shell("pre-commit install --hook-type pre-commit --hook-type pre-push");
    assert!(installed.status.success(), "{}{}", text(&installed.stdout), text(&installed.stderr));
    let commit = |message: &str| sandbox.shell(&format!("git commit --message '{message}'"));

    let clean = commit("Set up the hook");
    let said = text(&clean.stdout) + &text(&clean.stderr);
    assert!(clean.status.success() && said.contains("Passed"), "{said}");

    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token("pre-commit")));
    let blocked = commit("Add settings");
    let said = text(&blocked.stdout) + &text(&blocked.stderr);
    assert!(!blocked.status.success(), "the commit went through: {said}");
    assert!(said.contains("Failed") && said.contains("exit code: 1") && said.contains("settings.py:1:17"), "{said}");
    assert_eq!(sandbox.git(&["rev-list", "--count", "HEAD"]), "1");

    // Past the commit, and stopped at the push: of a first branch, and of one that the remote knows.
    let server = sandbox.home.join("server.git");
    let server = server.to_str().expect("a plain path");
    sandbox.git(&["init", "--quiet", "--bare", server]);
    sandbox.git(&["remote", "add", "origin", server]);
    let pushed = || {
        let output = sandbox.shell("git push origin main");
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let leak = |name: &str| {
        sandbox.git(&["commit", "--no-verify", "--quiet", "--message", name]);
        let (went, said) = pushed();
        assert!(!went && said.contains("settings.py:1:17") && said.contains("stopped this push"), "{said}");
        sandbox.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    };
    leak("first");
    let (went, said) = pushed();
    assert!(went && said.contains("Passed"), "{said}");
    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token("pre-commit")));
    leak("second");
}

/// A sandbox whose commits pass the hook, with a first commit.
fn guarded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.stage("src/main.py", "print('hello')\n");
    sandbox.stage("src/deep/other.py", "print('there')\n");
    sandbox.commit("2026-03-01T12:00:00Z", "Say hello");
    guard(&sandbox);
    sandbox
}

fn guard(sandbox: &Sandbox) {
    use std::os::unix::fs::PermissionsExt as _;
    let hook = sandbox.repository.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().expect("it has a folder")).expect("there is room");
    fs::write(&hook, "#!/bin/sh\nexec keysweep git --staged --rotation none >&2\n").expect("there is room");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Runs a line of shell that commits, and gives what was said if the hook stopped it.
#[track_caller]
fn stopped(sandbox: &Sandbox, line: &str) -> Option<String> {
    let output = sandbox.shell(line);
    let said = text(&output.stdout) + &text(&output.stderr);
    let is_ours = said.contains("checked by");
    assert!(is_ours, "{line}: the hook did not run: {said}");
    (!output.status.success()).then_some(said)
}

#[test]
fn commit_all_and_commit_of_a_file_are_looked_at_and_not_the_index_from_before() {
    let sandbox = guarded();
    let secret = format!("TOKEN = '{}'\n", token("commit -a"));
    // Never staged: git prepares another index and tells the hook of it.
    fs::write(sandbox.repository.join("src/main.py"), &secret).expect("there is room");
    for line in ["git commit -am all", "git commit -m one src/main.py", "git commit -m one -i src/main.py"] {
        let said = stopped(&sandbox, line).unwrap_or_else(|| panic!("{line}: the commit went through"));
        assert!(said.contains("src/main.py:1:10"), "{said}");
    }
    // What is staged is no part of a commit of another file.
    sandbox.git(&["add", "src/main.py"]);
    fs::write(sandbox.repository.join("src/deep/other.py"), "print('more')\n").expect("there is room");
    assert_eq!(stopped(&sandbox, "git commit -m other src/deep/other.py"), None);
    assert!(stopped(&sandbox, "git commit -m rest").is_some());
}

#[test]
fn the_index_of_one_repository_is_not_that_of_another() {
    let sandbox = guarded();
    sandbox.stage("src/main.py", &format!("TOKEN = '{}'\n", token("other")));
    sandbox.git(&["init", "--quiet", "../elsewhere"]);
    let index = sandbox.repository.join(".git/index");
    let line = format!("GIT_INDEX_FILE='{}' keysweep git --staged ../elsewhere", index.display());
    assert_eq!(sandbox.shell(&line).status.code(), Some(0));
    let line = "cd ../elsewhere && keysweep git --staged ../shop";
    assert_eq!(sandbox.shell(line).status.code(), Some(1));
}

#[test]
fn the_hook_is_right_before_the_first_commit_and_in_a_subfolder() {
    let sandbox = Sandbox::new();
    guard(&sandbox);
    sandbox.stage("a/b/settings.py", &format!("TOKEN = '{}'\n", token("unborn")));
    sandbox.stage(".keysweep.toml", "[[allow.paths]]\npaths = [\"vendor/**\"]\nreason = \"not ours\"\n");
    for line in
        ["git commit -m first", "cd a/b && git commit -m first", "cd a/b && keysweep git --staged --format human"]
    {
        let said = stopped(&sandbox, line).unwrap_or_else(|| panic!("{line}: it went through"));
        assert!(said.contains("a/b/settings.py:1:10"), "{line}: {said}");
    }
    // The configuration at the root counts, also from below.
    sandbox.git(&["mv", "a", "vendor"]);
    assert_eq!(stopped(&sandbox, "cd vendor/b && keysweep git --staged --format human"), None);
    assert_eq!(stopped(&sandbox, "cd vendor/b && git commit -m first"), None);
}

#[test]
fn the_hook_is_right_in_a_linked_worktree() {
    let sandbox = guarded();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "topic", "../linked"]);
    let secret = token("worktree");
    let write = format!("cd ../linked && echo \"TOKEN = '{secret}'\" > src/main.py && ");
    let said = stopped(&sandbox, &(write.clone() + "git add src && git commit -m topic"));
    assert!(said.is_some_and(|said| said.contains("src/main.py:1:10")));
    sandbox.git(&["-C", "../linked", "reset", "--quiet"]);
    assert!(stopped(&sandbox, &(write + "git commit -am topic")).is_some());
    // The main work tree has an index of its own.
    assert_eq!(stopped(&sandbox, "git commit --allow-empty -m nothing"), None);
}

#[test]
fn of_a_merge_in_progress_only_what_neither_side_has_is_looked_at() {
    let sandbox = guarded();
    let theirs = format!("TOKEN = '{}'\n", token("theirs"));
    sandbox.git(&["checkout", "--quiet", "-b", "side"]);
    sandbox.stage("src/theirs.py", &theirs);
    sandbox.stage("src/both.py", "x = 1\n");
    sandbox.git(&["commit", "--quiet", "--no-verify", "--message", "side"]);
    sandbox.git(&["checkout", "--quiet", "main"]);
    sandbox.stage("src/ours.py", "y = 2\n");
    sandbox.stage("src/both.py", "x = 2\n");
    sandbox.git(&["commit", "--quiet", "--no-verify", "--message", "main"]);
    assert!(!sandbox.shell("git merge side").status.success(), "the merge was meant to conflict");

    // Unresolved: counted, and nothing of it would be committed.
    let unresolved = sandbox.shell("keysweep git --staged --format human");
    let said = text(&unresolved.stdout);
    assert_eq!(unresolved.status.code(), Some(0), "{said}");
    assert!(said.contains("unmerged") || said.contains("conflict"), "{said}");

    sandbox.stage("src/both.py", &format!("x = 3\nTOKEN = '{}'\n", token("resolution")));
    let said = stopped(&sandbox, "git commit -m merge").expect("the resolution brings something in");
    assert!(said.contains("src/both.py:2:10") && !said.contains("theirs.py"), "{said}");
    sandbox.stage("src/both.py", "x = 3\n");
    assert_eq!(stopped(&sandbox, "git commit -m merge"), None);
}

#[test]
fn a_moved_file_is_nothing_new_and_what_was_added_on_the_way_is() {
    let sandbox = guarded();
    let body: String = (0..40).map(|line| format!("print('line {line}')\n")).collect();
    let old = format!("{body}TOKEN = '{}'\n", token("old"));
    sandbox.stage("src/old.py", &old);
    sandbox.git(&["commit", "--quiet", "--no-verify", "--message", "known"]);
    sandbox.git(&["mv", "src/old.py", "moved.py"]);
    assert_eq!(stopped(&sandbox, "git commit -m moved"), None);
    sandbox.git(&["mv", "moved.py", "again.py"]);
    sandbox.stage("again.py", &format!("{old}SECOND = '{}'\n", token("second")));
    let said = stopped(&sandbox, "git commit -m again").expect("one of the two is new");
    assert!(said.contains("again.py:42:11") && !said.contains("again.py:41:"), "{said}");
}

#[test]
fn an_index_that_is_not_understood_stops_the_commit() {
    let sandbox = guarded();
    sandbox.git(&["update-index", "--split-index"]);
    let output = sandbox.shell("keysweep git --staged --format human");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--no-split-index"), "{}", text(&output.stderr));
}
