//! Finds another copy of an object, one at a time, for what a pack does not have or cannot give.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::ObjectId;
use super::delta::{self, Edit};
use super::file::{PackFile, Window};
use super::forest::{EntryKind, HEADER, Header};
use super::index::Index;
use super::inflate::Inflater;
use super::loose::{self, Loose};

/// So many packs stay open.
const OPEN: usize = 64;
/// git makes chains of 4,095 deltas at most.
const LONGEST_CHAIN: usize = 8192;
/// So many bytes are made for rescues in a run, as a multiple of its memory. Each may take a whole chain.
const WORK: u64 = 64;

/// Where copies may lie.
#[derive(Debug)]
pub(super) struct Rescue {
    /// The indexes of all packs.
    indexes: Vec<PathBuf>,
    object_dirs: Vec<PathBuf>,
    open: Mutex<Vec<(usize, Arc<Pack>)>>,
    left: Mutex<u64>,
}

#[derive(Debug)]
struct Pack {
    index: Index,
    file: PackFile,
    /// Where entries begin, sorted; read when first asked for.
    starts: OnceLock<Vec<u64>>,
}

impl Pack {
    /// Whether an entry begins at `offset`. What lies between entries may look like one.
    fn begins(&self, offset: u64) -> bool {
        let starts = || self.index.offsets().unwrap_or_default().into_iter().map(|(offset, _)| offset).collect();
        self.starts.get_or_init(starts).binary_search(&offset).is_ok()
    }
}

/// A copy.
pub(super) enum Copy {
    Blob(Vec<u8>),
    /// A commit, tree or tag.
    Other,
}

impl Rescue {
    pub(super) fn new(object_dirs: &[PathBuf], memory: usize) -> Self {
        let left = Mutex::new(memory as u64 * WORK);
        Self { indexes: Vec::new(), object_dirs: object_dirs.to_vec(), open: Mutex::default(), left }
    }

    /// Adds a pack and returns its number.
    pub(super) fn add(&mut self, index: PathBuf) -> usize {
        self.indexes.push(index);
        self.indexes.len() - 1
    }

    fn open(&self, number: usize) -> Option<Arc<Pack>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pack)) = open.iter().find(|(known, _)| *known == number) {
            return Some(Arc::clone(pack));
        }
        let path = self.indexes.get(number)?;
        let index = Index::open(path).ok()?;
        let file = PackFile::open(&path.with_extension("pack")).ok()?;
        let pack = Arc::new(Pack { index, file, starts: OnceLock::new() });
        if open.len() == OPEN {
            open.remove(0);
        }
        open.push((number, Arc::clone(&pack)));
        Some(pack)
    }

    /// A copy of an object that is readable: in a pack other than the one to avoid, or loose. No object of more
    /// than `limit` bytes is made on the way, and at most three are held.
    pub(super) fn read(&self, id: &ObjectId, avoid: Option<usize>, limit: usize) -> Option<Copy> {
        let others = (0..self.indexes.len()).filter(|number| Some(*number) != avoid);
        let mut tools = (Inflater::new(), Window::new());
        for number in others {
            if let Some(pack) = self.open(number)
                && let Some(offset) = pack.index.find(id.as_bytes())
                && let Some(copy) = self.decode(&pack, number, offset, limit, &mut tools)
            {
                return Some(copy);
            }
        }
        self.read_loose(id, limit, &mut tools)
    }

    fn read_loose(&self, id: &ObjectId, limit: usize, (inflater, window): &mut (Inflater, Window)) -> Option<Copy> {
        self.object_dirs.iter().find_map(|dir| {
            match loose::read(&loose::path(dir, id), inflater, window, |size| size <= limit as u64 && self.pay(size)) {
                Ok(Loose::Blob(mut bytes, start)) => Some(Copy::Blob(bytes.split_off(start))),
                Ok(Loose::Other) => Some(Copy::Other),
                Err(_) => None,
            }
        })
    }

    /// Follows the chain of the entry at `offset` down to its base, then makes what comes of it.
    fn decode(
        &self,
        pack: &Arc<Pack>,
        number: usize,
        mut offset: u64,
        limit: usize,
        tools: &mut (Inflater, Window),
    ) -> Option<Copy> {
        let mut pack = Arc::clone(pack);
        let mut chain: Vec<(Arc<Pack>, u64, Header)> = Vec::new();
        let mut bytes = loop {
            let mut head = [0; HEADER];
            let got = pack.file.read_at(&mut head, offset).ok()?;
            let header = Header::read(&head[..got], pack.index.width).ok()?;
            if chain.len() > LONGEST_CHAIN {
                return None;
            }
            match header.kind {
                EntryKind::Other => return Some(Copy::Other),
                EntryKind::Blob => break self.inflate(&pack, offset, &header, limit, tools)?,
                EntryKind::Before(distance) => {
                    chain.push((Arc::clone(&pack), offset, header));
                    offset = offset.checked_sub(distance).filter(|base| distance > 0 && pack.begins(*base))?;
                }
                EntryKind::Named(at) => {
                    let id = ObjectId::from_bytes(head.get(at..at + pack.index.width)?)?;
                    chain.push((Arc::clone(&pack), offset, header));
                    let here = pack.index.find(id.as_bytes()).map(|offset| (Arc::clone(&pack), offset));
                    let elsewhere = || {
                        (0..self.indexes.len()).filter(|other| *other != number).find_map(|other| {
                            let pack = self.open(other)?;
                            let offset = pack.index.find(id.as_bytes())?;
                            Some((pack, offset))
                        })
                    };
                    match here.or_else(elsewhere) {
                        Some((next, at)) => (pack, offset) = (next, at),
                        None => match self.read_loose(&id, limit, tools)? {
                            Copy::Blob(bytes) => break bytes,
                            Copy::Other => return Some(Copy::Other),
                        },
                    }
                }
            }
        };
        let mut edit = Edit::default();
        for (pack, offset, header) in chain.into_iter().rev() {
            let delta = self.inflate(&pack, offset, &header, limit, tools)?;
            let (_, size, _) = delta::sizes(&delta).ok()?;
            if !self.pay(size) {
                return None;
            }
            let mut result = Vec::new();
            delta::apply(&bytes, &delta, limit, &mut result, &mut edit).ok()?;
            bytes = result;
        }
        Some(Copy::Blob(bytes))
    }

    fn inflate(
        &self,
        pack: &Pack,
        offset: u64,
        header: &Header,
        limit: usize,
        (inflater, window): &mut (Inflater, Window),
    ) -> Option<Vec<u8>> {
        let size = usize::try_from(header.size).ok().filter(|size| *size <= limit)?;
        if !self.pay(header.size) {
            return None;
        }
        let mut bytes = vec![0; size];
        window.clear();
        inflater.fill(&pack.file, window, offset + header.len as u64, pack.file.len, &mut bytes).ok()?;
        Some(bytes)
    }

    /// Whether there is work left for so many bytes. A rescue costs a few reads at least.
    fn pay(&self, bytes: u64) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(bytes.max(1024)) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}
