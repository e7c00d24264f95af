//! Literals as they stand in base64.
//!
//! A literal encodes to three texts, one for each place it may take in a group of three bytes, and the
//! characters that hold nothing but its own bits are always the same.

use data_encoding::BASE64_NOPAD;

/// Characters of a group that hold bits of what stands before the literal.
pub(crate) const FOREIGN: [usize; 3] = [0, 2, 3];
/// Shorter literals encode to what stands in any base64.
const SHORTEST: usize = 4;

/// A literal as it stands in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coded {
    /// Index of its rule.
    pub(crate) rule: u32,
    /// How many bytes of its first group stand before it.
    pub(crate) shift: u8,
    /// Its bytes, decoded.
    pub(crate) len: u16,
}

/// Reports the texts of a literal in base64.
pub(super) fn anchors(rule: u32, literal: &str, mut report: impl FnMut(String, Coded)) {
    if literal.len() < SHORTEST {
        return;
    }
    for shift in 0..3u8 {
        let bytes = [&[0; 2][..usize::from(shift)], literal.as_bytes()].concat();
        let mut text = BASE64_NOPAD.encode(&bytes);
        text.truncate(bytes.len() * 8 / 6);
        text.drain(..FOREIGN[usize::from(shift)]);
        let coded = Coded { rule, shift, len: literal.len() as u16 };
        if text.contains(['+', '/']) {
            report(text.replace('+', "-").replace('/', "_"), coded);
        }
        report(text, coded);
    }
}
