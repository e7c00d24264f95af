//! What somebody allowed, who may, and that it is told.

use serde_json::Value;

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";

fn suppressed(document: &Value) -> Vec<String> {
    let list = document["suppressed"].as_array().expect("a document has suppressed findings");
    list.iter().map(|one| format!("{} {}", one["place"]["path"], one["suppressed"]["by"])).collect()
}

#[test]
fn the_configuration_allows_paths_rules_and_values() {
    let project = Project::git().file("docs/a.txt", TOKEN).file("src/b.txt", TOKEN);
    let run = |text: &str| {
        std::fs::write(project.root().join(".keysweep.toml"), text).expect("it can be written");
        let (status, document) = project.json(["scan"]);
        (status, found(&document).len(), suppressed(&document).len())
    };
    assert_eq!(run(""), (1, 2, 0));
    assert_eq!(run("[[allow.paths]]\npaths = [\"docs/**\"]\nreason = \"made up\"\n"), (1, 1, 1));
    assert_eq!(run("[[allow.paths]]\npaths = [\"docs/\", \"/src/b*\"]\nreason = \"made up\"\n"), (0, 0, 2));
    let broad = "[[allow.paths]]\npaths = [\"docs/\", \"/src\"]\nreason = \"made up\"\n";
    assert_eq!(run(broad), (3, 0, 2), "canaries stand there, too: the run is blind");
    assert_eq!(run("[[allow.rules]]\nrule = \"github-pat-classic\"\nreason = \"made up\"\n"), (0, 0, 2));
    let below = "[[allow.rules]]\nrule = \"github-pat-classic\"\npaths = [\"src/\"]\nreason = \"made up\"\n";
    assert_eq!(run(below), (1, 1, 1));
    assert_eq!(run("[[allow.values]]\npattern = \"ghp_[0-9A-Za-z]*\"\nreason = \"made up\"\n"), (3, 0, 2));
    assert_eq!(run("[[allow.values]]\npattern = \"ghp_\"\nreason = \"the whole value\"\n"), (1, 2, 0));
    for wrong in [
        "[[allow.rules]]\nrule = \"github-pat-clasic\"\nreason = \"made up\"\n",
        "[[allow.values]]\npattern = \"(\"\nreason = \"made up\"\n",
        "[[allow.values]]\npattern = \"x\"\n",
        "[[allow.paths]]\nreason = \"made up\"\n",
        "[allow]\npath = []\n",
        "min-confidence = \"huge\"\n",
    ] {
        std::fs::write(project.root().join(".keysweep.toml"), wrong).expect("it can be written");
        assert!(project.run(["scan"]).starts_with("status 2"), "{wrong}");
    }
}

#[test]
fn paths_of_the_configuration_mean_the_same_from_every_folder() {
    let allow = "[[allow.paths]]\npaths = [\"/docs/a.txt\"]\nreason = \"made up\"\n";
    let project = Project::git().file(".keysweep.toml", allow).file("docs/a.txt", TOKEN);
    let absolute = project.root().display().to_string();
    let file = project.root().join("docs/a.txt").display().to_string();
    let folder = project.root().join("docs").display().to_string();
    for root in [".", "docs", "docs/a.txt", "./docs/a.txt", &absolute, &file, &folder] {
        assert_eq!(project.json(["scan", root]).0, 0, "scan {root}");
    }
    for arguments in [&["scan"][..], &["scan", "a.txt"], &["scan", "../docs"], &["scan", "../docs/a.txt"]] {
        let mut command = project.command(arguments.iter().copied());
        let output = command.current_dir(project.root().join("docs")).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?} in docs");
    }
}

#[test]
fn an_allow_comment_needs_a_reason_and_can_be_turned_off() {
    let line = TOKEN.trim_end();
    let project = Project::git()
        .file("good.txt", &format!("{line} # keysweep:allow made up for a test\n"))
        .file("rule.txt", &format!("{line} # keysweep:allow github-pat-classic made up\n"))
        .file("other.txt", &format!("{line} # keysweep:allow stripe-secret-key made up\n"))
        .file("bare.txt", &format!("{line} # keysweep:allow\n"));
    let (status, document) = project.json(["scan"]);
    assert_eq!(status, 1);
    assert_eq!(found(&document).len(), 2, "{:?}", found(&document));
    assert_eq!(suppressed(&document).len(), 2);
    assert_eq!(project.findings(["scan", "--no-inline"]).len(), 4);
}

#[test]
fn a_change_may_not_bring_its_own_permission() {
    let allow = "[[allow.rules]]\nrule = \"github-pat-classic\"\nreason = \"made up\"\n";
    let project = Project::git()
        .stage("a.txt", "nothing\n")
        .commit("first")
        .stage(".keysweep.toml", allow)
        .stage("b.txt", TOKEN)
        .commit("second");
    assert_eq!(project.json(["git", "--range", "HEAD~1..HEAD"]).0, 1);
    assert_eq!(project.json(["git"]).0, 0);
}

#[test]
fn an_allow_comment_of_an_old_version_does_not_cover_others() {
    let line = secret(TOKEN).trim_end().to_owned();
    let project = Project::git()
        .stage("a.txt", TOKEN)
        .commit("leak")
        .stage("a.txt", &format!("{line} # keysweep:allow made up for a test\n"))
        .commit("allow");
    assert_eq!(project.json(["git"]).0, 0, "allowed at HEAD covers older versions");
    let project = project.remove("a.txt").commit("gone");
    assert_eq!(project.json(["git"]).0, 1, "one version has no comment");
}
