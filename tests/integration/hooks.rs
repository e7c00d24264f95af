//! `.pre-commit-hooks.yaml` as pre-commit runs it: with the program's entry, and with pre-commit
//! itself where it is installed.

use std::{
    fs,
    io::{self, Write as _},
};

use yaml_rust2::Yaml;

use crate::ship_support::{Sandbox, is_installed, read, root, text, token, yaml};

/// What pre-commit knows in a manifest, as far as we use it.
const KEYS: [&str; 9] = [
    "id",
    "name",
    "description",
    "entry",
    "language",
    "pass_filenames",
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
    assert_eq!(ids, ["keysweep", "keysweep-system"]);
    for hook in &hooks {
        for key in hook.as_hash().expect("a mapping").keys() {
            assert!(KEYS.contains(&key.as_str().expect("a string")), "{key:?}");
        }
        // With file names the scan would look at the work tree instead of the index.
        assert_eq!(hook["pass_filenames"].as_bool(), Some(false));
        assert_eq!(hook["stages"][0].as_str(), Some("pre-commit"));
        assert_eq!(hook["entry"].as_str(), hooks[0]["entry"].as_str());
    }
    assert_eq!(hooks[0]["language"].as_str(), Some("rust"));
    assert_eq!(hooks[1]["language"].as_str(), Some("system"));
}

#[test]
fn the_entry_blocks_a_staged_token_and_nothing_else() {
    for hook in hooks() {
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

    let config = format!("repos:\n  - repo: {source}\n    rev: {revision}\n    hooks:\n      - id: keysweep-system\n");
    sandbox.stage(".pre-commit-config.yaml", &config);
    let installed = sandbox.shell("pre-commit install");
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
}
