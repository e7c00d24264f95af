//! Sweeps whole object databases for the objects of one kind: every pack, then what lies loose, then what came in meanwhile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use git2::ObjectType;
use rayon::prelude::*;

use super::file::{PackFile, Window};
use super::forest::Forest;
use super::id::{IdTable, Seen};
use super::index::Index;
use super::inflate::Inflater;
use super::loose::{self, Loose};
use super::memory::{Budget, Holding};
use super::packs::{Packs, pack_gap, pack_gaps, without_index};
use super::rescue::{Copy, Rescue};
use super::tools::{Failure, Totals};
use super::walk::{DONE, FAILED, OTHER_KIND, SEEN, Walk};
use super::{Limits, ObjectId, Visit};
use crate::source::git::Repository;
use crate::source::git::repository::files_in;
use crate::source::{Gap, GapKind};

/// So many unreadable objects of one pack are named one by one; more become one gap.
const NAMED: usize = 20;
/// A repository that keeps changing is listed so often.
const ROUNDS: usize = 8;
/// So much is left for bases and buffers even if tables take all there is.
const LEAST: usize = 8 << 20;
/// Loose objects read by one thread at a time.
const RUN: usize = 64;

/// What a sweep did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Objects handed out, each once.
    pub blobs: u64,
    /// Those of them that had no base, or none that could be used.
    pub roots: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of the bytes that a base did not have.
    pub fresh: u64,
    /// Bytes of all versions made, as often as they were made; some are made only as a base.
    pub decoded: u64,
    /// Packs read.
    pub packs: usize,
    /// The visitor said stop.
    pub stopped: bool,
    /// Objects that were not handed out because they, or what they are made from, are over a limit; sorted. Each has
    /// its share in a gap.
    pub large: Vec<ObjectId>,
    /// All that was made together went over its limit.
    pub exhausted: bool,
    /// What could not be read, sorted.
    pub gaps: Vec<Gap>,
}

impl Repository {
    /// The object folders, with those it borrows from, ready to be swept.
    pub fn packs(&self) -> Packs {
        Packs::new(self.object_dirs())
    }

    /// Hands every blob of the object database to `visit`, see [`Packs::sweep`].
    pub fn sweep_packs<V: Visit>(&self, visit: &V, limits: &Limits) -> Swept {
        self.packs().sweep(ObjectType::Blob, visit, limits)
    }
}

/// Hands every blob of some object folders to `visit`, see [`Packs::sweep`].
pub fn sweep_object_dirs<V: Visit>(object_dirs: &[PathBuf], visit: &V, limits: &Limits) -> Swept {
    Packs::new(object_dirs.to_vec()).sweep(ObjectType::Blob, visit, limits)
}

pub(super) fn sweep<V: Visit>(packs: &Packs, kind: ObjectType, visit: &V, limits: &Limits) -> Swept {
    let object_dirs = packs.object_dirs();
    let mut run = Run {
        visit,
        kind,
        of: packs,
        limits,
        object_dirs,
        totals: Totals::default(),
        seen: Seen::default(),
        rescue: Rescue::new(object_dirs, limits.max_memory),
        known: BTreeSet::new(),
        loose: BTreeSet::new(),
        missed: Vec::new(),
        large: Vec::new(),
        gaps: Vec::new(),
        packs: 0,
    };
    for round in 0..=ROUNDS {
        let packs = run.new_packs();
        let loose = run.new_loose();
        if (packs.is_empty() && loose.is_empty()) || run.totals.stopped.load(Relaxed) {
            break;
        }
        if round == ROUNDS {
            run.gap("object database", GapKind::Unreadable, "it keeps changing while it is read");
            break;
        }
        packs.iter().for_each(|(path, number)| run.sweep_pack(path, *number));
        run.sweep_loose(&loose);
    }
    run.finish()
}

struct Run<'s, V> {
    visit: &'s V,
    kind: ObjectType,
    of: &'s Packs,
    limits: &'s Limits,
    object_dirs: &'s [PathBuf],
    totals: Totals,
    /// What has been handed out, and loose objects of another kind.
    seen: Seen,
    rescue: Rescue,
    /// The indexes that were listed.
    known: BTreeSet<PathBuf>,
    /// The loose objects that were listed, with the number of the folder.
    loose: BTreeSet<(ObjectId, u16)>,
    /// What could not be read, container by container; another copy may turn up.
    missed: Vec<(String, Vec<Missed>)>,
    large: Vec<ObjectId>,
    gaps: Vec<Gap>,
    packs: usize,
}

struct Missed {
    id: ObjectId,
    failure: Failure,
    /// The pack in which it could not be read.
    pack: Option<usize>,
}

impl<V: Visit> Run<'_, V> {
    fn gap(&mut self, what: impl Into<String>, kind: GapKind, message: impl Into<String>) {
        self.gaps.push(Gap { what: what.into(), kind, message: message.into() });
    }

    /// The indexes that were not there before, with their numbers in `rescue`.
    fn new_packs(&mut self) -> Vec<(PathBuf, usize)> {
        let files = self.object_dirs.iter().flat_map(|dir| files_in(&dir.join("pack")));
        let indexes = files.filter(|path| path.extension().is_some_and(|ext| ext == "idx"));
        let new: Vec<_> = indexes.filter(|path| self.known.insert(path.clone())).collect();
        new.into_iter().map(|path| (path.clone(), self.rescue.add(path))).collect()
    }

    /// The loose objects that were not there before, with the folder of each copy.
    fn new_loose(&mut self) -> Vec<(ObjectId, Vec<u16>)> {
        let mut new: Vec<(ObjectId, Vec<u16>)> = Vec::new();
        for (number, dir) in (0..).zip(self.object_dirs) {
            let (ids, unlisted) = loose::list(dir);
            for (path, message) in unlisted {
                self.gaps.push(loose::unlisted_gap(&path, message));
            }
            for id in ids {
                if self.loose.insert((id, number)) {
                    new.push((id, vec![number]));
                }
            }
        }
        new.sort_unstable();
        new.dedup_by(|next, first| {
            let same = next.0 == first.0;
            if same {
                first.1.append(&mut next.1);
            }
            same
        });
        new
    }

    fn sweep_pack(&mut self, path: &Path, number: usize) {
        if self.totals.stopped.load(Relaxed) {
            return;
        }
        let pack_path = path.with_extension("pack");
        let index = match Index::open(path) {
            Ok(index) => index,
            Err(error) => return self.gaps.extend(pack_gap(path, path, &error)),
        };
        let pack = match PackFile::open(&pack_path) {
            Ok(pack) => pack,
            Err(error) => return self.gaps.extend(pack_gap(path, &pack_path, &error.into())),
        };
        let planted = self
            .of
            .headers(path, &index, &pack)
            .and_then(|headers| Ok((Forest::plant(&headers, &index, &pack, self.kind)?, headers.doubtful)));
        let (forest, doubtful) = match planted {
            Ok(planted) => planted,
            Err(error) => return self.gaps.extend(pack_gap(path, path, &error)),
        };
        self.packs += 1;
        let shown = pack_path.display().to_string();
        let damage = pack_gaps(&shown, &index, &pack, doubtful);
        let damaged = !damage.is_empty();
        self.gaps.extend(damage);
        let tables = forest.memory() + self.seen.memory();
        let budget = self.budget(tables);
        // What a pack holds that is not the index's may stand under another object's id.
        let check_ids = self.limits.check_ids || damaged;
        let walk = Walk::new(
            self.visit,
            self.kind,
            self.limits,
            &budget,
            &self.totals,
            &self.rescue,
            number,
            &pack,
            &forest,
            &self.seen,
            check_ids,
        );
        walk.run();
        let mut missed: Vec<_> = walk
            .failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter()
            .map(|(node, failure)| {
                let id = forest.ids.id(forest.nodes[node as usize].id as usize);
                Missed { id, failure, pack: Some(number) }
            })
            .collect();
        let mut done = IdTable::new(forest.width());
        for (at, flags) in walk.flags.iter().enumerate() {
            let flags = flags.load(Relaxed);
            if flags & DONE != 0 && flags & SEEN == 0 {
                done.push(forest.ids.get(at));
            } else if flags & (DONE | SEEN | OTHER_KIND | FAILED) == 0 && !self.totals.stopped.load(Relaxed) {
                let failure = Failure { kind: GapKind::Internal, ..Failure::corrupt("it was not reached") };
                missed.push(Missed { id: forest.ids.id(at), failure, pack: Some(number) });
            }
        }
        for (id, why) in &forest.lost {
            let failure = Failure { unknown: true, ..Failure::corrupt(*why) };
            missed.extend(ObjectId::from_bytes(id).map(|id| Missed { id, failure, pack: Some(number) }));
        }
        self.seen.add(done);
        self.missed.push((shown, missed));
    }

    /// What tables of so many bytes leave for bases and buffers.
    fn budget(&self, tables: usize) -> Budget {
        let most = self.limits.max_memory;
        Budget::new(most.saturating_sub(tables).max(LEAST.min(most)), rayon::current_num_threads())
    }

    fn sweep_loose(&mut self, loose: &[(ObjectId, Vec<u16>)]) {
        let budget = self.budget(self.seen.memory());
        let outcome: Mutex<(Vec<ObjectId>, Vec<Missed>)> = Mutex::default();
        loose.par_chunks(RUN).for_each(|some| {
            let (mut inflater, mut window) = (Inflater::new(), Window::new());
            let mut holding = Holding::new(&budget);
            let (mut done, mut missed) = (Vec::new(), Vec::new());
            for (id, dirs) in some {
                let known = self.of.loose.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied();
                if known.is_some_and(|known| known != self.kind) || self.seen.contains(id.as_bytes()) {
                    continue;
                }
                if self.visit.stop() {
                    self.totals.stopped.store(true, Relaxed);
                    break;
                }
                let mut failure = None;
                for dir in dirs {
                    let path = loose::path(&self.object_dirs[usize::from(*dir)], id);
                    match self.one_loose(id, &path, &mut inflater, &mut window, &mut holding) {
                        Ok(()) => {
                            done.push(*id);
                            failure = None;
                            break;
                        }
                        Err(why) => failure = Some(why),
                    }
                }
                missed.extend(failure.map(|failure| Missed { id: *id, failure, pack: None }));
            }
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.0.append(&mut done);
            outcome.1.append(&mut missed);
        });
        let (mut done, missed) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable();
        for width in [20, 32] {
            let mut table = IdTable::new(width);
            done.iter().filter(|id| id.as_bytes().len() == width).for_each(|id| table.push(id.as_bytes()));
            self.seen.add(table);
        }
        if !missed.is_empty() {
            self.missed.push(("loose objects".to_owned(), missed));
        }
    }

    fn one_loose(
        &self,
        id: &ObjectId,
        path: &Path,
        inflater: &mut Inflater,
        window: &mut Window,
        holding: &mut Holding<'_>,
    ) -> Result<(), Failure> {
        let limit = self.limits.scan_limit.min(self.limits.decode_limit);
        let room = |size: u64| {
            size <= limit
                && usize::try_from(size)
                    .is_ok_and(|size| holding.fits(size) || (holding.grow(true) && holding.fits(size)))
        };
        let read = loose::read(path, self.kind, inflater, window, room);
        // Nothing is kept from one object to the next.
        let outcome = match read {
            Ok(Loose::Found(bytes, start)) => {
                let bytes = &bytes[start..];
                let state = self.visit.root(id, bytes);
                self.visit.found(id, bytes, &state);
                for (total, count) in [
                    (&self.totals.blobs, 1),
                    (&self.totals.roots, 1),
                    (&self.totals.bytes, bytes.len() as u64),
                    (&self.totals.fresh, bytes.len() as u64),
                    (&self.totals.decoded, bytes.len() as u64),
                ] {
                    total.fetch_add(count, Relaxed);
                }
                Ok(())
            }
            Ok(Loose::Other(kind)) => {
                self.of.loose.lock().unwrap_or_else(PoisonError::into_inner).insert(*id, kind);
                Ok(())
            }
            Err((kind, message)) => Err(Failure { kind, message: message.into(), unknown: true }),
        };
        holding.release(0);
        outcome
    }

    fn finish(mut self) -> Swept {
        for (container, mut missed) in std::mem::take(&mut self.missed) {
            let settled =
                |one: &Missed| self.seen.contains(one.id.as_bytes()) || (one.failure.unknown && self.is_other(one));
            missed.retain(|one| !settled(one));
            missed.sort_by_key(|one| one.id);
            missed.dedup_by_key(|one| one.id);
            self.large.extend(missed.iter().filter(|one| one.failure.kind == GapKind::Limit).map(|one| one.id));
            if missed.len() > NAMED {
                let message = format!("{} objects cannot be read: {}", missed.len(), missed[0].failure.message);
                self.gaps.push(Gap { what: container, kind: missed[0].failure.kind, message });
                continue;
            }
            self.gaps.extend(missed.into_iter().map(|one| Gap {
                what: format!("{} {}", if one.failure.unknown { "object" } else { self.kind.str() }, one.id),
                kind: one.failure.kind,
                message: one.failure.message.into_owned(),
            }));
        }
        self.gaps.extend(without_index(self.object_dirs));
        self.gaps.sort();
        self.gaps.dedup();
        self.large.sort_unstable();
        self.large.dedup();
        let totals = &self.totals;
        Swept {
            blobs: totals.blobs.load(Relaxed),
            roots: totals.roots.load(Relaxed),
            bytes: totals.bytes.load(Relaxed),
            fresh: totals.fresh.load(Relaxed),
            decoded: totals.decoded.load(Relaxed),
            packs: self.packs,
            stopped: totals.stopped.load(Relaxed),
            large: self.large,
            exhausted: totals.decoded.load(Relaxed) > self.limits.max_decoded,
            gaps: self.gaps,
        }
    }

    /// Whether another copy shows that an object is of another kind.
    fn is_other(&self, one: &Missed) -> bool {
        matches!(self.rescue.read(&one.id, self.kind, one.pack, 0), Some(Copy::Other(_)))
    }
}
