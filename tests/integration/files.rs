//! `keysweep scan`: which files are read, and what is said of the others.

use std::{
    fs,
    io::Write as _,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
};

use serde_json::Value;

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";

fn excluded(document: &Value, reason: &str) -> u64 {
    let list = document["coverage"]["excluded"].as_array().expect("the receipt lists exclusions");
    list.iter().find(|one| one["id"] == reason).map_or(0, |one| one["count"].as_u64().expect("a count"))
}

#[test]
fn ignored_files_are_left_out_but_not_what_git_tracks() {
    let project = Project::git()
        .file(".gitignore", "*.log\nbuild/\n!keep.log\n")
        .stage("tracked.log", TOKEN)
        .stage("build/tracked.txt", TOKEN)
        .file("keep.log", TOKEN)
        .file("loose.log", TOKEN)
        .file("build/loose.txt", TOKEN)
        .file("sub/.gitignore", "/here.txt\n")
        .file("sub/here.txt", TOKEN)
        .file("sub/deeper/here.txt", TOKEN);
    let (status, document) = project.json(["scan"]);
    let all = found(&document).into_iter().map(|one| one.replace(":1 github-pat-classic", "")).collect::<Vec<_>>();
    assert_eq!(all, ["build/tracked.txt", "keep.log", "sub/deeper/here.txt", "tracked.log"]);
    assert_eq!((status, excluded(&document, "ignored")), (1, 3));
    assert_eq!(project.findings(["scan", "--no-ignore"]).len(), 7);
}

#[test]
fn no_other_ignore_file_plays_a_part() {
    let project = Project::git()
        .file(".ignore", "*\n")
        .file(".rgignore", "*\n")
        .file(".git/info/exclude", "*\n")
        .file("a.txt", TOKEN)
        .file(".hidden/b.txt", TOKEN);
    fs::write(project.outside(".gitignore"), "*\n").expect("it can be written");
    fs::create_dir_all(project.outside("home").join(".config/git")).expect("it can be made");
    fs::write(project.outside("home").join(".config/git/ignore"), "*\n").expect("it can be written");
    fs::write(project.outside("home").join(".gitconfig"), "[core]\n\texcludesFile = ~/.config/git/ignore\n")
        .expect("it can be written");
    assert_eq!(project.findings(["scan"]), [".hidden/b.txt:1 github-pat-classic", "a.txt:1 github-pat-classic"]);
}

#[test]
fn a_gitignore_outside_of_a_repository_counts_for_nothing() {
    let project = Project::new().file(".gitignore", "*\n").file("a.txt", TOKEN);
    assert_eq!(project.findings(["scan"]), ["a.txt:1 github-pat-classic"]);
}

#[test]
fn an_ignored_env_file_is_named() {
    let project = Project::git().file(".gitignore", ".env\n").file(".env", TOKEN);
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, found(&document).len()), (0, 0));
    assert_eq!(document["notes"].as_array().map(Vec::len), Some(1), "{}", document["notes"]);
    assert!(document["notes"][0].as_str().is_some_and(|note| note.contains(".env") && note.contains("--no-ignore")));
    // One that is tracked is scanned and needs no note.
    let (status, document) = project.stage(".env", TOKEN).json(["scan"]);
    assert_eq!((status, found(&document).len(), &document["notes"]), (1, 1, &Value::Array(Vec::new())));
}

#[test]
fn what_git_keeps_for_itself_is_local_and_its_plumbing_is_counted() {
    let url = "[remote \"origin\"]\n\turl = https://ada:{base62:22}@git.acme-corp.io/shop.git\n";
    let project = Project::git()
        .stage("a.txt", "nothing\n")
        .commit("first")
        .file(".git/hooks/pre-push", TOKEN)
        .file(".git/credentials", "https://ada:{base62:20}@git.acme-corp.io\n")
        .file(".git/logs/refs/heads/other", TOKEN);
    let config = fs::read_to_string(project.root().join(".git/config")).expect("it is there");
    let project = project.bytes(".git/config", (config + &secret(url)).as_bytes());
    let (_, document) = project.json(["scan"]);
    let findings = document["findings"].as_array().expect("a list");
    let mut paths: Vec<_> = findings.iter().map(|one| one["place"]["path"].as_str().expect("a path")).collect();
    paths.sort_unstable();
    assert_eq!(paths, [".git/config", ".git/credentials", ".git/hooks/pre-push", ".git/logs/refs/heads/other"]);
    assert!(findings.iter().all(|one| one["place"]["local"] == true), "they are never pushed");
    assert_eq!(excluded(&document, "git-plumbing"), 1);
}

#[test]
fn several_roots_single_files_and_absolute_paths() {
    let project = Project::new().file("a/x.txt", TOKEN).file("b/y.txt", TOKEN).file("c/z.txt", TOKEN);
    assert_eq!(project.findings(["scan", "a", "b/y.txt"]).len(), 2);
    let absolute = project.root().join("a").display().to_string();
    assert_eq!(project.findings(["scan", &absolute]), ["x.txt:1 github-pat-classic"]);
    // What is named twice is told once.
    assert_eq!(project.findings(["scan", ".", "a", "a/x.txt"]).len(), 3);
    let text = project.run(["scan", "a", "missing"]);
    assert!(text.starts_with("status 2") && text.contains("missing") && text.contains("hint"), "{text}");
}

#[test]
fn standard_input_has_the_name_it_is_given() {
    let project = Project::new();
    let text = secret(TOKEN);
    let shown = project.run_with_input(["scan", "-", "--stdin-name", "app/a.env", "-f", "jsonl"], text.as_bytes());
    assert!(shown.starts_with("status 1") && shown.contains("app/a.env"), "{shown}");
    let shown = project.run_with_input(["scan", "-"], b"");
    assert!(shown.starts_with("status 0"), "{shown}");
    let shown = project.run_with_input(["scan", "-", "a"], b"");
    assert!(shown.starts_with("status 2"), "{shown}");
}

#[test]
fn links_are_not_followed_and_special_files_not_opened() {
    let project = Project::new().file("a.txt", "nothing\n");
    fs::create_dir(project.outside("elsewhere")).expect("it can be made");
    fs::write(project.outside("elsewhere/b.txt"), secret(TOKEN)).expect("it can be written");
    symlink(project.outside("elsewhere"), project.root().join("folder")).expect("it can be made");
    symlink(project.outside("elsewhere/b.txt"), project.root().join("file")).expect("it can be made");
    symlink(".", project.root().join("loop")).expect("it can be made");
    symlink("/dev/zero", project.root().join("zero")).expect("it can be made");
    let made = std::process::Command::new("mkfifo").arg(project.root().join("fifo")).status().expect("it runs");
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(project.root().join("socket")).expect("it can be bound");
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, found(&document).len()), (0, 0), "{document}");
    assert_eq!((excluded(&document, "symlink"), excluded(&document, "special-file")), (4, 2));
    // A FIFO that is named itself is not waited for, either; a link that is named was asked for.
    assert_eq!(project.json(["scan", "fifo"]).0, 0);
    assert_eq!(project.json(["scan", "file"]).0, 1);
    assert_eq!(project.json(["scan", "folder"]).0, 1);
}

#[test]
fn names_need_not_be_text() {
    let project = Project::new().bytes(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"), secret(TOKEN).as_bytes());
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, found(&document).len()), (1, 1));
    for format in ["human", "jsonl", "sarif"] {
        assert!(project.run(["scan", "--format", format]).starts_with("status 1"), "{format}");
    }
}

#[test]
fn an_unreadable_file_makes_the_run_incomplete() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new().file("shut.txt", TOKEN).file("open.txt", "nothing\n");
    fs::set_permissions(project.root().join("shut.txt"), fs::Permissions::from_mode(0o000)).expect("it can be shut");
    if fs::File::open(project.root().join("shut.txt")).is_ok() {
        // Root reads everything; a folder that is a loop of links cannot be read by anybody.
        return;
    }
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, &document["incomplete"]), (3, &Value::Bool(true)));
    assert_eq!(project.json(["scan", "--allow-incomplete"]).0, 0);
    assert_eq!(project.file("more.txt", TOKEN).json(["scan"]).0, 1, "findings come before gaps");
}

#[test]
fn a_large_file_is_read_to_its_end_in_bounded_memory() {
    let core = 4 << 20;
    let mut text = vec![b'.'; 60 << 20];
    text[50 << 20..].iter_mut().skip(79).step_by(80).for_each(|byte| *byte = b'\n');
    let token = secret(TOKEN);
    let key = secret("\n{pem:RSA PRIVATE KEY}\n");
    let mut put = |at: usize, what: &str| text[at..at + what.len()].copy_from_slice(what.as_bytes());
    // Across a seam on a line of 50 MB, right behind one, a key across another, and the very end.
    put(core - 20, &secret(" token = ghp_{base62:30}{crc32-base62} "));
    put(core + 32, &secret(" token = ghp_{base62:30}{crc32-base62} "));
    put(13 * core - 100, &key);
    let end = (60 << 20) - token.len();
    put(end, &token);
    let project = Project::new().bytes("large.txt", &text);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 400000; exec \"$0\" scan -f json", env!("CARGO_BIN_EXE_keysweep")]);
    let output = command.current_dir(project.root()).env_clear().output().expect("sh runs");
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = document["findings"].as_array().expect("a list");
    let mut places: Vec<_> =
        findings.iter().map(|one| one["location"]["start_byte"].as_u64().expect("a byte") as usize).collect();
    places.sort_unstable();
    assert_eq!(places, [core - 20 + 9, core + 41, 13 * core - 99, end + 8]);
    assert_eq!(document["coverage"]["bytes"], 60 << 20);
}

#[test]
fn a_stream_without_end_is_stopped_by_ctrl_c_with_a_valid_report() {
    use std::process::Stdio;
    let project = Project::new();
    let mut command = project.command(["scan", "-", "-f", "json"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(secret(TOKEN).as_bytes()).expect("it reads");
    let lines = b"just a line of text, again and again\n".repeat(30_000);
    for _ in 0..24 {
        input.write_all(&lines).expect("it reads");
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    // It goes on until the next window is full.
    while input.write_all(&lines).is_ok() {}
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let document: Value = serde_json::from_slice(&output.stdout).expect("the report is whole");
    assert_eq!((found(&document).len(), &document["incomplete"]), (1, &Value::Bool(true)));
}
