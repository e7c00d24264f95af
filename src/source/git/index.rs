//! Reads the index (gitformat-index(5)): what would be committed.
//!
//! libgit2 copies every entry and hashes the whole file (as git itself does not), which takes longer than all the
//! rest of a hook. Its own repository wrote the file, but nothing is taken on trust.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

use git2::Oid;
use memchr::memchr;

use super::raw;

/// Bytes of an entry before its name.
const FIXED: usize = 62;
/// Ten million files; more is no index.
const LARGEST: u64 = 1 << 30;
/// Paths that share their beginnings are stored short; more than so many times the file is an attack on memory.
const MOST_SPELT: usize = 64;
/// A path may be as long as on Linux; work on folders within folders grows with its square.
const LONGEST: usize = 4096;
/// Folders within folders; git's own limit for a path is less.
const DEEPEST: usize = 4096;

/// An index.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Sorted by path, then by stage.
    pub(super) entries: Vec<Entry>,
    /// What the entries' paths point into.
    names: Vec<u8>,
    /// The folders that have not changed since a tree was read or written, parents before children.
    trees: Vec<CachedTree>,
}

/// A file, a submodule or, in a sparse index, a whole folder.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    path: Range<usize>,
    /// Type and permissions, as in a tree.
    pub(super) mode: u32,
    /// The content.
    pub(super) id: Oid,
    /// 0, or which side of a conflict it is.
    pub(super) stage: u8,
    /// Promised by `git add -N`: nothing of it would be committed.
    pub(super) intended: bool,
}

#[derive(Debug)]
struct CachedTree {
    /// The last part of its path, within [`Index::names`].
    name: Range<usize>,
    /// How many entries lie below it, and the tree that they make; none if they have changed.
    known: Option<(usize, Oid)>,
    /// Where in the list its children end.
    end: usize,
}

/// A folder that the index may know the tree of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cached(usize);

impl Index {
    /// Reads an index; one that is not there is empty.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        match read_file(path) {
            Ok(data) => Self::parse(data),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn parse(data: Vec<u8>) -> Result<Self, String> {
        let cut = || "it is cut off or malformed".to_owned();
        let word = |at: usize| data.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        if !data.starts_with(b"DIRC") {
            return Err("it is no index".to_owned());
        }
        let version = word(4).ok_or_else(cut)?;
        let count = word(8).ok_or_else(cut)? as usize;
        if !(2..=4).contains(&version) {
            return Err(format!("version {version} is not known"));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(count.min(data.len() / FIXED));
        // Version 4 gives each path as what differs from the one before.
        let mut spelt: Vec<u8> = Vec::new();
        let mut sorted = true;
        let mut at = 12;
        for _ in 0..count {
            let fixed = data.get(at..at + FIXED).ok_or_else(cut)?;
            let flags = u16::from_be_bytes([fixed[60], fixed[61]]);
            let extended = version >= 3 && flags & 0x4000 != 0;
            let mut name = at + FIXED;
            let mut intended = false;
            if extended {
                let more = data.get(name..name + 2).ok_or_else(cut)?;
                intended = more[0] & 0x20 != 0;
                name += 2;
            }
            let mut kept = 0;
            if version == 4 {
                let (strip, behind) = offset(&data, name).ok_or_else(cut)?;
                let before = entries.last().map_or(0..0, |entry: &Entry| entry.path.clone());
                kept = before.len().checked_sub(strip).ok_or_else(cut)?;
                spelt.extend_from_within(before.start..before.start + kept);
                name = behind;
                if spelt.len() / MOST_SPELT > data.len() {
                    return Err("its paths are far longer than any repository's".to_owned());
                }
            }
            let length = data.get(name..).and_then(|rest| memchr(0, rest)).ok_or_else(cut)?;
            let path = if version == 4 {
                spelt.extend_from_slice(&data[name..name + length]);
                at = name + length + 1;
                spelt.len() - kept - length..spelt.len()
            } else {
                // One to eight zeros, up to a multiple of eight.
                at += (name + length - at) / 8 * 8 + 8;
                name..name + length
            };
            let entry = Entry {
                path,
                mode: u32::from_be_bytes([fixed[24], fixed[25], fixed[26], fixed[27]]),
                id: raw::oid(fixed[40..60].first_chunk().expect("it is 20 bytes")),
                stage: (flags >> 12 & 3) as u8,
                intended,
            };
            let names = if version == 4 { &spelt } else { &data };
            if entry.path.len() > LONGEST {
                return Err("a path is longer than any file system takes".to_owned());
            }
            sorted &= !entry.path.is_empty()
                && entries.last().is_none_or(|last| {
                    let order = names[last.path.clone()].cmp(&names[entry.path.clone()]);
                    order.then(last.stage.cmp(&entry.stage)).is_lt()
                });
            entries.push(entry);
        }
        let cached = extensions(&data, at).map_err(|name| {
            name.map_or_else(cut, |name| {
                format!("it has the extension {name:?}, which is not read (git update-index --no-split-index writes it whole)")
            })
        })?;
        if !sorted {
            return Err("its entries are not in order".to_owned());
        }
        let mut names = if version == 4 { spelt } else { Vec::new() };
        let mut trees = Vec::new();
        if let Some(cached) = cached {
            // Offsets into the names of version 4 are not those of the file.
            let base = if version == 4 { names.len() } else { cached.start };
            if version == 4 {
                names.extend_from_slice(&data[cached.clone()]);
            }
            trees = cached_trees(&data[cached], base).unwrap_or_default();
        }
        Ok(Self { entries, names: if version == 4 { names } else { data }, trees })
    }

    /// The entry's path, from the root of the work tree; a folder's ends in a slash.
    pub(super) fn path(&self, entry: &Entry) -> &[u8] {
        &self.names[entry.path.clone()]
    }

    /// The root folder, if the index keeps trees.
    pub(super) fn root(&self) -> Option<Cached> {
        (!self.trees.is_empty()).then_some(Cached(0))
    }

    /// A folder in a folder.
    pub(super) fn child(&self, folder: Cached, name: &[u8]) -> Option<Cached> {
        let mut at = folder.0 + 1;
        let end = self.trees[folder.0].end;
        while at < end {
            if &self.names[self.trees[at].name.clone()] == name {
                return Some(Cached(at));
            }
            at = self.trees[at].end;
        }
        None
    }

    /// The tree that the entries below a folder make, if the index knows it; `entries` is how many there are.
    pub(super) fn tree(&self, folder: Cached, entries: usize) -> Option<Oid> {
        self.trees[folder.0].known.filter(|(count, _)| *count == entries).map(|(_, id)| id)
    }
}

/// Reads a regular file; a FIFO or device in its place would never end.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(io::Error::other("it is no regular file, or larger than any index"));
    }
    let mut data = Vec::with_capacity(metadata.len() as usize + 1);
    file.take(LARGEST).read_to_end(&mut data)?;
    Ok(data)
}

/// A number as in pack files: seven bits a byte, the highest first, one added for each that follows.
fn offset(data: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    loop {
        let byte = *data.get(at)?;
        at += 1;
        value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
        value += 1;
    }
}

/// Walks the extensions behind the entries; gives where the cached trees stand. Fails with the name of an
/// extension without which the entries mean something else, or with none if the file is malformed.
fn extensions(data: &[u8], mut at: usize) -> Result<Option<Range<usize>>, Option<String>> {
    let end = data.len().checked_sub(20).ok_or(None)?;
    let mut trees = None;
    while at < end {
        let head = data[at..end].first_chunk::<8>().ok_or(None)?;
        let name = &head[..4];
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let inside = at + 8..(at + 8).checked_add(length).filter(|stop| *stop <= end).ok_or(None)?;
        at = inside.end;
        match name {
            b"TREE" => trees = Some(inside),
            // Some entries are whole folders, which shows in their mode.
            b"sdir" => {}
            // What begins with a capital may be passed over.
            [b'A'..=b'Z', ..] => {}
            _ => return Err(Some(String::from_utf8_lossy(name).into_owned())),
        }
    }
    if at == end { Ok(trees) } else { Err(None) }
}

/// Reads the cached trees; they save time and nothing else, so malformed ones are forgotten.
fn cached_trees(data: &[u8], base: usize) -> Option<Vec<CachedTree>> {
    let mut trees: Vec<CachedTree> = Vec::new();
    // Folders that are open: where they stand in the list, and how many children are to come.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let name = memchr(0, &data[at..])?;
        let line = at + name + 1;
        let newline = memchr(b'\n', data.get(line..)?)?;
        let mut numbers = std::str::from_utf8(&data[line..line + newline]).ok()?.split(' ');
        let count: i64 = numbers.next()?.parse().ok()?;
        let children: usize = numbers.next()?.parse().ok()?;
        let name = base + at..base + at + name;
        at = line + newline + 1;
        let mut known = None;
        if let Ok(count) = usize::try_from(count) {
            known = Some((count, raw::oid(data.get(at..)?.first_chunk()?)));
            at += 20;
        }
        if open.len() >= DEEPEST || (open.is_empty() && !trees.is_empty()) {
            return None;
        }
        trees.push(CachedTree { name, known, end: trees.len() + 1 });
        open.push((trees.len() - 1, children));
        while let Some((folder, 0)) = open.last().copied() {
            trees[folder].end = trees.len();
            open.pop();
            if let Some((_, left)) = open.last_mut() {
                *left = left.checked_sub(1)?;
            }
        }
    }
    open.is_empty().then_some(trees)
}
