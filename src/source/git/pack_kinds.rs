//! Tells what the entries of a pack are, from their headers alone.
//!
//! libgit2 can say it too, but looks up every delta's chain anew, and follows for ever deltas whose
//! chain is a circle (1.9.7, `git_packfile_resolve_header`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use git2::{ObjectType, Oid};

/// Why a delta in a circle cannot be read.
pub(super) const CIRCLE: &str = "a delta that needs itself";

/// The headers of neighbours mostly share a block of this size.
const BLOCK: usize = 32 << 10;

/// What an entry is, as far as its header says.
#[derive(Debug, Clone, Copy)]
enum Entry {
    Known(ObjectType),
    /// A delta on the entry with this index.
    On(usize),
    Bad(&'static str),
}

/// The kind of each entry, given offsets and ids sorted by offset, or why it has none. `trailer` is
/// the checksum of the pack that its index noted: libgit2 reads no pack that ends otherwise.
pub(super) fn kinds(pack: &Path, entries: &[(u64, Oid)], trailer: &[u8]) -> Vec<Result<ObjectType, &'static str>> {
    let mut found = match read_headers(pack, entries, trailer) {
        Ok(Some(found)) => found,
        Ok(None) => vec![Entry::Bad("the pack is cut or not the index's"); entries.len()],
        Err(_) => vec![Entry::Bad("the pack cannot be opened"); entries.len()],
    };
    let mut chain = Vec::new();
    for start in 0..found.len() {
        let mut at = start;
        while let Entry::On(base) = found[at] {
            chain.push(at);
            // Whoever comes back here goes round in a circle.
            found[at] = Entry::Bad(CIRCLE);
            at = base;
        }
        let end = found[at];
        for at in chain.drain(..) {
            found[at] = end;
        }
    }
    let kind = |entry| match entry {
        Entry::Known(kind) => Ok(kind),
        Entry::Bad(why) => Err(why),
        Entry::On(_) => Err("a delta without its base"),
    };
    found.into_iter().map(kind).collect()
}

fn read_headers(pack: &Path, entries: &[(u64, Oid)], trailer: &[u8]) -> io::Result<Option<Vec<Entry>>> {
    let mut file = BufReader::with_capacity(BLOCK, File::open(pack)?);
    let mut end = Vec::new();
    if file.seek(SeekFrom::End(-20)).is_ok() {
        file.read_to_end(&mut end)?;
    }
    if end != trailer {
        return Ok(None);
    }
    file.rewind()?;
    let mut position = 0;
    let mut by_id: Option<HashMap<Oid, usize>> = None;
    let mut found = Vec::with_capacity(entries.len());
    for &(offset, _) in entries {
        let entry = read_header(&mut file, &mut position, offset);
        found.push(match entry {
            Ok(Header::Plain(kind)) => Entry::Known(kind),
            Ok(Header::Before(distance)) => offset
                .checked_sub(distance)
                .and_then(|base| entries.binary_search_by_key(&base, |&(at, _)| at).ok())
                .map_or(Entry::Bad("a delta without its base"), Entry::On),
            Ok(Header::Named(base)) => {
                let by_id = by_id.get_or_insert_with(|| {
                    let ids = entries.iter().enumerate();
                    ids.map(|(at, &(_, id))| (id, at)).collect()
                });
                let at = by_id.get(&base);
                at.map_or(Entry::Bad("a delta without its base"), |&at| Entry::On(at))
            }
            Ok(Header::Unknown) => Entry::Bad("unknown object type"),
            Err(_) => Entry::Bad("the pack ends before it"),
        });
    }
    Ok(Some(found))
}

enum Header {
    Plain(ObjectType),
    /// A delta on the entry so many bytes before.
    Before(u64),
    /// A delta on the object with this id.
    Named(Oid),
    Unknown,
}

fn read_header(file: &mut BufReader<File>, position: &mut u64, offset: u64) -> io::Result<Header> {
    let step = i64::try_from(i128::from(offset) - i128::from(*position));
    file.seek_relative(step.map_err(io::Error::other)?)?;
    *position = offset;
    let mut next = || -> io::Result<u8> {
        let byte = *file.fill_buf()?.first().ok_or(io::ErrorKind::UnexpectedEof)?;
        file.consume(1);
        *position += 1;
        Ok(byte)
    };
    let first = next()?;
    let mut byte = first;
    while byte & 0x80 != 0 {
        byte = next()?;
    }
    Ok(match first >> 4 & 7 {
        1 => Header::Plain(ObjectType::Commit),
        2 => Header::Plain(ObjectType::Tree),
        3 => Header::Plain(ObjectType::Blob),
        4 => Header::Plain(ObjectType::Tag),
        6 => {
            let mut byte = next()?;
            let mut distance = u64::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = next()?;
                distance = (distance + 1).saturating_mul(128) + u64::from(byte & 0x7f);
                if distance > u64::MAX >> 8 {
                    return Ok(Header::Unknown);
                }
            }
            // A delta on itself is none.
            if distance == 0 {
                return Ok(Header::Unknown);
            }
            Header::Before(distance)
        }
        7 => {
            let mut id = [0; 20];
            file.read_exact(&mut id)?;
            *position += 20;
            Header::Named(super::raw::oid(&id))
        }
        _ => Header::Unknown,
    })
}
