//! Repositories made to hurt: nothing of them is executed, nothing hangs, nothing steers a terminal.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";

#[test]
fn nothing_that_a_repository_configures_is_executed() {
    let project = Project::git().stage("a.txt", TOKEN).commit("one").stage("b.txt", TOKEN);
    let mark = project.outside("mark");
    let script = project.outside("evil.sh");
    fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", mark.display())).expect("it can be written");
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs::set_permissions(&script, mode).expect("it can be made executable");
    let evil = script.display();
    let mut config = fs::read_to_string(project.root().join(".git/config")).expect("it is there");
    let settings = format!(
        "[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n\tsshCommand = {evil}\n\teditor = {evil}\n\thooksPath = {}\n\
         \taskPass = {evil}\n\tgitProxy = {evil}\n[diff]\n\texternal = {evil}\n[diff \"evil\"]\n\ttextconv = {evil}\n\
         \tcommand = {evil}\n[filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [credential]\n\thelper = !{evil}\n[gpg]\n\tprogram = {evil}\n[alias]\n\tcat-file = !{evil}\n\
         [remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n\tpartialclonefilter = blob:none\n\
         [extensions]\n\tpartialClone = origin\n[include]\n\tpath = {}\n",
        project.outside("").display(),
        project.outside("included").display()
    );
    config += &settings;
    let project = project
        .bytes(".git/config", config.as_bytes())
        .file(".gitattributes", "* diff=evil filter=evil\n")
        .file("c.txt", TOKEN);
    fs::copy(&script, project.outside("post-index-change")).expect("it can be copied");
    fs::write(project.outside("included"), format!("[core]\n\tfsmonitor = {evil}\n")).expect("it can be written");
    for arguments in [&["scan"][..], &["git"], &["git", "--staged"], &["git", "--since", "2020-01-01"]] {
        // With a PATH, so that only restraint keeps it from starting anything.
        let mut command = project.command(arguments.iter().copied());
        let output = command.env("PATH", "/usr/bin:/bin").output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!mark.exists(), "{arguments:?} executed something");
    }
}

#[test]
fn attributes_hide_nothing() {
    let project = Project::git()
        .stage(".gitattributes", "* -diff -text binary export-ignore\n")
        .stage("a.txt", TOKEN)
        .commit("one");
    for arguments in [&["scan"][..], &["git"], &["git", "--since", "2020-01-01"]] {
        assert_eq!(project.findings(arguments.iter().copied()).len(), 1, "{arguments:?}");
    }
}

#[test]
fn no_output_can_steer_a_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\u{2066}\u{200b}\r\u{8}\u{9b}31m";
    let project = Project::git()
        .stage(&format!("dir{evil}/a.txt"), &format!("{evil} {} {evil}\n{evil}\n", TOKEN.trim_end()))
        .with(&["config", "user.name", "x"]);
    let author = "--author=A\u{1b}[31m\u{202e} <a\u{1b}@example.com>";
    project.run_git(&["commit", "--quiet", "--cleanup=verbatim", author, "-m", &format!("{evil} subject")]);
    let project = project.file(&format!("{evil}.gitignored"), TOKEN);
    let bad = |text: &str| {
        text.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
        })
    };
    const FORMATS: [&str; 11] =
        ["human", "json", "jsonl", "sarif", "brief", "github", "gitlab", "junit", "csv", "markdown", "gitleaks"];
    for format in FORMATS {
        for arguments in [&["scan"][..], &["git"], &["git", "--since", "2020-01-01"]] {
            let text = project.run(arguments.iter().copied().chain(["--format", format]));
            assert!(text.starts_with("status 1"), "{text}");
            assert_eq!(bad(&text), None, "{arguments:?} {format}: {text}");
        }
    }
    let name = format!("missing{evil}");
    for arguments in [vec!["scan", &name], vec!["git", &name], vec!["git", "--range", &name], vec!["explain", &name]] {
        assert_eq!(bad(&project.run(arguments.clone())), None, "{arguments:?}");
    }
    let explained = project.run(["explain", &format!("dir{evil}/a.txt")]);
    assert_eq!(bad(&explained), None, "{explained}");
}

#[test]
fn alternates_that_loop_or_point_anywhere_end() {
    let project = Project::git().stage("a.txt", TOKEN).commit("one");
    let objects = project.root().join(".git/objects");
    for alternates in [objects.display().to_string(), "/dev/zero\n/proc/self\n".to_owned(), "\n".repeat(100_000)] {
        fs::write(objects.join("info/alternates"), alternates).expect("it can be written");
        let started = Instant::now();
        let (_, document) = project.json(["git"]);
        assert_eq!(found(&document).len(), 1);
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_git_file_that_points_elsewhere_hides_nothing() {
    let other = Project::git().stage("a.txt", TOKEN).commit("one");
    for target in [other.root().join(".git").display().to_string(), "/nowhere".to_owned(), "x".repeat(100_000)] {
        let project = Project::new().file(".git", &format!("gitdir: {target}\n")).file("b.txt", TOKEN);
        assert!(project.findings(["scan"]).contains(&"b.txt:1 github-pat-classic".to_owned()), "{target:.40}");
        let text = project.run(["git"]);
        assert!(!text.starts_with("status 101") && !text.starts_with("signal"), "{text}");
    }
    let project = Project::new().file(".git/nothing", "").file("b.txt", TOKEN);
    assert_eq!(project.findings(["scan"]), ["b.txt:1 github-pat-classic"]);
}

#[test]
fn a_huge_gitignore_and_deep_folders_end_soon() {
    let ignore: String = (0..60_000).map(|at| format!("**/a{at}*/**/b?[0-9]*\n")).collect();
    let mut deep = "d/".repeat(1_500);
    deep += "x.txt";
    let project = Project::git().file(".gitignore", &ignore).file("a.txt", TOKEN);
    let started = Instant::now();
    assert_eq!(project.findings(["scan"]).len(), 1);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let project = Project::git().file(&deep, TOKEN);
    assert_eq!(project.findings(["scan"]).len(), 1);
    let project = project.with(&["add", "."]).commit("deep");
    assert_eq!(project.findings(["git"]).len(), 1);
    assert_eq!(project.findings(["git", "--since", "2020-01-01"]).len(), 1);
}

#[test]
fn many_small_files_and_many_secrets_end_soon() {
    let mut project = Project::git();
    for at in 0..3_000 {
        project = project.file(&format!("many/{at}.txt"), "text\n");
    }
    let many: String = (0..4_000).map(|at| secret(&format!("DB_PASSWORD_{at}={{base62:18}}\n"))).collect();
    let project = project.bytes("many.env", many.as_bytes()).with(&["add", "."]).commit("many");
    for arguments in [&["scan"][..], &["git"], &["git", "--since", "2020-01-01"]] {
        let started = Instant::now();
        assert_eq!(project.findings(arguments.iter().copied()).len(), 4_000, "{arguments:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{arguments:?} took {:?}", started.elapsed());
    }
}
