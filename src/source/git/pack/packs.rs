//! Object folders, and what is wrong with the packs in them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use git2::ObjectType;

use super::file::{PackFile, plain};
use super::headers::Headers;
use super::index::{Index, IndexError};
use super::rescue::{Copy, Rescue};
use super::sweep::{Swept, sweep};
use super::{Limits, ObjectId, Visit};
use crate::source::git::repository::files_in;
use crate::source::{Gap, GapKind};

/// Object folders and what is known of them from one sweep to the next. Needs nothing of libgit2, so that
/// repositories it refuses can be swept, too.
#[derive(Debug)]
pub struct Packs {
    object_dirs: Vec<PathBuf>,
    /// The headers of each pack, by its index.
    headers: Mutex<BTreeMap<PathBuf, Arc<Headers>>>,
    /// What loose objects turned out to be.
    pub(super) loose: Mutex<HashMap<ObjectId, ObjectType>>,
    /// For single objects.
    rescue: OnceLock<Rescue>,
}

impl Packs {
    /// Nothing is read before it is asked for.
    pub fn new(object_dirs: Vec<PathBuf>) -> Self {
        Self { object_dirs, headers: Mutex::default(), loose: Mutex::default(), rescue: OnceLock::new() }
    }

    /// Hands every object of one kind to `visit`, along the delta chains of the packs, then what lies loose, then
    /// what came in meanwhile. The headers of entries are read once, however many kinds are asked for.
    pub fn sweep<V: Visit>(&self, kind: ObjectType, visit: &V, limits: &Limits) -> Swept {
        sweep(self, kind, visit, limits)
    }

    /// One object of a kind, from any copy that can be read. Work is bounded, all calls together.
    pub(in crate::source::git) fn read(&self, id: &ObjectId, kind: ObjectType, limit: usize) -> Option<Vec<u8>> {
        let rescue = self.rescue.get_or_init(|| {
            let mut rescue = Rescue::new(&self.object_dirs, Limits::default().max_memory);
            let files = self.object_dirs.iter().flat_map(|dir| files_in(&dir.join("pack")));
            for index in files.filter(|path| path.extension().is_some_and(|ext| ext == "idx")) {
                rescue.add(index);
            }
            rescue
        });
        match rescue.read(id, kind, None, limit) {
            Some(Copy::Found(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The object folders.
    pub(super) fn object_dirs(&self) -> &[PathBuf] {
        &self.object_dirs
    }

    /// The headers of a pack.
    pub(super) fn headers(&self, path: &Path, index: &Index, pack: &PackFile) -> Result<Arc<Headers>, IndexError> {
        let known = self.headers.lock().unwrap_or_else(PoisonError::into_inner).get(path).map(Arc::clone);
        if let Some(headers) = known.filter(|headers| headers.belong_to(index)) {
            return Ok(headers);
        }
        let headers = Arc::new(Headers::read(index, pack)?);
        let mut all = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.to_path_buf(), Arc::clone(&headers));
        Ok(headers)
    }
}

/// The gap of a pack or index `what` that cannot be read. None if it has been packed anew: what is new is listed again.
pub(super) fn pack_gap(index: &Path, what: &Path, error: &IndexError) -> Option<Gap> {
    let (kind, message) = match error {
        IndexError::Io(_) if !index.exists() => return None,
        IndexError::Io(io) => (GapKind::Unreadable, plain(io)),
        IndexError::Damaged => (GapKind::Corrupt, error.to_string()),
    };
    Some(Gap { what: what.display().to_string(), kind, message })
}

/// What is wrong with a pack whose index can be read.
pub(super) fn pack_gaps(shown: &str, index: &Index, pack: &PackFile, doubtful: usize) -> Vec<Gap> {
    let counted = (doubtful > 0).then(|| format!("{doubtful} of its objects are not as its index says"));
    let messages = damage(index, pack).map(str::to_owned).into_iter().chain(counted);
    messages.map(|message| Gap { what: shown.to_owned(), kind: GapKind::Corrupt, message }).collect()
}

/// The gaps of packs that no index belongs to.
pub(super) fn without_index(object_dirs: &[PathBuf]) -> Vec<Gap> {
    let files = object_dirs.iter().flat_map(|dir| files_in(&dir.join("pack")));
    let packs = files.filter(|path| path.extension().is_some_and(|ext| ext == "pack"));
    packs
        .filter(|path| !path.with_extension("idx").exists())
        .map(|path| Gap {
            what: path.display().to_string(),
            kind: GapKind::Unreadable,
            message: "a pack without an index".to_owned(),
        })
        .collect()
}

/// What is wrong with a pack as a whole.
fn damage(index: &Index, pack: &PackFile) -> Option<&'static str> {
    let mut head = [0; 12];
    let wrong = "the pack is cut or not the index's";
    pack.read_exact_at(&mut head, 0).ok()?;
    if head[..4] != *b"PACK" || !matches!(head[4..8], [0, 0, 0, 2 | 3]) {
        return Some(wrong);
    }
    if head[8..] != (index.count as u32).to_be_bytes() {
        return Some("its index lists another number of objects");
    }
    let mut checksum = vec![0; index.width];
    let end = pack.len.checked_sub(index.width as u64);
    match (end, index.pack_checksum()) {
        (Some(end), Ok(expected)) if pack.read_exact_at(&mut checksum, end).is_ok() && checksum == expected => None,
        _ => Some(wrong),
    }
}
