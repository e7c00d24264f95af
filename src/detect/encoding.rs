//! What kind of content a blob is: a function of its bytes alone.

use encoding_rs::{UTF_16BE, UTF_16LE};

/// What kind of content a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Text in an ASCII-compatible encoding.
    Plain,
    /// UTF-16, little-endian; read as UTF-8.
    Utf16Le,
    /// UTF-16, big-endian; read as UTF-8.
    Utf16Be,
    /// Holds a NUL in its first 8,000 bytes (git's own test): only distinctive rules are tried.
    Binary,
}

/// How many bytes decide the class.
pub(super) const HEAD: usize = 8000;

/// Classifies by the first 8,000 bytes.
pub fn classify(bytes: &[u8]) -> Class {
    let head = &bytes[..bytes.len().min(HEAD)];
    match head {
        [0xff, 0xfe, ..] => return Class::Utf16Le,
        [0xfe, 0xff, ..] => return Class::Utf16Be,
        _ => {}
    }
    if memchr::memchr(0, head).is_none() {
        return Class::Plain;
    }
    // UTF-16 without a mark: nearly every second byte is zero, always on the same side.
    let pairs = head.len() / 2;
    // Most binaries hold fewer, and that is quickly counted.
    if memchr::memchr_iter(0, head).count() * 10 < pairs * 7 {
        return Class::Binary;
    }
    let (even, odd) = zeros(head);
    if pairs >= 8 && odd * 10 >= pairs * 7 && even * 50 <= pairs {
        Class::Utf16Le
    } else if pairs >= 8 && even * 10 >= pairs * 7 && odd * 50 <= pairs {
        Class::Utf16Be
    } else {
        Class::Binary
    }
}

/// How many bytes are zero at even places and at odd ones.
fn zeros(head: &[u8]) -> (usize, usize) {
    let (mut even, mut odd) = (0, 0);
    // So few at a time that a byte holds the count: sixteen places are counted at once then.
    for block in head.chunks(2 * 255) {
        let (mut a, mut b) = (0u8, 0u8);
        let pairs = block.chunks_exact(2);
        a += u8::from(pairs.remainder() == [0]);
        for pair in pairs {
            a += u8::from(pair[0] == 0);
            b += u8::from(pair[1] == 0);
        }
        even += usize::from(a);
        odd += usize::from(b);
    }
    (even, odd)
}

/// UTF-16 as UTF-8; what is malformed becomes U+FFFD.
pub fn to_utf8(bytes: &[u8], class: Class) -> Option<Vec<u8>> {
    let encoding = match class {
        Class::Utf16Le => UTF_16LE,
        Class::Utf16Be => UTF_16BE,
        Class::Plain | Class::Binary => return None,
    };
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    Some(text.into_owned().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_counted_on_their_side() {
        for length in [0, 1, 2, 15, 509, 510, 511, 1020, 8000] {
            assert_eq!(zeros(&vec![0; length]), (length.div_ceil(2), length / 2), "{length}");
        }
        assert_eq!(zeros(&[0, 1, 0, 1, 0, 0, 1]), (3, 1));
    }

    #[test]
    fn utf16_is_known_with_and_without_a_mark() {
        let le: Vec<u8> = "password = x1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "password = x1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(classify(&le), Class::Utf16Le);
        assert_eq!(classify(&be), Class::Utf16Be);
        assert_eq!(classify(&[&[0xff, 0xfe], &le[..]].concat()), Class::Utf16Le);
        assert_eq!(to_utf8(&be, Class::Utf16Be).as_deref(), Some(&b"password = x1"[..]));
        assert_eq!(classify(b"\x7fELF\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0"), Class::Binary);
        assert_eq!(classify(b"plain"), Class::Plain);
    }
}
