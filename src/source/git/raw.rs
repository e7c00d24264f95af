//! Reads trees, commits and tags as they are stored.
//!
//! libgit2's own parsers copy every entry and apply grafts. Everything here borrows and takes the
//! object at its word; its input is hostile.

use bstr::ByteSlice as _;
use git2::Oid;
use memchr::memchr;

/// The mode of a submodule's commit.
pub(super) const MODE_COMMIT: u32 = 0o160_000;

/// The object is not what its type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What an entry of a tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A folder.
    Tree,
    /// A file, executable or not, or a symbolic link, whose target is its content.
    Blob,
    /// A submodule's commit.
    Commit,
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// What it stands for.
    pub(super) kind: EntryKind,
    /// One part of a path.
    pub(super) name: &'a [u8],
    /// The 20 bytes of the id.
    pub(super) raw_id: &'a [u8; 20],
}

impl Entry<'_> {
    /// The id.
    pub(super) fn id(&self) -> Oid {
        oid(self.raw_id)
    }
}

/// An id from its 20 bytes.
pub(super) fn oid(raw: &[u8; 20]) -> Oid {
    Oid::from_bytes(raw).unwrap_or(Oid::ZERO_SHA1)
}

/// Yields the entries of a tree, and one error where it is malformed.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

/// The entries of a tree object's content.
pub(super) fn entries(tree: &[u8]) -> Entries<'_> {
    Entries { rest: tree }
}

/// The entry at the start of `data`, and its bytes.
#[inline]
pub(super) fn first_entry(data: &[u8]) -> Option<(Entry<'_>, usize)> {
    // Modes are five or six digits, so the space is close by.
    let space = data.iter().take(8).position(|&byte| byte == b' ')?;
    let mode = &data[..space];
    let nul = memchr(0, &data[space + 1..])? + space + 1;
    let name = &data[space + 1..nul];
    let raw_id = data[nul + 1..].first_chunk::<20>()?;
    if name.is_empty() || mode.is_empty() {
        return None;
    }
    let kind = match mode {
        b"40000" | b"040000" => EntryKind::Tree,
        b"160000" => EntryKind::Commit,
        _ => EntryKind::Blob,
    };
    Some((Entry { kind, name, raw_id }, nul + 21))
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let first = first_entry(self.rest);
        self.rest = first.map_or(&[], |(_, len)| &self.rest[len..]);
        Some(first.map(|(entry, _)| entry).ok_or(Malformed))
    }
}

/// A commit.
#[derive(Debug)]
pub(super) struct RawCommit<'a> {
    /// Its tree.
    pub(super) tree: Oid,
    /// Its parents, as written: no graft, no replacement.
    pub(super) parents: Vec<Oid>,
    /// `Name <address> seconds zone`.
    pub(super) author: &'a [u8],
    /// The same of who committed it.
    pub(super) committer: &'a [u8],
    /// Everything after the headers.
    pub(super) message: &'a [u8],
}

/// Reads a commit.
pub(super) fn commit(data: &[u8]) -> Result<RawCommit<'_>, Malformed> {
    let mut commit = RawCommit { tree: Oid::ZERO_SHA1, parents: Vec::new(), author: b"", committer: b"", message: b"" };
    let mut has_tree = false;
    commit.message = headers(data, |key, value| {
        match key {
            b"tree" if !has_tree => {
                commit.tree = hex_id(value)?;
                has_tree = true;
            }
            b"parent" => commit.parents.push(hex_id(value)?),
            b"author" if commit.author.is_empty() => commit.author = value,
            b"committer" if commit.committer.is_empty() => commit.committer = value,
            _ => {}
        }
        Ok(())
    })?;
    if has_tree { Ok(commit) } else { Err(Malformed) }
}

/// An annotated tag.
#[derive(Debug)]
pub(super) struct RawTag<'a> {
    /// What it names.
    pub(super) target: Oid,
    /// Everything after the headers.
    pub(super) message: &'a [u8],
}

/// Reads an annotated tag.
pub(super) fn tag(data: &[u8]) -> Result<RawTag<'_>, Malformed> {
    let mut target = None;
    let message = headers(data, |key, value| {
        if key == b"object" && target.is_none() {
            target = Some(hex_id(value)?);
        }
        Ok(())
    })?;
    Ok(RawTag { target: target.ok_or(Malformed)?, message })
}

/// What follows the headers of a commit or tag, whatever ids they hold.
pub fn message_of(data: &[u8]) -> &[u8] {
    headers(data, |_, _| Ok(())).unwrap_or_default()
}

/// Calls `each` with every header's name and first line, and returns what follows the headers.
fn headers<'a>(
    data: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Malformed>,
) -> Result<&'a [u8], Malformed> {
    let mut rest = data;
    loop {
        if rest.is_empty() {
            return Ok(rest);
        }
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or(&[]);
        if line.is_empty() {
            return Ok(rest);
        }
        // Further lines of a header, such as a signature's, start with a space.
        if line[0] != b' ' {
            let (key, value) = line.split_once_str(" ").unwrap_or((line, b""));
            each(key, value)?;
        }
    }
}

fn hex_id(hex: &[u8]) -> Result<Oid, Malformed> {
    if hex.len() != 40 {
        return Err(Malformed);
    }
    let hex = std::str::from_utf8(hex).map_err(|_| Malformed)?;
    Oid::from_str(hex).map_err(|_| Malformed)
}

/// Name, address and seconds since 1970 of a signature line. What is not there is empty or 0.
pub(super) fn signature(line: &[u8]) -> (String, String, i64) {
    let (name, rest) = line.split_once_str("<").unwrap_or((line, b""));
    // An address may contain anything, so the last bracket closes it.
    let (email, time) = rest.rsplit_once_str(">").unwrap_or((rest, b""));
    let seconds = time
        .trim_ascii_start()
        .split(u8::is_ascii_whitespace)
        .next()
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .unwrap_or(0);
    (name.trim_ascii().to_str_lossy().into_owned(), email.trim_ascii().to_str_lossy().into_owned(), seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_ends_at_the_first_malformed_entry() {
        let mut tree = b"100644 a\0".to_vec();
        tree.extend([7; 20]);
        tree.extend(b"40000 b\0");
        tree.extend([8; 19]);
        let read: Vec<_> = entries(&tree).collect();
        assert_eq!(read.len(), 2);
        let first = read[0].unwrap();
        assert_eq!((first.kind, first.name), (EntryKind::Blob, &b"a"[..]));
        assert_eq!(first.id(), oid(&[7; 20]));
        assert_eq!(read[1].unwrap_err(), Malformed);
    }

    #[test]
    fn no_cut_of_a_tree_panics() {
        let mut tree = b"40000 folder\0".to_vec();
        tree.extend([7; 20]);
        for end in 0..tree.len() {
            assert_eq!(entries(&tree[..end]).filter_map(Result::ok).count(), 0);
        }
        assert_eq!(entries(&tree).filter_map(Result::ok).count(), 1);
    }

    #[test]
    fn a_signature_header_is_not_taken_for_a_parent() {
        let id = "1".repeat(40);
        let text = format!(
            "tree {id}\nparent {id}\nauthor A <a@b> 5 +0000\ncommitter C <c@d> 6 +0000\n\
             gpgsig -----BEGIN\n parent {id}\n\nparent of the message\n"
        );
        let commit = commit(text.as_bytes()).unwrap();
        assert_eq!(commit.parents.len(), 1);
        assert_eq!(commit.message, b"parent of the message\n");
        assert_eq!(signature(commit.committer).2, 6);
    }

    #[test]
    fn a_signature_keeps_what_it_can() {
        assert_eq!(signature(b"A > B <a<b>@c> 12 +0100"), ("A > B".into(), "a<b>@c".into(), 12));
        assert_eq!(signature(b"nobody"), ("nobody".into(), String::new(), 0));
    }

    #[test]
    fn a_commit_without_a_tree_is_malformed() {
        assert!(commit(b"author A <a@b> 5 +0000\n\nx").is_err());
        assert!(tag(b"type commit\n\nx").is_err());
    }
}
