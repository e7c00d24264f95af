//! Opens regular files and nothing else.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
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
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // A file in /proc or one that grows may hold more than it said; never more than the limit is taken.
    (&file).take(WHOLE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > WHOLE {
        use io::Seek as _;
        let mut file = file;
        file.rewind()?;
        return Ok(Opened::Large(file));
    }
    Ok(Opened::Whole(bytes))
}

/// The operating system's words without its error number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
