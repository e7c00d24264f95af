//! A secret is a type that cannot print itself.

use std::fmt;

/// Bytes that must not reach a log or a report by accident. `Debug` prints the length only;
/// [`Secret::masked`] keeps a hint for the eye; [`Secret::reveal`] is called only where the user
/// asked for `--show-secrets` and where fingerprints are made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A mask that shows which kind of value it is and not the value: the public prefix of a token
    /// (up to its last `_` or `-` within the first dozen bytes) or at most one sixth of a long
    /// value, and never more than four characters at the end.
    pub fn masked(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.0).into_owned();
        let first = text.lines().next().unwrap_or("");
        if first.starts_with("-----BEGIN") {
            return format!("{}…", first.trim_end());
        }
        let length = text.chars().count();
        if length < 16 || !text.is_ascii() {
            return "*".repeat(length.clamp(4, 12));
        }
        let head = &text[..12.min(length / 3)];
        let prefix = head.rfind(['_', '-', '.']).map_or(0, |at| at + 1);
        let keep = if prefix >= 3 { prefix } else { (length / 12).min(4) };
        let tail = if length >= 32 { (length / 12).min(4) } else { 0 };
        let clean = |part: &str| part.chars().map(|c| if c.is_ascii_graphic() { c } else { '*' }).collect::<String>();
        format!("{}{}{}", clean(&text[..keep]), "*".repeat(8), clean(&text[length - tail..]))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_prints_a_byte_of_it() {
        assert_eq!(format!("{:?}", Secret::new(*b"hunter2-hunter2-hunter2")), "Secret(23 bytes)");
    }

    #[test]
    fn a_mask_keeps_the_public_prefix_and_little_else() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        assert_eq!(Secret::new(token.into_bytes()).masked(), "ghp_********1B2");
        assert_eq!(Secret::new(*b"hunter2").masked(), "*******");
        assert_eq!(
            Secret::new(*b"sixteen-letters!").masked(),
            "*********".get(..8).map_or(String::new(), |s| format!("s{s}"))
        );
    }
}
