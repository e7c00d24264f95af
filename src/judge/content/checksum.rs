//! The checksums that providers publish: a wrong one dismisses, a right one makes certain.

use data_encoding::{BASE64, BASE64URL_NOPAD};

use super::structure::Proof;
use crate::{
    finding::Fact,
    judge::Reason,
    rules::{
        Checksum,
        checksum::{base36, crc32_base62, marvin},
    },
};

pub(super) fn verify(kind: Checksum, secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let right = match kind {
        Checksum::Crc32Base62 => crc32(secret),
        Checksum::GitlabRoutable => gitlab(secret, facts),
        Checksum::AzureStorage => match azure_storage(secret) {
            Some(right) => right,
            // Keys from before the signature cannot be checked.
            None => return Ok(Proof::Neutral),
        },
        Checksum::EntraSecret => entra(secret),
    };
    if right { Ok(Proof::Certain) } else { Err(Reason::BadChecksum) }
}

/// `PREFIX_` body, six checksum characters over the body.
/// <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>
fn crc32(secret: &[u8]) -> bool {
    let body = memchr::memchr(b'_', secret).map_or(secret, |at| &secret[at + 1..]);
    body.len()
        .checked_sub(6)
        .map(|at| body.split_at(at))
        .is_some_and(|(body, sum)| crc32_base62(body).as_bytes() == sum)
}

/// `PREFIX` payload `.` [version `.`] length in base36, CRC-32 in base36 over everything before it.
/// <https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>
fn gitlab(secret: &[u8], facts: &mut Vec<Fact>) -> bool {
    let Some((head, sum)) = secret.len().checked_sub(7).map(|at| secret.split_at(at)) else {
        return false;
    };
    if base36(u64::from(crc32fast::hash(head)), 7).as_bytes() != sum {
        return false;
    }
    if let Some(payload) = gitlab_payload(head) {
        for line in payload.lines() {
            let fact = match line.split_once(':') {
                Some(("o", id)) => ("organization_id", id),
                Some(("u", id)) => ("user_id", id),
                Some(("g", id)) => ("group_id", id),
                Some(("p", id)) => ("project_id", id),
                _ => continue,
            };
            if let Ok(number) = u64::from_str_radix(fact.1, 36) {
                facts.push(Fact::new(fact.0, number.to_string()));
            }
        }
    }
    true
}

fn gitlab_payload(head: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(head).ok()?;
    let first = text.split('.').next()?;
    // The payload is whatever of the first part decodes and starts with a routing key.
    first.match_indices(['-', '_']).map(|(at, _)| &first[at + 1..]).chain([first]).find_map(|part| {
        let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
        let random = usize::from(*bytes.last()?);
        let routing = bytes.get(..bytes.len().checked_sub(random + 1)?)?;
        let routing = std::str::from_utf8(routing).ok()?;
        routing.lines().all(|line| line.as_bytes().get(1) == Some(&b':')).then(|| routing.to_owned())
    })
}

/// Identifiable storage key (`+ASt`): the last four bytes are Marvin32 of the rest.
/// <https://github.com/microsoft/security-utilities>
fn azure_storage(secret: &[u8]) -> Option<bool> {
    let bytes = BASE64.decode(secret).ok()?;
    if bytes.len() != 64 || secret.get(76..80) != Some(b"+ASt") {
        return None;
    }
    let (rest, sum) = bytes.split_at(60);
    Some(marvin::fold(u64::from_be_bytes(*b"Default0"), rest).to_le_bytes() == sum)
}

fn entra(secret: &[u8]) -> bool {
    secret
        .len()
        .checked_sub(3)
        .map(|at| secret.split_at(at))
        .is_some_and(|(body, sum)| marvin::entra(body).as_bytes() == sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Self-made and vendors' vectors; put together at run time so that no line looks like a key.
    fn check(kind: Checksum, parts: &[&str]) -> Result<Proof, Reason> {
        verify(kind, parts.concat().as_bytes(), &mut Vec::new())
    }

    #[test]
    fn github_and_npm() {
        for (prefix, body) in [
            ("ghp_", "ExampleBodyForTestVectors000012CUsWq"),
            ("gho_", "ExampleBodyForTestVectors0000247gX7G"),
            ("npm_", "ExampleBodyForTestVectors000032kYIVM"),
            ("ghp_", "Pad0000000000000000000000000010U1kNf"),
            ("ghr_", "ExampleRefreshTokenBodyForTestVectors0000000000000000000000000000000000WUDvu"),
        ] {
            assert_eq!(check(Checksum::Crc32Base62, &[prefix, body]), Ok(Proof::Certain), "{prefix}");
            let wrong = body.replace('E', "F").replace("Pad", "Qad");
            assert_eq!(check(Checksum::Crc32Base62, &[prefix, &wrong]), Err(Reason::BadChecksum), "{prefix}");
        }
    }

    #[test]
    fn gitlab_routable() {
        let mut facts = Vec::new();
        let token = ["glpat", "-bzoxCnU6Y2kAAQIDBAUGBwgJCgsMDQ4PEA.0y0l4x84h"].concat();
        assert_eq!(verify(Checksum::GitlabRoutable, token.as_bytes(), &mut facts), Ok(Proof::Certain));
        assert_eq!(facts, [Fact::new("organization_id", "1"), Fact::new("user_id", "450")]);
        assert_eq!(
            check(Checksum::GitlabRoutable, &["glpat", "-YzoxCm86MQp1OmNpAAECAwQFBgcICQoLDA0ODxA.01.130ao2zeg"]),
            Ok(Proof::Certain)
        );
        assert_eq!(
            check(Checksum::GitlabRoutable, &["glpat", "-bzoxCnU6Y2kAAQIDBAUGBwgJCgsMDQ4PEB.0y0l4x84h"]),
            Err(Reason::BadChecksum)
        );
    }

    #[test]
    fn azure() {
        let key = format!("{}+AStvmNvzw==", "A".repeat(76));
        assert_eq!(check(Checksum::AzureStorage, &[&key]), Ok(Proof::Certain));
        let vendors = format!("{}+ASt5mnCaw==", "a".repeat(76));
        assert_eq!(check(Checksum::AzureStorage, &[&vendors]), Ok(Proof::Certain));
        let wrong = format!("{}+AStvmNvzg==", "A".repeat(76));
        assert_eq!(check(Checksum::AzureStorage, &[&wrong]), Err(Reason::BadChecksum));
        let unsigned = format!("{}==", "A".repeat(86));
        assert_eq!(check(Checksum::AzureStorage, &[&unsigned]), Ok(Proof::Neutral));
        assert_eq!(check(Checksum::EntraSecret, &["abc8Q", "~ExampleEntraSecretBodyVector001aup"]), Ok(Proof::Certain));
        assert_eq!(
            check(Checksum::EntraSecret, &["abc8Q", "~ExampleEntraSecretBodyVector001auq"]),
            Err(Reason::BadChecksum)
        );
    }
}
