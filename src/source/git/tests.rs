//! Behaviour of whole repositories, built by the real `git`.

mod attribution;
mod changes;
mod damage;
mod index;
mod listing;
mod pack_damage;
pub(crate) mod pack_writer;
mod packs;
mod sweeping;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::Oid;
use tempfile::TempDir;

use super::{Attribution, Census, CommitGraph, Repository, Selection, ValueHistory, ValueId};
use crate::source::{GapKind, RelPath};

/// A repository in a folder of its own. Time passes by one minute with each commit.
struct Fixture {
    _temp: TempDir,
    dir: PathBuf,
    minutes: std::cell::Cell<u64>,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self::empty();
        fixture.git(["init", "-q", "-b", "main", "."]);
        fixture
    }

    /// A folder without a repository.
    fn empty() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&dir).unwrap();
        Self { _temp: temp, dir, minutes: std::cell::Cell::new(0) }
    }

    fn git<const N: usize>(&self, args: [&str; N]) -> String {
        self.git_in(&self.dir, args)
    }

    fn git_in<const N: usize>(&self, dir: &Path, args: [&str; N]) -> String {
        self.minutes.set(self.minutes.get() + 1);
        let date = format!("{} +0000", 1_700_000_000 + self.minutes.get() * 60);
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0"])
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.dir)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A U Thor")
            .env("GIT_AUTHOR_EMAIL", "author@example.com")
            .env("GIT_COMMITTER_NAME", "C O Mitter")
            .env("GIT_COMMITTER_EMAIL", "committer@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "git {args:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        text
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.dir.join(path)).unwrap();
        self
    }

    /// Commits everything and returns the commit.
    fn commit(&self, message: &str) -> Oid {
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "-m", message]);
        self.id("HEAD")
    }

    fn id(&self, rev: &str) -> Oid {
        Oid::from_str(&self.git(["rev-parse", "--verify", rev])).unwrap()
    }

    fn open(&self) -> Repository {
        Repository::open(&self.dir).unwrap()
    }

    fn loose_file(&self, id: Oid) -> PathBuf {
        let id = id.to_string();
        self.dir.join(".git/objects").join(&id[..2]).join(&id[2..])
    }

    /// Overwrites a file that git made read-only.
    fn overwrite(&self, path: &Path, bytes: &[u8]) {
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn history(&self) -> History {
        History::of(&self.open(), &Selection::All)
    }
}

fn blob(text: &str) -> Oid {
    Oid::hash_object(git2::ObjectType::Blob, text.as_bytes()).unwrap()
}

fn path(text: &str) -> RelPath {
    RelPath::new(text)
}

/// A repository's commits, ready to be asked for the history of a value.
struct History {
    census: Census,
    graph: CommitGraph,
    repository: Repository,
}

impl History {
    fn of(repository: &Repository, selection: &Selection) -> Self {
        let repository = Repository::open(&repository.facts().git_dir).unwrap();
        let census = repository.census(selection).unwrap();
        let graph = CommitGraph::build(&repository, &census).unwrap();
        Self { census, graph, repository }
    }

    /// The history of the value that the blobs with these texts hold.
    fn attribute(&self, texts: &[&str]) -> Attribution {
        let interesting: HashMap<Oid, Vec<ValueId>> = texts.iter().map(|text| (blob(text), vec![ValueId(7)])).collect();
        self.repository.attribute(&self.graph, &interesting)
    }

    fn value(&self, texts: &[&str]) -> ValueHistory {
        let mut found = self.attribute(texts);
        assert_eq!(found.gaps, []);
        found.values.remove(&ValueId(7)).unwrap()
    }

    fn ids(&self, commits: &[u32]) -> Vec<Oid> {
        commits.iter().map(|&at| self.id(at)).collect()
    }

    fn id(&self, commit: u32) -> Oid {
        self.graph.nodes[commit as usize].id
    }

    fn refs(&self, refs: &[u32]) -> Vec<&str> {
        let name = |&at: &u32| self.graph.refs[at as usize].name.as_str();
        refs.iter().map(name).collect()
    }

    fn gap_kinds(&self) -> Vec<GapKind> {
        let gaps = self.census.gaps.iter().chain(&self.graph.gaps);
        gaps.map(|gap| gap.kind).collect()
    }
}
