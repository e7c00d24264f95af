//! Hands the content of blobs and the messages of commits and tags to a sink.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use git2::{Odb, Oid};
use rayon::prelude::*;

use super::raw;
use super::repository::{Repository, header, malformed_gap, object, object_gap};
use crate::source::{Blob, Content, Gap, GapKind, Item, Origin, Sink};

/// Neighbours in a pack share delta bases, so one thread reads a run of them.
const RUN: usize = 64;

impl Repository {
    /// Hands every blob to `sink`, whole, from several threads; one of more than `limit` bytes
    /// becomes a gap. [`Self::reading_order`] is the fast order.
    pub fn sweep_blobs(&self, ids: &[Oid], limit: u64, sink: &Sink<'_>) {
        self.sweep(ids, sink, |odb, id| {
            let blob = |bytes| Blob { origin: Origin::Object { id }, content: Content::Bytes(bytes) };
            let (size, _) = match header(odb, id) {
                Ok(header) => header,
                Err(error) => {
                    let rescued = self.rescued_blob(id, limit).ok_or_else(|| object_gap("blob", id, &error))?;
                    return Ok(Some(blob(rescued)));
                }
            };
            if size as u64 > limit {
                return Err(Gap {
                    what: format!("blob {id}"),
                    kind: GapKind::Limit,
                    message: format!("{size} bytes, more than the limit of {limit}"),
                });
            }
            match object(odb, id) {
                Ok(object) => Ok(Some(blob(object.data().to_vec()))),
                Err(error) => {
                    let rescued = self.rescued_blob(id, limit).ok_or_else(|| object_gap("blob", id, &error))?;
                    Ok(Some(blob(rescued)))
                }
            }
        });
    }

    /// Hands the message of every commit and annotated tag to `sink`, in whatever encoding.
    pub fn sweep_messages(&self, commits: &[Oid], tags: &[Oid], sink: &Sink<'_>) {
        self.sweep(commits, sink, |odb, id| {
            let object = object(odb, id).map_err(|error| object_gap("commit", id, &error))?;
            let commit = raw::commit(object.data()).map_err(|_| malformed_gap("commit", id))?;
            Ok(message(commit.message, Origin::CommitMessage { commit: id }))
        });
        self.sweep(tags, sink, |odb, id| {
            let object = object(odb, id).map_err(|error| object_gap("tag", id, &error))?;
            let tag = raw::tag(object.data()).map_err(|_| malformed_gap("tag", id))?;
            Ok(message(tag.message, Origin::TagMessage { tag: id }))
        });
    }

    /// Calls `each` with every id and libgit2's object database, from several threads.
    pub(super) fn each_object(&self, ids: &[Oid], each: impl Fn(Result<&Odb<'_>, &git2::Error>, Oid) + Sync) {
        ids.par_chunks(RUN).for_each(|run| {
            let handle = self.handle();
            let odb = match &handle {
                Ok(handle) => handle.odb(),
                Err(error) => Err(git2::Error::from_str(error.message())),
            };
            run.iter().for_each(|&id| each(odb.as_ref(), id));
        });
    }

    fn sweep(&self, ids: &[Oid], sink: &Sink<'_>, read: impl Fn(&Odb<'_>, Oid) -> Result<Option<Blob>, Gap> + Sync) {
        let stopped = AtomicBool::new(false);
        self.each_object(ids, |odb, id| {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            let item = match odb {
                Ok(odb) => read(odb, id),
                Err(error) => Err(object_gap("object", id, error)),
            };
            let item = match item {
                Ok(Some(blob)) => Item::Blob(blob),
                Ok(None) => return,
                Err(gap) => Item::Gap(gap),
            };
            if let ControlFlow::Break(()) = sink(item) {
                stopped.store(true, Ordering::Relaxed);
            }
        });
    }
}

pub(super) fn message(bytes: &[u8], origin: Origin) -> Option<Blob> {
    let content = Content::Bytes(bytes.to_vec());
    (!bytes.is_empty()).then_some(Blob { origin, content })
}
