//! Writes packs with deltas of the test's choice, which `git repack` would never make.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::source::git::ObjectId;

/// One instruction of a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// Copy so many bytes of the base from here.
    Copy(usize, usize),
    /// Insert these.
    Insert(Vec<u8>),
}

/// An object of the pack to be.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: ObjectId,
    /// What it is once its deltas are applied.
    pub(crate) bytes: Vec<u8>,
    /// The three bits of its header.
    pub(crate) kind: u8,
    /// The entry that it is an offset delta on.
    pub(crate) before: Option<usize>,
    /// What stands between the size and the stream.
    pub(crate) between: Vec<u8>,
    /// The size in the header.
    pub(crate) size: u64,
    /// The zlib stream.
    pub(crate) stream: Vec<u8>,
}

/// A pack in the making. Entries may be changed at will before it is written.
#[derive(Debug, Clone)]
pub(crate) struct PackWriter {
    pub(crate) entries: Vec<Entry>,
    /// How many objects the header says; all, if none.
    pub(crate) count: Option<u32>,
    sha256: bool,
}

/// A pack and its index as bytes, and where each entry begins.
pub(crate) struct Written {
    pub(crate) pack: Vec<u8>,
    pub(crate) index: Vec<u8>,
    pub(crate) offsets: Vec<u64>,
}

impl PackWriter {
    /// A pack of a SHA-1 repository.
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), count: None, sha256: false }
    }

    /// A pack of a SHA-256 repository.
    pub(crate) fn sha256() -> Self {
        Self { sha256: true, ..Self::new() }
    }

    /// Adds a blob as it is, and returns its number.
    pub(crate) fn blob(&mut self, bytes: &[u8]) -> usize {
        self.object(3, "blob", bytes)
    }

    /// Adds an object of another kind.
    pub(crate) fn object(&mut self, kind: u8, name: &str, bytes: &[u8]) -> usize {
        let id = self.id_of(name, bytes);
        self.add(Entry {
            id,
            bytes: bytes.to_vec(),
            kind,
            before: None,
            between: Vec::new(),
            size: bytes.len() as u64,
            stream: zlib(bytes),
        })
    }

    /// Adds a delta that names its base by offset.
    pub(crate) fn delta(&mut self, base: usize, ops: &[Op]) -> usize {
        self.delta_of("blob", base, ops)
    }

    /// The same for an object of any kind.
    pub(crate) fn delta_of(&mut self, kind: &str, base: usize, ops: &[Op]) -> usize {
        let (bytes, delta) = encode(&self.entries[base].bytes.clone(), ops);
        let id = self.id_of(kind, &bytes);
        let (size, stream) = (delta.len() as u64, zlib(&delta));
        self.add(Entry { id, bytes, kind: 6, before: Some(base), between: Vec::new(), size, stream })
    }

    /// Adds a delta that names its base by id; the base may come later or lie elsewhere.
    pub(crate) fn named_delta(&mut self, base: &[u8], ops: &[Op]) -> usize {
        self.named_delta_of("blob", base, ops)
    }

    /// The same for an object of any kind.
    pub(crate) fn named_delta_of(&mut self, kind: &str, base: &[u8], ops: &[Op]) -> usize {
        let (bytes, delta) = encode(base, ops);
        let id = self.id_of(kind, &bytes);
        let between = self.id_of(kind, base).as_bytes().to_vec();
        let (size, stream) = (delta.len() as u64, zlib(&delta));
        self.add(Entry { id, bytes, kind: 7, before: None, between, size, stream })
    }

    /// Adds an entry as it stands.
    pub(crate) fn add(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// The id of an object with this content.
    pub(crate) fn id_of(&self, kind: &str, bytes: &[u8]) -> ObjectId {
        self.hash(&[format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat())
    }

    fn hash(&self, bytes: &[u8]) -> ObjectId {
        let hash = if self.sha256 { Sha256::digest(bytes).to_vec() } else { Sha1::digest(bytes).to_vec() };
        ObjectId::from_bytes(&hash).unwrap()
    }

    /// The pack and its index, version 2.
    pub(crate) fn bytes(&self) -> Written {
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend(self.count.unwrap_or(self.entries.len() as u32).to_be_bytes());
        let (mut offsets, mut checksums) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let start = pack.len();
            offsets.push(start as u64);
            let mut size = entry.size >> 4;
            pack.push(entry.kind << 4 | (entry.size & 15) as u8 | if size > 0 { 0x80 } else { 0 });
            while size > 0 {
                pack.push((size & 0x7f) as u8 | if size > 0x7f { 0x80 } else { 0 });
                size >>= 7;
            }
            if let Some(before) = entry.before {
                pack.extend(distance(start as u64 - offsets[before]));
            }
            pack.extend(&entry.between);
            pack.extend(&entry.stream);
            checksums.push(crc32fast::hash(&pack[start..]));
        }
        let checksum = self.hash(&pack);
        pack.extend(checksum.as_bytes());

        let mut sorted: Vec<usize> = (0..self.entries.len()).collect();
        sorted.sort_by_key(|at| self.entries[*at].id);
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for byte in 0..=255u8 {
            let below = self.entries.iter().filter(|entry| entry.id.as_bytes()[0] <= byte).count();
            index.extend((below as u32).to_be_bytes());
        }
        sorted.iter().for_each(|at| index.extend(self.entries[*at].id.as_bytes()));
        sorted.iter().for_each(|at| index.extend(checksums[*at].to_be_bytes()));
        sorted.iter().for_each(|at| index.extend((offsets[*at] as u32).to_be_bytes()));
        index.extend(checksum.as_bytes());
        let checksum = self.hash(&index);
        index.extend(checksum.as_bytes());
        Written { pack, index, offsets }
    }

    /// The index in version 1.
    pub(crate) fn old_index(&self) -> Vec<u8> {
        let written = self.bytes();
        let mut sorted: Vec<usize> = (0..self.entries.len()).collect();
        sorted.sort_by_key(|at| self.entries[*at].id);
        let mut index = written.index[8..8 + 1024].to_vec();
        for at in sorted {
            index.extend((written.offsets[at] as u32).to_be_bytes());
            index.extend(self.entries[at].id.as_bytes());
        }
        let width = if self.sha256 { 32 } else { 20 };
        index.extend(&written.pack[written.pack.len() - width..]);
        let checksum = self.hash(&index);
        index.extend(checksum.as_bytes());
        index
    }

    /// Writes both into the object folder `objects` and returns the path of the pack.
    pub(crate) fn write(&self, objects: &Path, name: &str) -> PathBuf {
        let written = self.bytes();
        write(objects, name, &written.pack, &written.index)
    }
}

/// Writes a pack and its index into the object folder `objects`.
pub(crate) fn write(objects: &Path, name: &str, pack: &[u8], index: &[u8]) -> PathBuf {
    let dir = objects.join("pack");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("pack-{name}.pack"));
    fs::write(&path, pack).unwrap();
    fs::write(path.with_extension("idx"), index).unwrap();
    path
}

/// Writes a loose object.
pub(crate) fn write_loose(objects: &Path, id: &ObjectId, kind: &str, bytes: &[u8]) -> PathBuf {
    let name = id.to_string();
    let dir = objects.join(&name[..2]);
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(&name[2..]);
    let object = [format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat();
    fs::write(&path, zlib(&object)).unwrap();
    path
}

/// A delta that keeps what `old` and `new` have in common at their ends and inserts what lies between.
pub(crate) fn between(old: &[u8], new: &[u8]) -> Vec<Op> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut ops = vec![Op::Copy(0, start)];
    ops.push(Op::Insert(new[start..new.len() - end].to_vec()));
    ops.push(Op::Copy(old.len() - end, end));
    ops.retain(|op| !matches!(op, Op::Copy(_, 0)) && *op != Op::Insert(Vec::new()));
    ops
}

/// What the instructions make of `base`, and the delta.
pub(crate) fn encode(base: &[u8], ops: &[Op]) -> (Vec<u8>, Vec<u8>) {
    let (mut result, mut body) = (Vec::new(), Vec::new());
    for op in ops {
        match op {
            Op::Copy(from, len) => {
                result.extend(&base[*from..from + len]);
                let (mut from, mut left) = (*from, *len);
                while left > 0 {
                    let now = left.min(0x1_0000);
                    copy(&mut body, from, now);
                    (from, left) = (from + now, left - now);
                }
            }
            Op::Insert(bytes) => {
                result.extend(bytes);
                for piece in bytes.chunks(127) {
                    body.push(piece.len() as u8);
                    body.extend(piece);
                }
            }
        }
    }
    let mut delta = varint(base.len() as u64);
    delta.extend(varint(result.len() as u64));
    delta.extend(body);
    (result, delta)
}

fn copy(out: &mut Vec<u8>, from: usize, len: usize) {
    let at = out.len();
    let mut op = 0x80;
    out.push(op);
    // A size of 0x1_0000 is written as 0.
    let operands = (from as u64 & 0xffff_ffff) | (len as u64 & 0xffff) << 32;
    for byte in 0..7 {
        let value = (operands >> (8 * byte)) as u8;
        if value != 0 {
            op |= 1 << byte;
            out.push(value);
        }
    }
    out[at] = op;
}

/// A size as deltas write it.
pub(crate) fn varint(mut size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (size & 0x7f) as u8;
        size >>= 7;
        if size == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// A distance as offset deltas write it.
fn distance(mut distance: u64) -> Vec<u8> {
    let mut out = vec![(distance & 0x7f) as u8];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        out.push((distance & 0x7f) as u8 | 0x80);
    }
    out.reverse();
    out
}

/// A zlib stream.
pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
