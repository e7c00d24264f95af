//! Reads git's deltas: "copy these bytes of the base, insert those".

use std::ops::Range;

/// One stretch of bytes that a version took over from its delta base. Copies that continue each other, in
/// the base and in the result, are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Where it starts in the base.
    pub base: usize,
    /// Where it starts in the result.
    pub at: usize,
    /// How many bytes.
    pub len: usize,
}

/// How a version was made from its delta base: what lies between the copies was inserted and is fresh.
///
/// A delta in crumbs (copies of fewer than 16 bytes on average, thousands of them) has no copies here and
/// so counts as all fresh; the list would otherwise outgrow the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// In order of `at`, none empty, none overlapping in the result.
    pub copies: Vec<Copied>,
    /// Bytes in the base.
    pub base_len: usize,
    /// Bytes in the result.
    pub len: usize,
}

/// Why a delta cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It ends in the middle of an instruction or before the result is complete.
    #[error("a delta that is cut off")]
    Cut,
    /// It was made for a base of another size.
    #[error("a delta for another base")]
    OtherBase,
    /// It copies bytes that the base does not have.
    #[error("a delta that copies from beyond its base")]
    BeyondBase,
    /// It makes more bytes than it said.
    #[error("a delta that makes more than it says")]
    TooMuch,
    /// It has the instruction that git reserves.
    #[error("a delta with an unknown instruction")]
    Unknown,
    /// The result would be larger than the limit.
    #[error("a delta whose result is over the limit")]
    Limit,
}

/// So many copies are kept of any delta.
const COPIES: usize = 4096;
/// Of longer ones, one for each so many bytes of the result.
const BYTES_PER_COPY: usize = 16;

impl Edit {
    /// The ranges of the result that were inserted.
    pub fn fresh(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let ends = self.copies.iter().map(|copied| copied.at + copied.len);
        let starts = self.copies.iter().map(|copied| copied.at);
        std::iter::once(0)
            .chain(ends)
            .zip(starts.chain([self.len]))
            .map(|(end, start)| end..start)
            .filter(|r| !r.is_empty())
    }

    /// How many bytes of the result were inserted.
    pub fn fresh_len(&self) -> usize {
        self.len - self.copies.iter().map(|copied| copied.len).sum::<usize>()
    }

    fn copy(&mut self, copied: Copied) {
        if let Some(last) = self.copies.last_mut()
            && last.at + last.len == copied.at
            && last.base + last.len == copied.base
        {
            last.len += copied.len;
        } else {
            self.copies.push(copied);
        }
    }
}

/// The sizes of base and result that a delta states at its start, and the instructions behind them.
pub(super) fn sizes(delta: &[u8]) -> Result<(u64, u64, &[u8]), DeltaError> {
    let (base, rest) = size(delta)?;
    let (result, rest) = size(rest)?;
    Ok((base, result, rest))
}

fn size(delta: &[u8]) -> Result<(u64, &[u8]), DeltaError> {
    let mut size = 0;
    for (at, &byte) in delta.iter().enumerate().take(9) {
        size |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((size, &delta[at + 1..]));
        }
    }
    // Nine groups make sizes of up to eight exbibytes.
    Err(if delta.len() < 9 { DeltaError::Cut } else { DeltaError::Limit })
}

/// Applies `delta` to `base`: writes the result to `out` and how it was made to `edit`, whatever they held.
///
/// # Errors
/// A delta that is damaged, or one whose result has more than `limit` bytes; `out` and `edit` then hold
/// nothing of use. Nothing is allocated before the size has been compared with the limit.
pub fn apply(base: &[u8], delta: &[u8], limit: usize, out: &mut Vec<u8>, edit: &mut Edit) -> Result<(), DeltaError> {
    out.clear();
    edit.copies.clear();
    let (base_len, len, mut rest) = sizes(delta)?;
    if base_len != base.len() as u64 {
        return Err(DeltaError::OtherBase);
    }
    let len = usize::try_from(len).ok().filter(|len| *len <= limit).ok_or(DeltaError::Limit)?;
    (edit.base_len, edit.len) = (base.len(), len);
    out.reserve_exact(len);
    let most = COPIES.max(len / BYTES_PER_COPY);
    let mut crumbs = false;
    while let Some((&op, mut tail)) = rest.split_first() {
        if op & 0x80 != 0 {
            let mut operands = 0u64;
            for byte in 0..7 {
                if op & 1 << byte != 0 {
                    let (&value, behind) = tail.split_first().ok_or(DeltaError::Cut)?;
                    operands |= u64::from(value) << (8 * byte);
                    tail = behind;
                }
            }
            let from = (operands & 0xffff_ffff) as usize;
            let count = match (operands >> 32) as usize {
                0 => 0x1_0000,
                count => count,
            };
            let copied = base.get(from..from + count).ok_or(DeltaError::BeyondBase)?;
            if len - out.len() < count {
                return Err(DeltaError::TooMuch);
            }
            if !crumbs {
                edit.copy(Copied { base: from, at: out.len(), len: count });
                crumbs = edit.copies.len() > most;
            }
            out.extend_from_slice(copied);
        } else if op != 0 {
            let (inserted, behind) = tail.split_at_checked(usize::from(op)).ok_or(DeltaError::Cut)?;
            if len - out.len() < inserted.len() {
                return Err(DeltaError::TooMuch);
            }
            out.extend_from_slice(inserted);
            tail = behind;
        } else {
            return Err(DeltaError::Unknown);
        }
        rest = tail;
    }
    if crumbs {
        edit.copies.clear();
    }
    if out.len() == len { Ok(()) } else { Err(DeltaError::Cut) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"0123456789abcdef";

    fn run(delta: &[u8]) -> Result<(Vec<u8>, Edit), DeltaError> {
        let (mut out, mut edit) = (b"left over".to_vec(), Edit::default());
        edit.copies.push(Copied { base: 1, at: 1, len: 1 });
        apply(BASE, delta, 1 << 20, &mut out, &mut edit).map(|()| (out, edit))
    }

    #[test]
    fn copies_and_inserts_make_the_result() {
        let (out, edit) = run(b"\x10\x0b\x90\x04\x03new\x91\x0c\x04").unwrap();
        assert_eq!(out, b"0123newcdef");
        let copies = [Copied { base: 0, at: 0, len: 4 }, Copied { base: 12, at: 7, len: 4 }];
        assert_eq!(edit, Edit { copies: copies.to_vec(), base_len: 16, len: 11 });
        assert!(edit.fresh().eq(std::iter::once(4..7)));
        assert_eq!(edit.fresh_len(), 3);
    }

    #[test]
    fn copies_that_continue_each_other_are_one() {
        let (out, edit) = run(b"\x10\x0c\x90\x04\x91\x04\x04\x91\x09\x04").unwrap();
        assert_eq!(out, b"012345679abc");
        assert_eq!(edit.copies, [Copied { base: 0, at: 0, len: 8 }, Copied { base: 9, at: 8, len: 4 }]);
        // The same bytes with an insert between them are two.
        let (_, edit) = run(b"\x10\x09\x90\x04\x01x\x91\x04\x04").unwrap();
        assert_eq!(edit.copies.len(), 2);
    }

    #[test]
    fn a_copy_of_size_0_is_one_of_65536() {
        let base = vec![7; 70_000];
        // Base 70,000, result 65,536.
        let delta = b"\xf0\xa2\x04\x80\x80\x04\x80";
        let (mut out, mut edit) = (Vec::new(), Edit::default());
        apply(&base, delta, 1 << 20, &mut out, &mut edit).unwrap();
        assert_eq!(out.len(), 65_536);
        assert_eq!(edit.copies, [Copied { base: 0, at: 0, len: 65_536 }]);
    }

    #[test]
    fn an_empty_result_is_one() {
        assert_eq!(run(b"\x10\x00").unwrap().0, b"");
    }

    #[test]
    fn damage_is_an_error() {
        let cases: [(&[u8], DeltaError); 12] = [
            (b"", DeltaError::Cut),
            (b"\x90", DeltaError::Cut),
            (b"\x10", DeltaError::Cut),
            (b"\x0f\x01\x01x", DeltaError::OtherBase),
            (b"\x10\x04\x91\x0d\x04", DeltaError::BeyondBase),
            (b"\x10\x04\x9f\xff\xff\xff\xff\x04", DeltaError::BeyondBase),
            (b"\x10\x04\x90\x05", DeltaError::TooMuch),
            (b"\x10\x01\x02xy", DeltaError::TooMuch),
            (b"\x10\x04\x04xyz", DeltaError::Cut),
            (b"\x10\x04\x90\x03", DeltaError::Cut),
            (b"\x10\x04\x00", DeltaError::Unknown),
            (b"\x10\x81\x80\x80\x01", DeltaError::Limit),
        ];
        for (delta, error) in cases {
            assert_eq!(run(delta).unwrap_err(), error, "{delta:x?}");
        }
        assert_eq!(run(&[0xff; 40]).unwrap_err(), DeltaError::Limit);
    }

    #[test]
    fn nothing_is_allocated_over_the_limit() {
        let (mut out, mut edit) = (Vec::new(), Edit::default());
        let delta = b"\x10\xff\xff\xff\xff\xff\xff\xff\x7f";
        assert_eq!(apply(BASE, delta, 1 << 20, &mut out, &mut edit), Err(DeltaError::Limit));
        assert_eq!(out.capacity(), 0);
    }

    #[test]
    fn a_delta_in_crumbs_counts_as_fresh() {
        // 10,000 copies of one byte, none of which continues the one before.
        let mut delta = b"\x10\x90\x4e".to_vec();
        (0..10_000).for_each(|_| delta.extend(b"\x91\x03\x01"));
        let (out, edit) = run(&delta).unwrap();
        assert_eq!(out, [b'3'; 10_000]);
        assert_eq!(edit.copies, []);
        assert_eq!(edit.fresh_len(), 10_000);
    }
}
