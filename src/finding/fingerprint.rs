//! Names a secret across runs without telling it.

use std::fmt;

use super::Secret;

/// Below so many bits of estimated entropy a plain hash could be reversed by trying.
const LEAST_BITS: f64 = 80.0;

/// `ks1:` and the first 128 bits of BLAKE3 over the normalised value. It does not depend on the
/// rule, so that a better rule does not resurrect what was settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a secret, or `None` if it has less than 80 bits of estimated entropy: its
    /// hash in a report would give it away.
    pub fn of(secret: &Secret) -> Option<Self> {
        let value = normalise(secret.reveal());
        if bits(&value) < LEAST_BITS {
            return None;
        }
        let hash = blake3::derive_key("keysweep fingerprint ks1 2026-11", &value);
        let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self(format!("ks1:{hex}")))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A PEM block by its base64 alone, however it is wrapped, indented or escaped; anything else as it is.
pub(crate) fn normalise(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    let Some(begin) = text.find("-----BEGIN ") else {
        return value.to_vec();
    };
    let after = &text[begin + 11..];
    let Some((_, body)) = after.split_once("-----") else {
        return value.to_vec();
    };
    let body = body.split("-----END").next().unwrap_or(body);
    let body = body.replace("\\r", "").replace("\\n", "");
    body.bytes().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')).collect()
}

/// Length times Shannon entropy: a rough lower estimate for random tokens.
fn bits(value: &[u8]) -> f64 {
    shannon(value) * value.len() as f64
}

/// Shannon entropy in bits per byte.
pub(crate) fn shannon(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_and_escaping_do_not_change_a_key() {
        let key = crate::rules::example::expand("{pem:RSA PRIVATE KEY}", "fingerprint");
        let indented = key.replace('\n', "\r\n    ");
        let escaped = key.replace('\n', "\\n");
        let of = |text: String| Fingerprint::of(&Secret::new(text.into_bytes()));
        assert!(of(key.clone()).is_some());
        assert_eq!(of(key.clone()), of(indented));
        assert_eq!(of(key), of(escaped));
    }

    #[test]
    fn a_short_password_has_no_plain_hash() {
        assert_eq!(Fingerprint::of(&Secret::new(*b"Winter2024!")), None);
    }
}
