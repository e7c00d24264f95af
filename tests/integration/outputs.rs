//! Exit codes, formats and where reports go.

use std::{fs, process::Stdio};

use crate::support::{Project, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";
const FORMATS: [&str; 11] =
    ["human", "json", "jsonl", "sarif", "brief", "github", "gitlab", "junit", "csv", "markdown", "gitleaks"];
/// For everyone who may read, so they tell no secret to anybody.
const PUBLIC: [&str; 2] = ["github", "markdown"];

fn status(text: &str) -> &str {
    text.lines().next().expect("the first line is the status")
}

#[test]
fn exit_codes_say_what_happened() {
    let clean = Project::new().file("a.txt", "nothing\n");
    let leak = Project::new().file("a.txt", TOKEN);
    assert_eq!(status(&clean.run(["scan"])), "status 0");
    assert_eq!(status(&leak.run(["scan"])), "status 1");
    assert_eq!(status(&leak.run(["scan", "--exit-code", "42"])), "status 42");
    assert_eq!(status(&leak.run(["scan", "--exit-code", "0"])), "status 0");
    for wrong in [
        &["scan", "--nonsense"][..],
        &["scan", "missing"],
        &["scan", "--format", "xml"],
        &["scan", "--format", "json", "--format", "jsonl"],
        &["scan", "--format", "json="],
        &["scan", "--exit-code", "256"],
        &["scan", "--now", "someday"],
        &["scan", "--rules", "missing.toml"],
        &["scan", "--config", "missing.toml"],
        &["git"],
        &["git", "--range", "HEAD"],
        &["git", "--staged", "--range", "a..b"],
        &["explain", "missing"],
        &["rules", "show", "no-such-rule"],
    ] {
        let text = leak.run(wrong.iter().copied());
        assert_eq!(status(&text), "status 2", "{wrong:?}: {text}");
        assert!(text.contains("hint") || text.contains("Usage") || text.contains("--help"), "{wrong:?}: {text}");
    }
}

#[test]
fn secrets_are_masked_in_every_format_unless_asked_for() {
    let project = Project::git().stage("a.txt", TOKEN).stage("b.env", "DB_PASSWORD={base62:18}\n").commit("first");
    let all = [secret(TOKEN), secret("DB_PASSWORD={base62:18}\n")];
    let all = [all[0].trim().trim_start_matches("token = "), all[1].trim().trim_start_matches("DB_PASSWORD=")];
    for format in FORMATS {
        for what in ["scan", "git"] {
            let text = project.run([what, "--format", format]);
            assert!(all.iter().all(|one| !text.contains(one)), "{what} {format} tells a secret");
            let text = project.run([what, "--format", format, "--show-secrets"]);
            let told = all.iter().filter(|one| text.contains(**one)).count();
            assert_eq!(told, if PUBLIC.contains(&format) { 0 } else { 2 }, "{what} {format}");
        }
    }
}

#[test]
fn a_secret_in_a_path_a_subject_and_a_name_is_masked_too() {
    let token = secret("ghp_{base62:30}{crc32-base62}");
    let project = Project::git().stage(&format!("backup/{token}/a.txt"), &format!("token = {token}\n"));
    let author = format!("--author={token} <{token}@example.com>");
    project.run_git(&["commit", "--quiet", &author, "-m", &format!("use {token}\n\nand {token}")]);
    for format in FORMATS {
        for arguments in [&["scan"][..], &["git"], &["git", "--since", "2020-01-01"], &["git", "--ref", "main"]] {
            let text = project.run(arguments.iter().copied().chain(["--format", format]));
            assert!(text.starts_with("status 1"), "{arguments:?} {format}: {text}");
            assert!(!text.contains(&token), "{arguments:?} {format} tells it: {text}");
        }
    }
    project.run_git(&["mv", "backup", "other"]);
    for format in FORMATS {
        assert!(!project.run(["git", "--staged", "--format", format]).contains(&token), "staged {format} tells it");
    }
}

#[test]
fn two_runs_print_the_same_but_for_the_time_they_took() {
    let mut project = Project::git();
    for at in 0..60 {
        project = project.file(&format!("d{}/f{at}.env", at % 7), &format!("DB_PASSWORD_{at}={{base62:18}}\n{TOKEN}"));
    }
    let project = project.with(&["add", "."]).commit("first");
    let strip = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.retain(|line| !line.contains("\"seconds\""));
        lines.iter_mut().for_each(|line| {
            if let Some(at) = line.find("\"timing\"") {
                line.truncate(at);
            }
        });
        lines
    };
    for format in ["human", "json", "sarif", "brief", "github", "gitlab", "csv", "markdown", "gitleaks"] {
        for what in ["scan", "git"] {
            let first = strip(project.run([what, "--format", format]));
            assert_eq!(first, strip(project.run([what, "--format", format])), "{what} {format}");
        }
    }
}

#[test]
fn reports_go_to_files_which_are_tried_before_the_scan() {
    let project = Project::new().file("a.txt", TOKEN);
    let text = project.run(["scan", "-f", "json=out.json", "-f", "sarif=out.sarif", "-f", "human"]);
    assert!(text.starts_with("status 1") && text.contains("github-pat-classic"), "{text}");
    for name in ["out.json", "out.sarif"] {
        let bytes = fs::read(project.root().join(name)).expect("it was written");
        serde_json::from_slice::<serde_json::Value>(&bytes).expect("it is whole");
    }
    assert_eq!(fs::read_dir(project.root()).expect("a folder").count(), 3, "nothing else is left");
    let text = project.run(["scan", "-f", "json=missing/out.json"]);
    assert!(text.starts_with("status 2") && text.contains("nothing was scanned"), "{text}");
    let text = project.run(["scan", "-f", "json=."]);
    assert!(text.starts_with("status 2"), "{text}");
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_none() {
    let project = Project::new().file("a.txt", TOKEN);
    let text = project.run(["scan", "-f", "json=/dev/full"]);
    assert!(text.starts_with("status 2") && text.contains("/dev/full"), "{text}");
    for format in FORMATS {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let output = project.command(["scan", "-f", format]).stdout(full).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{format} on a full disk");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = project.command(["scan", "-f", format]).stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{format} into a closed pipe");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_broken_rule_file_stops_the_run_and_says_where() {
    let project = Project::new().file("a.txt", TOKEN).file("rules.toml", "[provider]\nid = \"x\"\nnmae = \"X\"\n");
    let text = project.run(["scan", "--rules", "rules.toml"]);
    assert!(text.starts_with("status 2") && text.contains("rules.toml:3:"), "{text}");
    let project = project.file(".keysweep.toml", "[[allow.paths]]\npaths = [\"a.txt\"]\n");
    let text = project.run(["scan"]);
    assert!(text.starts_with("status 2") && text.contains(".keysweep.toml:") && text.contains("reason"), "{text}");
    assert!(project.run(["scan", "--no-config"]).starts_with("status 1"));
}

#[test]
fn an_alert_is_the_same_when_lines_move_and_when_its_file_is_gone() {
    let hashes = |project: &Project, arguments: &[&str]| -> Vec<String> {
        let output = project.command(arguments.iter().copied()).args(["-f", "sarif"]).output().expect("it runs");
        let log: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        let of =
            |one: &serde_json::Value| one["partialFingerprints"]["primaryLocationLineHash"].as_str().map(str::to_owned);
        results.iter().map(|one| of(one).expect("each has a hash")).collect()
    };
    // What follows the line counts, too: GitHub hashes a hundred characters.
    let rest =
        "# nothing else stands in this file, and this comment fills the window that is hashed, and more\n".repeat(2);
    let text = secret(&format!("{TOKEN}{rest}"));
    let project = Project::git().stage("a.txt", &text).commit("first");
    let first = hashes(&project, &["git"]);
    assert_eq!(first.len(), 1);
    assert_eq!(hashes(&project, &["scan"]), first, "the tree and the history agree");
    let project = project.stage("a.txt", &format!("one\ntwo\n\n{text}")).commit("move it");
    assert_eq!(hashes(&project, &["git"]), first);
    let project = project.remove("a.txt").commit("gone");
    assert_eq!(hashes(&project, &["git"]), first);
}
