//! Loose objects are inflated to their end before libgit2 sees them: it (1.9.7, `read_loose_standard`) never
//! comes back from one that is cut off.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use flate2::bufread::ZlibDecoder;
use git2::Oid;

/// The object folders of every repository that was opened, and which of their 256 parts were there.
static FOLDERS: RwLock<Vec<Folder>> = RwLock::new(Vec::new());

struct Folder {
    path: PathBuf,
    parts: [bool; 256],
}

/// Notes an object folder. In a repository that is packed no object is looked for among the loose ones.
pub(super) fn note_folder(path: &Path) {
    let mut parts = [false; 256];
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if let Some(part) = entry.file_name().to_str().filter(|name| name.len() == 2)
            && let Ok(part) = u8::from_str_radix(part, 16)
        {
            parts[usize::from(part)] = true;
        }
    }
    let mut folders = FOLDERS.write().unwrap_or_else(PoisonError::into_inner);
    folders.retain(|folder| folder.path != path);
    folders.push(Folder { path: path.to_path_buf(), parts });
}

/// Whether every loose copy of an object is whole; one that is not there is.
pub(super) fn check(id: Oid) -> Result<(), git2::Error> {
    let folders = FOLDERS.read().unwrap_or_else(PoisonError::into_inner);
    let part = id.as_bytes().first().copied().unwrap_or(0);
    let here = folders.iter().filter(|folder| folder.parts[usize::from(part)]);
    let name = id.to_string();
    for folder in here {
        if let Ok(file) = File::open(folder.path.join(&name[..2]).join(&name[2..]))
            && !is_whole(file).unwrap_or(false)
        {
            return Err(git2::Error::from_str("a loose object that is cut off or damaged"));
        }
    }
    Ok(())
}

/// Whether the stream ends as its checksum says; nothing is kept of it.
fn is_whole(file: File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut stream = ZlibDecoder::new(BufReader::new(file));
    let mut block = [0; 16 << 10];
    while stream.read(&mut block)? > 0 {}
    Ok(true)
}
