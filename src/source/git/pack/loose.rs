//! Reads loose objects without trusting how they end.

use std::fs;
use std::path::{Path, PathBuf};

use git2::ObjectType;

use super::ObjectId;
use super::file::{PackFile, WINDOW, Window, plain};
use super::inflate::Inflater;
use crate::source::{Gap, GapKind};

/// A type, a space, a size of twenty digits and a NUL are shorter.
const HEADER: usize = 32;

/// What a loose object turned out to be.
pub(super) enum Loose {
    /// What was asked for: header and content, and where the content begins.
    Found(Vec<u8>, usize),
    /// An object of another kind; its content was not looked at.
    Other(ObjectType),
}

/// Reads a loose object of one kind; `room` is asked before a content of so many bytes is made.
pub(super) fn read(
    path: &Path,
    wanted: ObjectType,
    inflater: &mut Inflater,
    window: &mut Window,
    room: impl FnOnce(u64) -> bool,
) -> Result<Loose, (GapKind, String)> {
    let damaged = || (GapKind::Corrupt, "a loose object that is cut off or damaged".to_owned());
    let file = PackFile::open(path).map_err(|error| (GapKind::Unreadable, plain(&error)))?;
    window.clear();
    let start = window.get(&file, 0, WINDOW).map_err(|error| (GapKind::Unreadable, plain(&error)))?;
    let mut header = [0; HEADER];
    let got = inflater.start(start, &mut header).ok_or_else(damaged)?;
    let end = header[..got].iter().position(|byte| *byte == 0).ok_or_else(damaged)?;
    let text = str::from_utf8(&header[..end]).map_err(|_| damaged())?;
    let (kind, size) = text.split_once(' ').ok_or_else(damaged)?;
    match ObjectType::from_str(kind) {
        Some(kind) if kind == wanted => {}
        Some(kind @ (ObjectType::Blob | ObjectType::Commit | ObjectType::Tree | ObjectType::Tag)) => {
            return Ok(Loose::Other(kind));
        }
        _ => return Err((GapKind::Corrupt, "unknown object type".to_owned())),
    }
    let size: u64 = size.parse().map_err(|_| damaged())?;
    if !room(size) {
        return Err((GapKind::Limit, format!("{size} bytes, more than the limit")));
    }
    let mut bytes = vec![0; size as usize + end + 1];
    inflater.fill(&file, window, 0, file.len, &mut bytes).map_err(|_| damaged())?;
    Ok(Loose::Found(bytes, end + 1))
}

/// The gap that a folder leaves.
pub(super) fn unlisted_gap(path: &Path, message: String) -> Gap {
    Gap { what: path.display().to_string(), kind: GapKind::Unreadable, message }
}

/// Where a loose object would lie.
pub(super) fn path(objects: &Path, id: &ObjectId) -> PathBuf {
    let name = id.to_string();
    objects.join(&name[..2]).join(&name[2..])
}

/// The loose objects of a folder, sorted, and what could not be listed.
pub(super) fn list(objects: &Path) -> (Vec<ObjectId>, Vec<(PathBuf, String)>) {
    let (mut found, mut unlisted) = (Vec::new(), Vec::new());
    for part in 0..=255u8 {
        let prefix = format!("{part:02x}");
        let folder = objects.join(&prefix);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                unlisted.push((folder, plain(&error)));
                continue;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => found
                    .extend(entry.file_name().to_str().and_then(|name| ObjectId::from_hex(&format!("{prefix}{name}")))),
                Err(error) => unlisted.push((folder.clone(), plain(&error))),
            }
        }
    }
    found.sort_unstable();
    (found, unlisted)
}
