//! Reads every commit once: what the graph needs of it, and its message for whoever wants that.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bstr::ByteSlice as _;
use git2::{ObjectType, Oid};

use super::ids::IdIndex;
use super::objects::Census;
use super::pack::{Edit, Limits, ObjectId, Visit};
use super::raw::{self, RawCommit};
use super::repository::{Repository, malformed_gap, object, object_gap};
use super::sweep::message;
use crate::source::{CommitInfo, Gap, Item, Origin, Sink};

/// The commits of a census as read, before any knows the others.
#[derive(Debug, Default)]
pub struct Commits {
    pub(super) list: Vec<Parsed>,
    /// The parents of all, one commit's after another's.
    pub(super) parents: Vec<Oid>,
    pub(super) texts: Texts,
    /// Commits and tags that could not be read.
    pub(super) gaps: Vec<Gap>,
}

/// A commit, its texts and parents elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub(super) id: Oid,
    pub(super) tree: Oid,
    pub(super) words: Words,
    /// In [`Commits::parents`].
    pub(super) parents: Range<u32>,
}

/// What a report says of a commit, in a few bytes.
#[derive(Debug, Clone)]
pub(super) struct Words {
    author_time: i64,
    pub(super) commit_time: i64,
    author: u32,
    /// In [`Texts::subjects`]; its length.
    subject: u32,
    subject_len: u32,
}

/// Authors, each once, and subjects.
#[derive(Debug, Default)]
pub(super) struct Texts {
    authors: Vec<(String, String)>,
    numbers: HashMap<(String, String), u32>,
    subjects: String,
}

impl Texts {
    fn add(&mut self, info: CommitInfo) -> Words {
        let next = self.authors.len() as u32;
        let author = *self.numbers.entry((info.author_name, info.author_email)).or_insert_with_key(|author| {
            self.authors.push(author.clone());
            next
        });
        // Four gigabytes of subjects are more than any history has; what comes behind stays without.
        let room = self.subjects.len() + info.subject.len() < u32::MAX as usize;
        let subject = if room { &info.subject[..] } else { "" };
        let at = self.subjects.len() as u32;
        self.subjects.push_str(subject);
        Words {
            author_time: info.author_time,
            commit_time: info.commit_time,
            author,
            subject: at,
            subject_len: subject.len() as u32,
        }
    }

    /// Frees what only adding needs.
    pub(super) fn seal(&mut self) {
        self.numbers = HashMap::new();
        self.subjects.shrink_to_fit();
    }

    /// What a report says.
    pub(super) fn info(&self, id: Oid, words: &Words) -> CommitInfo {
        let (author_name, author_email) = self.authors.get(words.author as usize).cloned().unwrap_or_default();
        let subject = words.subject as usize..words.subject as usize + words.subject_len as usize;
        CommitInfo {
            id,
            author_name,
            author_email,
            author_time: words.author_time,
            commit_time: words.commit_time,
            subject: self.subjects.get(subject).unwrap_or_default().to_owned(),
        }
    }
}

impl Commits {
    fn add(&mut self, id: Oid, commit: RawCommit<'_>) {
        let words = self.texts.add(info(id, &commit));
        let from = self.parents.len() as u32;
        self.parents.extend(commit.parents);
        self.list.push(Parsed { id, tree: commit.tree, words, parents: from..self.parents.len() as u32 });
    }
}

impl Repository {
    /// Reads the commits of a census, and hands the messages of commits and tags to `sink`, in whatever encoding,
    /// from several threads. What the delta chains do not give is asked of libgit2.
    pub fn read_commits(&self, census: &Census, sink: Option<&Sink<'_>>) -> Commits {
        let commits = Mutex::new(Commits::default());
        let stopped = AtomicBool::new(false);
        for (kind, ids) in [(ObjectType::Commit, &census.commits), (ObjectType::Tag, &census.tags)] {
            if kind == ObjectType::Tag && sink.is_none() {
                break;
            }
            let reader = Reader { kind, sink, stopped: &stopped, commits: &commits, met: Mutex::default() };
            let in_order = kind == ObjectType::Commit && census.packs.is_none();
            let mut left = if in_order { census.commit_reading_order.clone() } else { ids.clone() };
            if let Some(packs) = &census.packs {
                packs.sweep(kind, &reader, &Limits::default());
                let mut met = std::mem::take(&mut *lock(&reader.met));
                met.sort_unstable();
                left.retain(|id| met.binary_search(id).is_err());
            }
            // These leave the gaps.
            self.each_object(&left, |odb, id| {
                if stopped.load(Relaxed) {
                    return;
                }
                let read = odb.map_err(|error| object_gap(kind.str(), id, error)).and_then(|odb| {
                    let object = object(odb, id).map_err(|error| object_gap(kind.str(), id, &error))?;
                    if object.kind() != kind {
                        return Err(malformed_gap(kind.str(), id));
                    }
                    reader.take(id, object.data())
                });
                if let Err(gap) = read {
                    lock(&commits).gaps.push(gap);
                }
            });
        }
        let mut commits = commits.into_inner().unwrap_or_else(PoisonError::into_inner);
        let known = IdIndex::new(census.commits.clone());
        commits.list.retain(|commit| known.find(commit.id.as_bytes()).is_some());
        commits.list.sort_unstable_by_key(|commit| commit.id);
        commits.list.dedup_by_key(|commit| commit.id);
        commits.texts.seal();
        commits
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads commits or tags as they come.
struct Reader<'s> {
    kind: ObjectType,
    sink: Option<&'s Sink<'s>>,
    stopped: &'s AtomicBool,
    commits: &'s Mutex<Commits>,
    /// What was read, or is malformed.
    met: Mutex<Vec<Oid>>,
}

impl Reader<'_> {
    fn take(&self, id: Oid, bytes: &[u8]) -> Result<(), Gap> {
        let malformed = |_| malformed_gap(self.kind.str(), id);
        let (text, origin) = if self.kind == ObjectType::Commit {
            let commit = raw::commit(bytes).map_err(malformed)?;
            let text = commit.message;
            lock(self.commits).add(id, commit);
            (text, Origin::CommitMessage { commit: id })
        } else {
            (raw::tag(bytes).map_err(malformed)?.message, Origin::TagMessage { tag: id })
        };
        if let Some(sink) = self.sink
            && let Some(blob) = message(text, origin)
            && let ControlFlow::Break(()) = sink(Item::Blob(blob))
        {
            self.stopped.store(true, Relaxed);
        }
        Ok(())
    }
}

impl Visit for Reader<'_> {
    type State = ();

    fn root(&self, _: &ObjectId, _: &[u8]) {}

    fn child(&self, _: &ObjectId, _: &[u8], _: &[u8], _: &(), _: &Edit) {}

    fn found(&self, id: &ObjectId, bytes: &[u8], _: &()) {
        if let Some(id) = id.oid() {
            lock(&self.met).push(id);
            if let Err(gap) = self.take(id, bytes) {
                lock(self.commits).gaps.push(gap);
            }
        }
    }

    fn stop(&self) -> bool {
        self.stopped.load(Relaxed)
    }
}

/// What a report says of a commit.
pub(super) fn info(id: Oid, commit: &RawCommit<'_>) -> CommitInfo {
    let (author_name, author_email, author_time) = raw::signature(commit.author);
    let subject = commit.message.trim_start_with(char::is_whitespace);
    let subject = subject.lines().next().unwrap_or_default();
    CommitInfo {
        id,
        author_name,
        author_email,
        author_time,
        commit_time: raw::signature(commit.committer).2,
        subject: subject.to_str_lossy().into_owned(),
    }
}
