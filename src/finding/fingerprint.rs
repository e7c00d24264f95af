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

    /// The fingerprint that a text writes, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("ks1:")?;
        let is_hex = hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| Self(text.to_owned()))
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

/// A rough lower estimate of how many bits somebody who guesses has to get right: the Shannon entropy of
/// each byte, but for a small letter behind a small letter no more than in English prose, about 1.5 bits
/// (Shannon, "Prediction and Entropy of Printed English", 1951). A passphrase of four words has 28 letters
/// and not 28 times 4 bits.
fn bits(value: &[u8]) -> f64 {
    const PROSE: f64 = 1.5;
    let each = shannon(value);
    let in_words = value.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_lowercase)).count() as f64;
    each * (value.len() as f64 - in_words) + each.min(PROSE) * in_words
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
    fn what_a_dictionary_holds_has_no_plain_hash() {
        for guessable in ["Winter2024!", "correct horse battery staple", "please-let-me-into-the-database"] {
            assert_eq!(Fingerprint::of(&Secret::new(guessable.as_bytes())), None, "{guessable}");
        }
    }

    #[test]
    fn random_tokens_have_one() {
        for template in ["{base62:28}", "{hex:32}", "{base62:36}", "{base32:32}", "{hex:40}"] {
            for seed in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                let token = crate::rules::example::expand(template, seed);
                let print = Fingerprint::of(&Secret::new(token.clone().into_bytes()));
                let print = print.unwrap_or_else(|| panic!("{template} {token} has {}", bits(token.as_bytes())));
                assert_eq!(Fingerprint::parse(print.as_str()), Some(print));
            }
        }
        assert_eq!(Fingerprint::parse("ks1:0123"), None);
    }
}
