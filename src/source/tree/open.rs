//! Opens regular files and nothing else.

use std::{
    cell::Cell,
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use super::WHOLE;

pub(super) enum Opened {
    /// The whole content.
    Whole(Vec<u8>),
    /// Too large to hold.
    Large(File),
    /// Something else took the file's place since the folder was listed.
    NotRegular,
}

/// Opens without following a link at the end of the path and without waiting for a FIFO's writer,
/// and looks at what was opened, not at what was listed.
pub(super) fn regular(path: &Path) -> io::Result<Opened> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = match options.open(path) {
        // ELOOP: it became a link; ENXIO: a socket or a FIFO.
        #[cfg(unix)]
        Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => return Ok(Opened::NotRegular),
        other => other?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Opened::NotRegular);
    }
    if metadata.len() > WHOLE {
        return Ok(Opened::Large(file));
    }
    let bytes = read(&file, metadata.len() as usize)?;
    if bytes.len() as u64 > WHOLE {
        use io::Seek as _;
        give_back(bytes);
        let mut file = file;
        file.rewind()?;
        return Ok(Opened::Large(file));
    }
    Ok(Opened::Whole(bytes))
}

thread_local! {
    /// The memory of the file before: fresh pages cost more than reading into these.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes the bytes of a file that has been scanned: the next one that this thread opens is read into their memory.
pub fn give_back(bytes: Vec<u8>) {
    if bytes.capacity() as u64 <= 2 * WHOLE {
        SPARE.set(bytes);
    }
}

/// A file's content, but not much more than [`WHOLE`]. One in `/proc` or one that grows may hold more than it said,
/// one that is cut less.
fn read(file: &File, said: usize) -> io::Result<Vec<u8>> {
    let mut bytes = SPARE.take();
    bytes.clear();
    if bytes.capacity() <= said {
        bytes = Vec::with_capacity((said + 1).next_power_of_two().max(64 << 10));
    }
    loop {
        let count = fill(file, &mut bytes)?;
        // A read that stops where the file should end, with room behind it, has seen the end.
        if count == 0 || (count == said && bytes.len() == said) || bytes.len() as u64 > WHOLE {
            return Ok(bytes);
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve(64 << 10);
        }
    }
}

/// Reads once, behind what is there.
#[cfg(unix)]
fn fill(file: &File, bytes: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(bytes)) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Reads what there is, behind what is there.
#[cfg(not(unix))]
fn fill(file: &File, bytes: &mut Vec<u8>) -> io::Result<usize> {
    use io::Read as _;
    file.take(WHOLE + 1 - (bytes.len() as u64).min(WHOLE)).read_to_end(bytes)
}

/// The operating system's words without its error number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn whole(path: &Path) -> Vec<u8> {
        match regular(path).expect("it can be read") {
            Opened::Whole(bytes) => bytes,
            Opened::Large(_) | Opened::NotRegular => panic!("{} is small and regular", path.display()),
        }
    }

    #[test]
    fn the_memory_of_one_file_brings_nothing_into_the_next() {
        let folder = tempfile::tempdir().expect("there is room");
        for (at, length) in [200_000, 10, 0, 65_536, 65_535, 1 << 20, 7].into_iter().enumerate() {
            let path = folder.path().join(at.to_string());
            let text = vec![b'a' + at as u8; length];
            std::fs::write(&path, &text).expect("there is room");
            let bytes = whole(&path);
            assert!(bytes == text, "{length} bytes");
            give_back(bytes);
        }
    }

    #[test]
    fn a_file_that_changed_its_size_is_read_to_its_end() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; 100_000]).expect("there is room");
        for said in [0, 1, 99_999, 100_000, 100_001, 300_000] {
            let bytes = read(&File::open(&path).expect("it is there"), said).expect("it can be read");
            assert_eq!(bytes.len(), 100_000, "it said {said}");
            give_back(bytes);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_says_it_is_empty_is_read() {
        assert!(whole(Path::new("/proc/self/status")).starts_with(b"Name:"));
    }
}
