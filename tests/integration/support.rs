//! Builds a project in a temporary folder and runs keysweep in it.
//!
//! Nothing depends on the machine: git runs with fixed names, dates and no configuration of the
//! user's; keysweep runs without any environment but `HOME` and a fixed clock. It does not even get
//! a `PATH`, so a child process of its own would fail.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::Value;

/// What keysweep takes for now: 2026-01-01.
pub(crate) const NOW: &str = "1767225600";
/// Each commit is a minute after the one before, from 2025-06-01 on.
const FIRST_COMMIT: u64 = 1_748_736_000;

/// A folder with files and perhaps a git repository, gone when dropped.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    commits: AtomicU64,
}

/// One made-up secret per rule: expands the template of a committed test, so that no file of ours
/// looks like it holds a live token.
pub(crate) fn secret(template: &str) -> String {
    keysweep::rules::example::expand(template, "integration")
}

#[allow(dead_code, reason = "a builder for all modules")]
impl Project {
    /// A folder without git.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("keysweep-test-").tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("work")).expect("a folder in it");
        fs::create_dir(folder.path().join("home")).expect("a folder in it");
        Self { folder, commits: AtomicU64::new(0) }
    }

    /// A git repository on the branch `main`, without a commit.
    pub(crate) fn git() -> Self {
        let project = Self::new();
        project.run_git(&["init", "--quiet", "--initial-branch=main"]);
        project
    }

    /// The folder that commands run in.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A path beside [`Self::root`], outside of what is scanned.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; placeholders such as `{base62:36}` in a text are expanded.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.bytes(path, secret(text).as_bytes())
    }

    /// Writes a file as it is.
    pub(crate) fn bytes(self, path: impl AsRef<Path>, bytes: &[u8]) -> Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("folders can be made");
        fs::write(path, bytes).expect("files can be written");
        self
    }

    /// Writes a file and adds it to the index, even if it is ignored.
    pub(crate) fn stage(self, path: &str, text: &str) -> Self {
        let project = self.file(path, text);
        project.run_git(&["add", "--force", "--", path]);
        project
    }

    /// Removes a file from folder and index.
    pub(crate) fn remove(self, path: &str) -> Self {
        self.run_git(&["rm", "--quiet", "--force", "--", path]);
        self
    }

    /// Commits what is staged; an empty commit is one, too.
    pub(crate) fn commit(self, message: &str) -> Self {
        self.run_git(&["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", &secret(message)]);
        self
    }

    /// Any other git command.
    pub(crate) fn with(self, arguments: &[&str]) -> Self {
        self.run_git(arguments);
        self
    }

    /// Runs git here and gives what it printed, without the last newline.
    pub(crate) fn run_git(&self, arguments: &[&str]) -> String {
        self.run_git_in(&self.root(), arguments)
    }

    /// Runs git in another folder.
    pub(crate) fn run_git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let tick = self.commits.fetch_add(1, Ordering::Relaxed);
        let date = format!("{} +0000", FIRST_COMMIT + 60 * tick);
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.outside("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// keysweep, about to run here.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keysweep"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.outside("home"))
            .env("SOURCE_DATE_EPOCH", NOW);
        command
    }

    /// Runs keysweep; exit status and both outputs as one text for a snapshot.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        self.text(&self.command(arguments).output().expect("keysweep runs"))
    }

    /// Runs keysweep with this on its standard input.
    pub(crate) fn run_with_input<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("keysweep runs");
        // It may end before it has read everything.
        let _ = child.stdin.take().expect("it is piped").write_all(input);
        self.text(&child.wait_with_output().expect("keysweep ends"))
    }

    /// Runs keysweep with `--format json`; exit status and document.
    pub(crate) fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> (i32, Value) {
        let output = self.command(arguments).args(["--format", "json"]).output().expect("keysweep runs");
        let status = output.status.code().expect("it was not killed");
        let document = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}, status {status}: {}", String::from_utf8_lossy(&output.stderr)));
        (status, document)
    }

    /// `path:line rule` of each finding, in the order of the report.
    pub(crate) fn findings<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        found(&self.json(arguments).1)
    }

    fn text(&self, output: &Output) -> String {
        let status = output.status.code().map_or_else(|| output.status.to_string(), |code| code.to_string());
        let text = format!(
            "status {status}\n--- stdout\n{}--- stderr\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let text = text.replace(&*self.folder.path().to_string_lossy(), "[TEMP]");
        // How long it took.
        let lines = text.lines().map(|line| match line.rsplit_once(" in ") {
            Some((before, took)) if took.ends_with(" ms") || took.ends_with(" s") => format!("{before} in [TIME]"),
            _ => line.trim_end().to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// `path:line rule` of each finding of a JSON document.
pub(crate) fn found(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().expect("a document has findings");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    findings
        .iter()
        .map(|one| {
            let place = &one["place"];
            let path = if place["path"].is_string() { text(&place["path"]) } else { text(&place["type"]) };
            format!("{path}:{} {}", one["location"]["start_line"], text(&one["rule"]))
        })
        .collect()
}

#[test]
fn a_project_gives_one_text_with_status_and_outputs() {
    let project = Project::git().stage("a.env", "DB_PASSWORD={base62:18}\n").commit("first");
    let text = project.run(["git", "--rotation", "none"]);
    assert!(text.starts_with("status 1\n--- stdout\n") && text.contains("--- stderr"), "{text}");
    assert_eq!(project.findings(["scan"]), ["a.env:1 generic-password"]);
}
