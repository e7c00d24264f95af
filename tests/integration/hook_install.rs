//! `keysweep hook install`, `status` and `uninstall`: beside other hooks, in other folders, in worktrees.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::ship_support::{Sandbox, text, token};

/// Runs a line; whether it ended well and what it said.
fn run(sandbox: &Sandbox, line: &str) -> (bool, String) {
    let output = sandbox.shell(line);
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

#[track_caller]
fn well(sandbox: &Sandbox, line: &str) -> String {
    let (well, said) = run(sandbox, line);
    assert!(well, "{line}: {said}");
    said
}

#[track_caller]
fn refused(sandbox: &Sandbox, line: &str) -> String {
    let (well, said) = run(sandbox, line);
    assert!(!well, "{line}: {said}");
    said
}

fn script(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("there is room");
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("there is room");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Whether a commit of a token is stopped; the token is taken back.
#[track_caller]
fn is_stopped(sandbox: &Sandbox, folder: &Path) -> bool {
    let secret = token("install");
    let line = format!(
        "cd '{}' && echo \"T = '{secret}'\" > t.py && git add t.py && git commit --quiet -m t",
        folder.display()
    );
    let (went, said) = run(sandbox, &line);
    assert!(!said.contains(&secret[..20]), "it tells the secret");
    let undo = if went { "git reset --quiet --hard HEAD~1" } else { "git rm --quiet --cached t.py && rm t.py" };
    well(sandbox, &format!("cd '{}' && {undo}", folder.display()));
    !went
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.stage("README", "hello\n");
    sandbox.commit("2026-03-01T12:00:00Z", "Say hello");
    sandbox
}

#[test]
fn it_goes_in_says_so_and_leaves_nothing_behind() {
    let sandbox = sandbox();
    let hooks = sandbox.repository.join(".git/hooks");
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&hooks).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    assert!(refused(&sandbox, "keysweep hook status").contains("pre-commit   not installed"));
    assert!(!is_stopped(&sandbox, &sandbox.repository));
    well(&sandbox, "keysweep hook install pre-commit pre-push");
    well(&sandbox, "keysweep hook install");
    assert!(is_stopped(&sandbox, &sandbox.repository));
    let said = well(&sandbox, "keysweep hook status pre-commit pre-push");
    assert_eq!(said.matches("runs: ").count(), 2, "{said}");
    refused(&sandbox, "keysweep hook status pre-commit pre-receive");
    well(&sandbox, "keysweep hook uninstall");
    assert_eq!(names(), before);
    assert!(!is_stopped(&sandbox, &sandbox.repository));
}

#[test]
fn a_hook_that_was_there_runs_first_keeps_its_exit_code_and_comes_back() {
    let sandbox = sandbox();
    let hook = sandbox.repository.join(".git/hooks/pre-commit");
    script(&hook, "echo earlier \"$(basename \"$0\")\"\n[ -z \"$FAIL\" ] || exit $FAIL");
    let before = fs::read(&hook).expect("it is there");
    let said = well(&sandbox, "keysweep hook install");
    assert!(said.contains("after the hook that was there"), "{said}");
    well(&sandbox, "keysweep hook install");
    assert!(well(&sandbox, ".git/hooks/pre-commit").contains("earlier"));
    let output = sandbox.shell("FAIL=42 .git/hooks/pre-commit");
    assert_eq!(output.status.code(), Some(42));
    assert!(is_stopped(&sandbox, &sandbox.repository));
    assert!(well(&sandbox, "keysweep hook status").contains("after the hook that was there before"));
    well(&sandbox, "keysweep hook uninstall pre-commit");
    assert_eq!(fs::read(&hook).expect("it is back"), before);
    assert!(!is_stopped(&sandbox, &sandbox.repository));
    // One that git would not run is not run either.
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("it is ours");
    well(&sandbox, "keysweep hook install");
    assert!(!well(&sandbox, ".git/hooks/pre-commit").contains("earlier"));
}

#[test]
fn an_earlier_push_hook_gets_the_same_input_and_arguments() {
    let sandbox = sandbox();
    script(&sandbox.repository.join(".git/hooks/pre-push"), "echo \"got $# $1: $(cat)\"");
    well(&sandbox, "keysweep hook install pre-push");
    let zero = "0".repeat(40);
    let line = format!("(delete) {zero} refs/heads/a {zero}");
    let said = well(&sandbox, &format!("echo '{line}' | .git/hooks/pre-push origin 'the url'"));
    assert!(said.contains(&format!("got 2 origin: {line}")), "{said}");
}

#[test]
fn it_finds_the_program_or_stops_the_commit() {
    let sandbox = sandbox();
    let moved = sandbox.home.join("moved/keysweep");
    fs::create_dir(sandbox.home.join("moved")).expect("there is room");
    fs::copy(sandbox.bin.join("keysweep"), &moved).expect("there is room");
    well(&sandbox, &format!("'{}' hook install", moved.display()));
    // As a program with windows would start git.
    well(&sandbox, "PATH=/usr/bin:/bin:/usr/local/bin .git/hooks/pre-commit");
    fs::remove_file(&moved).expect("it is there");
    assert!(is_stopped(&sandbox, &sandbox.repository), "the one on the PATH is taken");
    fs::remove_file(sandbox.bin.join("keysweep")).expect("it is there");
    let said = refused(&sandbox, ".git/hooks/pre-commit");
    assert!(said.contains("does not find the program"), "{said}");
}

#[test]
fn core_hooks_path_is_respected_and_a_shadowed_hook_is_seen() {
    let sandbox = sandbox();
    well(&sandbox, "keysweep hook install");
    well(&sandbox, "git config core.hooksPath .githooks");
    let said = refused(&sandbox, "keysweep hook status pre-commit");
    assert!(said.contains("core.hooksPath in ") && said.contains("shadowed by core.hooksPath"), "{said}");
    assert!(!is_stopped(&sandbox, &sandbox.repository));
    well(&sandbox, "keysweep hook install");
    assert!(sandbox.repository.join(".githooks/pre-commit").is_file());
    assert!(is_stopped(&sandbox, &sandbox.repository));
    well(&sandbox, "keysweep hook uninstall");
    assert!(!sandbox.repository.join(".githooks/pre-commit").exists());
    // For all repositories, set by somebody else: only --global goes there.
    well(&sandbox, "git config --unset core.hooksPath && git config --global core.hooksPath '~/my hooks'");
    assert!(refused(&sandbox, "keysweep hook status pre-commit").contains("shadowed"));
    assert!(refused(&sandbox, "keysweep hook install").contains("--global"));
    well(&sandbox, "keysweep hook install --global");
    assert!(sandbox.home.join("my hooks/pre-commit").is_file());
    assert!(is_stopped(&sandbox, &sandbox.repository));
    well(&sandbox, "keysweep hook uninstall --global");
    assert!(!is_stopped(&sandbox, &sandbox.repository));
    assert_eq!(sandbox.git(&["config", "--global", "core.hooksPath"]), "~/my hooks", "what was there stays");
}

#[test]
fn for_all_repositories_their_own_hooks_go_on_running() {
    let sandbox = sandbox();
    script(&sandbox.repository.join(".git/hooks/commit-msg"), "echo own commit-msg >&2");
    script(&sandbox.repository.join(".git/hooks/pre-commit"), "echo own pre-commit >&2; [ -z \"$FAIL\" ] || exit 9");
    well(&sandbox, "keysweep hook install --global pre-commit pre-push");
    assert!(is_stopped(&sandbox, &sandbox.repository));
    let said = well(&sandbox, "git commit --allow-empty -m x");
    assert!(said.contains("own commit-msg") && said.contains("own pre-commit"), "{said}");
    assert_eq!(sandbox.shell("FAIL=1 git commit --allow-empty -m x").status.code(), Some(1));
    // One of this repository alone is run through it.
    let said = well(&sandbox, "keysweep hook install pre-commit && keysweep hook status pre-commit");
    assert!(said.contains("after the hook that was there"), "{said}");
    well(&sandbox, "keysweep hook uninstall --global pre-commit");
    assert!(is_stopped(&sandbox, &sandbox.repository), "the repository's own is left");
    well(&sandbox, "keysweep hook uninstall pre-commit");
    assert!(!is_stopped(&sandbox, &sandbox.repository));
    well(&sandbox, "keysweep hook uninstall --global");
    assert!(sandbox.shell("git config --global core.hooksPath").stdout.is_empty());
    assert!(!sandbox.home.join(".config/keysweep/git-hooks").exists());
    assert!(well(&sandbox, "git commit --allow-empty -m x").contains("own pre-commit"));
}

#[test]
fn linked_worktrees_share_the_hook() {
    let sandbox = sandbox();
    let tree = sandbox.home.join("linked");
    sandbox.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().expect("a plain path")]);
    well(&sandbox, &format!("cd '{}' && keysweep hook install", tree.display()));
    assert!(sandbox.repository.join(".git/hooks/pre-commit").is_file());
    assert!(is_stopped(&sandbox, &tree) && is_stopped(&sandbox, &sandbox.repository));
    assert!(well(&sandbox, &format!("cd '{}' && keysweep hook status pre-commit", tree.display())).contains("runs: "));
}

#[test]
fn husky_and_lefthook_are_left_alone_and_told_what_to_write() {
    let husky = sandbox();
    well(&husky, "mkdir -p .husky/_ && git config core.hooksPath .husky/_");
    let said = refused(&husky, "keysweep hook install");
    assert!(
        said.contains("Husky") && said.contains("add this line to .husky/pre-commit: keysweep hook run pre-commit"),
        "{said}"
    );
    assert!(refused(&husky, "keysweep hook status pre-commit").contains("Husky"));
    // As Husky 9 does it: its own script runs the one above.
    script(&husky.repository.join(".husky/_/pre-commit"), "exec sh \"$(dirname \"$0\")/../pre-commit\" \"$@\"");
    fs::write(husky.repository.join(".husky/pre-commit"), "keysweep hook run pre-commit -- \"$@\"\n")
        .expect("there is room");
    assert!(well(&husky, "keysweep hook status pre-commit").contains("run by Husky"));
    assert!(is_stopped(&husky, &husky.repository));

    let lefthook = sandbox();
    fs::write(lefthook.repository.join("lefthook.yml"), "pre-commit: {}\n").expect("there is room");
    let said = refused(&lefthook, "keysweep hook install");
    assert!(said.contains("lefthook.yml: pre-commit:"), "{said}");
    fs::write(
        lefthook.repository.join("lefthook.yml"),
        "pre-commit:\n  commands:\n    keysweep:\n      run: keysweep hook run pre-commit\n",
    )
    .expect("there is room");
    assert!(well(&lefthook, "keysweep hook status pre-commit").contains("run by lefthook"));
    // A hook of ours that lefthook has moved aside.
    fs::remove_file(lefthook.repository.join("lefthook.yml")).expect("it is there");
    well(&lefthook, "keysweep hook install && mv .git/hooks/pre-commit .git/hooks/pre-commit.old");
    assert!(refused(&lefthook, "keysweep hook status pre-commit").contains("moved aside"));
}
