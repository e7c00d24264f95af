//! Reads files at an offset, through a window that neighbours share.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// An open file, read at offsets by several threads. It keeps working if the file is deleted.
#[derive(Debug)]
pub(super) struct PackFile {
    file: File,
    /// Bytes when it was opened.
    pub(super) len: u64,
}

impl PackFile {
    /// Opens a regular file, without waiting for the writer of a FIFO. Links are followed, for some
    /// tools keep packs behind them.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        }
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file, len: metadata.len() })
    }

    /// Fills `buffer` from `offset` on as far as the file goes, and says how far.
    pub(super) fn read_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
        let wanted = buffer.len();
        while !buffer.is_empty() {
            match read_some(&self.file, buffer, offset) {
                Ok(0) => break,
                Ok(count) => {
                    buffer = &mut buffer[count..];
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted - buffer.len())
    }

    /// Fills all of `buffer`, or fails.
    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if self.read_at(buffer, offset)? < buffer.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// What was read last of a file. Entries that lie side by side mostly come out of one read.
#[derive(Debug)]
pub(super) struct Window {
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
    /// Bytes read at once, unless more are wanted.
    ahead: usize,
}

/// Bytes of a window.
pub(super) const WINDOW: usize = 64 << 10;

impl Window {
    /// A window for those who read on.
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; WINDOW], start: 0, filled: 0, ahead: WINDOW }
    }

    /// A window for those who jump: families lie side by side only in part.
    pub(super) fn jumping() -> Self {
        Self { ahead: 4096, ..Self::new() }
    }

    /// Forgets what was read, for another file comes next.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    /// Up to `wanted` bytes from `offset` on, at most a window; fewer only where the file ends.
    pub(super) fn get(&mut self, file: &PackFile, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let wanted = wanted.min(WINDOW);
        let inside = offset.checked_sub(self.start).filter(|&at| at <= self.filled as u64);
        let mut at = inside.map_or(usize::MAX, |at| at as usize);
        if at == usize::MAX || self.filled - at < wanted {
            self.filled = 0;
            self.start = offset;
            self.filled = file.read_at(&mut self.buffer[..wanted.max(self.ahead)], offset)?;
            at = 0;
        }
        Ok(&self.buffer[at..self.filled.min(at + wanted)])
    }
}

/// The operating system's words, or ours for a file that ends too soon.
pub(super) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too soon".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_gives_what_the_file_has() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        let bytes: Vec<u8> = (0..200_000u32).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = PackFile::open(&path).unwrap();
        let mut window = Window::new();
        for (offset, wanted) in
            [(0, 10), (5, 100), (65_530, 20), (150_000, 1), (199_990, 50), (0, 300_000), (200_000, 5)]
        {
            let end = bytes.len().min(offset + wanted.min(WINDOW));
            assert_eq!(window.get(&file, offset as u64, wanted).unwrap(), &bytes[offset..end], "{offset} {wanted}");
        }
        assert_eq!(window.get(&file, 1 << 40, 5).unwrap(), b"");
        assert!(PackFile::open(temp.path()).is_err());
    }
}
