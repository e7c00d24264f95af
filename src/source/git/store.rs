//! Lists what the object folders hold: packs by their indexes, loose objects by their names.
//!
//! libgit2 can list objects too, but stops at the first damaged index, and does not say where an
//! object lies. The place matters: objects read in the order in which a pack stores them find their
//! delta bases in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::pack_kinds;
use super::raw::oid;
use super::repository::files_in;
use crate::source::{Gap, GapKind};

/// Where an object lies. Sorts in the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index into [`Listing::containers`].
    pub(super) container: u32,
    /// Offset in a pack; 0 for a loose object.
    pub(super) offset: u64,
}

/// What is known of an object's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Known(ObjectType),
    /// In a pack, but unreadable there. libgit2 looks into packs first, so that a loose copy does
    /// not help it.
    Bad(&'static str),
    /// Loose: its own header says.
    Unknown,
}

/// An object and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: Oid,
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// What the object folders hold.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Each object once, sorted by id, with its best copy.
    pub(super) objects: Vec<Listed>,
    /// The packs and folders of loose objects.
    pub(super) containers: Vec<PathBuf>,
    /// Indexes that could not be read.
    pub(super) gaps: Vec<Gap>,
    /// Some objects may be listed only where libgit2 looks: a multi-pack index.
    pub(super) ask_libgit2: bool,
}

/// Lists every object of the folders.
pub(super) fn list(object_dirs: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    for dir in object_dirs {
        listing.add_packs(&dir.join("pack"));
        listing.add_loose(dir);
    }
    listing.settle();
    listing
}

impl Listing {
    /// Adds an object that libgit2 knows of.
    pub(super) fn add(&mut self, id: Oid) {
        let place = Place { container: u32::MAX, offset: 0 };
        let kind = Kind::Unknown;
        self.objects.push(Listed { id, kind, place });
    }

    /// Sorts, and keeps the best copy of each object.
    pub(super) fn settle(&mut self) {
        self.objects.par_sort_unstable_by_key(|object| {
            let rank = match object.kind {
                Kind::Known(_) => 0,
                Kind::Bad(_) => 1,
                Kind::Unknown => 2,
            };
            (object.id, rank, object.place)
        });
        self.objects.dedup_by_key(|object| object.id);
    }

    fn container(&mut self, path: &Path) -> u32 {
        self.containers.push(path.to_path_buf());
        u32::try_from(self.containers.len() - 1).unwrap_or(u32::MAX)
    }

    fn add_packs(&mut self, dir: &Path) {
        let files = files_in(dir);
        let has_ext = |path: &Path, ext| path.extension().is_some_and(|found| found == ext);
        for path in &files {
            if has_ext(path, "idx") {
                let container = self.container(&path.with_extension("pack"));
                let read = fs::read(path).map_err(|error| (GapKind::Unreadable, error.to_string()));
                let parsed = read.and_then(|data| {
                    let error = || (GapKind::Corrupt, "damaged pack index".to_owned());
                    let trailer = data.last_chunk::<40>().map(|ids| ids[..20].to_vec());
                    index_entries(&data).zip(trailer).ok_or_else(error)
                });
                match parsed {
                    Ok((mut entries, trailer)) => {
                        entries.par_sort_unstable();
                        let pack = path.with_extension("pack");
                        let kinds = pack_kinds::kinds(&pack, &entries, &trailer);
                        let entries = entries.into_iter().zip(kinds);
                        self.objects.extend(entries.map(|((offset, id), kind)| Listed {
                            id,
                            kind: kind.map_or_else(Kind::Bad, Kind::Known),
                            place: Place { container, offset },
                        }));
                    }
                    Err((kind, message)) => self.gaps.push(Gap { what: path.display().to_string(), kind, message }),
                }
            } else if has_ext(path, "pack") && files.binary_search(&path.with_extension("idx")).is_err() {
                self.ask_libgit2 = true;
                self.gaps.push(Gap {
                    what: path.display().to_string(),
                    kind: GapKind::Unreadable,
                    message: "a pack without an index".to_owned(),
                });
            } else if path.file_name().is_some_and(|name| name == "multi-pack-index") {
                self.ask_libgit2 = true;
            }
        }
    }

    fn add_loose(&mut self, dir: &Path) {
        let container = self.container(dir);
        for folder in files_in(dir) {
            let Some(prefix) = folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if prefix.len() != 2 {
                continue;
            }
            for file in files_in(&folder) {
                let Some(rest) = file.file_name().and_then(|name| name.to_str()) else {
                    continue;
                };
                if rest.len() == 38
                    && let Ok(id) = Oid::from_str(&format!("{prefix}{rest}"))
                {
                    let offset = 0;
                    let place = Place { container, offset };
                    let kind = Kind::Unknown;
                    self.objects.push(Listed { id, kind, place });
                }
            }
        }
    }
}

/// The offsets and ids of a pack index, version 1 or 2; none if it contradicts itself.
fn index_entries(data: &[u8]) -> Option<Vec<(u64, Oid)>> {
    let second = data.starts_with(b"\xfftOc");
    let data = if second {
        if u32_at(data, 4)? != 2 {
            return None;
        }
        data.get(8..)?
    } else {
        data
    };
    let mut counts = (0..256).map(|byte| u32_at(data, byte * 4));
    let sorted = counts.clone().is_sorted();
    if !sorted || counts.any(|count| count.is_none()) {
        return None;
    }
    let count = u32_at(data, 255 * 4)? as usize;
    let data = data.get(1024..)?;
    let mut entries = Vec::new();
    if second {
        let ids = data.get(..count.checked_mul(20)?)?;
        // Between ids and offsets lie four bytes of checksum each.
        let offsets = data.get(count.checked_mul(24)?..)?;
        let large = offsets.get(count.checked_mul(4)?..)?;
        entries.reserve_exact(count);
        for (at, id) in ids.as_chunks::<20>().0.iter().enumerate() {
            let offset = u32_at(offsets, at * 4)?;
            let offset = if offset & 0x8000_0000 == 0 {
                u64::from(offset)
            } else {
                let at = (offset & 0x7fff_ffff) as usize * 8;
                u64::from_be_bytes(*large.get(at..)?.first_chunk()?)
            };
            entries.push((offset, oid(id)));
        }
    } else {
        let table = data.get(..count.checked_mul(24)?)?;
        for entry in table.as_chunks::<24>().0 {
            let id = entry.last_chunk()?;
            entries.push((u64::from(u32_at(entry, 0)?), oid(id)));
        }
    }
    Some(entries)
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*data.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(ids: &[u8], large: bool) -> Vec<u8> {
        let mut data = b"\xfftOc\0\0\0\x02".to_vec();
        for byte in 0..=255u8 {
            let count = ids.iter().filter(|&&id| id <= byte).count();
            data.extend(u32::try_from(count).unwrap().to_be_bytes());
        }
        for &id in ids {
            data.extend([id; 20]);
        }
        data.extend(vec![0; ids.len() * 4]);
        for at in 0..ids.len() {
            let at = u32::try_from(at).unwrap();
            data.extend(if large { at | 0x8000_0000 } else { at + 12 }.to_be_bytes());
        }
        if large {
            for at in 0..ids.len() as u64 {
                data.extend((at + (5 << 32)).to_be_bytes());
            }
        }
        data
    }

    #[test]
    fn an_index_gives_ids_and_offsets() {
        let read = index_entries(&index(&[1, 9], false)).unwrap();
        assert_eq!(read, [(12, oid(&[1; 20])), (13, oid(&[9; 20]))]);
        let read = index_entries(&index(&[1, 9], true)).unwrap();
        assert_eq!(read[1], (1 + (5 << 32), oid(&[9; 20])));
    }

    #[test]
    fn a_cut_index_is_refused() {
        let whole = index(&[1, 2, 9], true);
        for end in 0..whole.len() {
            assert_eq!(index_entries(&whole[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn an_index_whose_counts_fall_is_refused() {
        let mut data = index(&[1, 2, 9], false);
        data[8..12].copy_from_slice(&[0, 0, 0, 200]);
        assert_eq!(index_entries(&data), None);
    }
}
