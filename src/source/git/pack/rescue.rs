//! Finds another copy of an object, one at a time, for what a pack does not have or cannot give.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use git2::ObjectType;

use super::ObjectId;
use super::delta::{self, Edit};
use super::file::{PackFile, Window};
use super::headers::{EntryKind, HEADER, Header};
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

/// Where an entry lies.
struct Place {
    pack: Arc<Pack>,
    offset: u64,
}

/// A delta on the way to a base.
struct Link {
    pack: Arc<Pack>,
    offset: u64,
    header: Header,
    /// What else could have stood in its place.
    others: Vec<Place>,
}

#[derive(Debug)]
struct Pack {
    number: usize,
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
    Found(Vec<u8>),
    /// An object of another kind than was asked for.
    Other(ObjectType),
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
        let pack = Arc::new(Pack { number, index, file, starts: OnceLock::new() });
        if open.len() == OPEN {
            open.remove(0);
        }
        open.push((number, Arc::clone(&pack)));
        Some(pack)
    }

    /// A copy of an object that is readable: in a pack other than the one to avoid, or loose. No object of more
    /// than `limit` bytes is made on the way, and at most three are held.
    pub(super) fn read(&self, id: &ObjectId, kind: ObjectType, avoid: Option<usize>, limit: usize) -> Option<Copy> {
        let others = (0..self.indexes.len()).filter(|number| Some(*number) != avoid);
        let mut tools = (Inflater::new(), Window::new());
        for number in others {
            if let Some(pack) = self.open(number)
                && let Some(offset) = pack.index.find(id.as_bytes())
                && let Some(copy) = self.decode(&pack, offset, kind, limit, &mut tools)
            {
                return Some(copy);
            }
        }
        self.read_loose(id, kind, limit, &mut tools)
    }

    fn read_loose(
        &self,
        id: &ObjectId,
        kind: ObjectType,
        limit: usize,
        (inflater, window): &mut (Inflater, Window),
    ) -> Option<Copy> {
        self.object_dirs.iter().find_map(|dir| {
            let room = |size| size <= limit as u64 && self.pay(size);
            match loose::read(&loose::path(dir, id), kind, inflater, window, room) {
                Ok(Loose::Found(mut bytes, start)) => Some(Copy::Found(bytes.split_off(start))),
                Ok(Loose::Other(kind)) => Some(Copy::Other(kind)),
                Err(_) => None,
            }
        })
    }

    /// Follows the chain of the entry at `offset` down to its base, then makes what comes of it.
    fn decode(
        &self,
        first: &Arc<Pack>,
        offset: u64,
        kind: ObjectType,
        limit: usize,
        tools: &mut (Inflater, Window),
    ) -> Option<Copy> {
        let mut chain: Vec<Link> = Vec::new();
        let mut tried = HashSet::new();
        // Copies of the base of the last link that have not been tried.
        let mut next = vec![Place { pack: Arc::clone(first), offset }];
        let mut bytes = loop {
            let Some(place) = next.pop() else {
                // Nothing is left here; the link before may have another base.
                next = chain.pop()?.others;
                continue;
            };
            if chain.len() > LONGEST_CHAIN || !tried.insert((place.pack.number, place.offset)) || !self.pay(0) {
                continue;
            }
            let Place { pack, offset } = place;
            let mut head = [0; HEADER];
            let Ok(got) = pack.file.read_at(&mut head, offset) else { continue };
            let Ok(header) = Header::read(&head[..got], pack.index.width) else { continue };
            let bases = match header.kind {
                EntryKind::Plain(found) if found == kind => {
                    break self.inflate(&pack, offset, &header, limit, tools)?;
                }
                EntryKind::Plain(other) => return Some(Copy::Other(other)),
                EntryKind::Before(distance) => {
                    let base = offset.checked_sub(distance).filter(|base| pack.begins(*base));
                    base.map(|offset| vec![Place { pack: Arc::clone(&pack), offset }])
                }
                EntryKind::Named(at) => {
                    let id = head.get(at..at + pack.index.width).and_then(ObjectId::from_bytes)?;
                    let bases = self.places(&id, &pack);
                    if bases.is_empty() {
                        let loose = self.read_loose(&id, kind, limit, tools);
                        match loose {
                            Some(Copy::Found(bytes)) => {
                                chain.push(Link { pack, offset, header, others: Vec::new() });
                                break bytes;
                            }
                            Some(Copy::Other(other)) => return Some(Copy::Other(other)),
                            None => {}
                        }
                    }
                    Some(bases)
                }
            };
            if let Some(bases) = bases {
                let others = std::mem::replace(&mut next, bases);
                chain.push(Link { pack, offset, header, others });
            }
        };
        let mut edit = Edit::default();
        for link in chain.into_iter().rev() {
            let delta = self.inflate(&link.pack, link.offset, &link.header, limit, tools)?;
            let (_, size, _) = delta::sizes(&delta).ok()?;
            if !self.pay(size) {
                return None;
            }
            let mut result = Vec::new();
            delta::apply(&bytes, &delta, limit, &mut result, &mut edit).ok()?;
            bytes = result;
        }
        Some(Copy::Found(bytes))
    }

    /// The copies of an object in packs, the best at the end: its own pack's.
    fn places(&self, id: &ObjectId, own: &Arc<Pack>) -> Vec<Place> {
        let others = (0..self.indexes.len()).rev().filter(|number| *number != own.number);
        let packs = others.filter_map(|number| self.open(number)).chain([Arc::clone(own)]);
        packs
            .filter_map(|pack| {
                let offset = pack.index.find(id.as_bytes())?;
                Some(Place { pack, offset })
            })
            .collect()
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
