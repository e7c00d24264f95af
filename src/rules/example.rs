//! Examples are templates, so that no line of the repository looks like a live key.
//!
//! `docs/rules-format.md` lists the placeholders. Text outside a known placeholder stays as it is.

use data_encoding::{BASE64, BASE64URL_NOPAD};

use super::checksum::{BASE62, base36, crc32_base62, marvin};

/// Expands a template with a generator seeded by `seed` (the rule's id), the same on every machine.
pub fn expand(template: &str, seed: &str) -> String {
    let mut random = Random::seeded(&format!("{seed}\0{template}"));
    Expander { random: &mut random, depth: 0 }.expand(template)
}

/// A small deterministic generator (SplitMix64; Steele, Lea, Flood 2014). Not for secrets.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: &str) -> Self {
        let hash = blake3::hash(seed.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Self(u64::from_le_bytes(first))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    fn from(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }
}

struct Expander<'a> {
    random: &'a mut Random,
    depth: usize,
}

/// base64 in base64 grows by a third each time; nobody needs more than this of it.
const DEEPEST: usize = 4;

impl Expander<'_> {
    fn expand(&mut self, template: &str) -> String {
        let mut out = String::new();
        // What the placeholder right before produced: a checksum covers it.
        let mut last = String::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            out += &rest[..open];
            if open > 0 {
                last.clear();
            }
            let inner = &rest[open + 1..];
            let Some(close) = balanced(inner) else {
                break;
            };
            match self.placeholder(&inner[..close], &last) {
                Some(text) => {
                    out += &text;
                    last = text;
                    rest = &inner[close + 1..];
                }
                None => {
                    out.push('{');
                    last.clear();
                    rest = inner;
                }
            }
        }
        out += rest;
        out
    }

    fn placeholder(&mut self, body: &str, last: &str) -> Option<String> {
        let (name, argument) = body.split_once(':').unwrap_or((body, ""));
        let count = || argument.parse::<usize>().ok().filter(|count| *count <= 65_536);
        let mut of = |alphabet: &[u8]| Some(self.random.from(alphabet, count()?));
        match name {
            "base62" => {
                // A body of one class would fail the checks of real rules one time in a million:
                // make every class occur.
                let mut text = of(BASE62)?.into_bytes();
                if text.len() >= 8 {
                    for (at, class) in [&BASE62[..10], &BASE62[10..36], &BASE62[36..]].into_iter().enumerate() {
                        let put = 1 + at * 2;
                        text[put] = class[usize::from(text[put]) % class.len()];
                    }
                }
                String::from_utf8(text).ok()
            }
            "base64" => of(&[BASE62, b"+/"].concat()),
            "base64url" => of(&[BASE62, b"_-"].concat()),
            "hex" => of(b"0123456789abcdef"),
            "HEX" => of(b"0123456789ABCDEF"),
            "digits" => of(b"0123456789"),
            "upper" => of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            "lower" => of(b"abcdefghijklmnopqrstuvwxyz"),
            "alnum-lower" => of(b"0123456789abcdefghijklmnopqrstuvwxyz"),
            "alnum-upper" => of(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            "base32" => of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            "base58" => of(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
            "uuid" if argument.is_empty() => {
                let hex = self.random.from(b"0123456789abcdef", 32);
                Some(format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]))
            }
            "crc32-base62" if argument.is_empty() => Some(crc32_base62(last.as_bytes())),
            "b64" | "b64url" if self.depth < DEEPEST => {
                self.depth += 1;
                let text = self.expand(argument);
                self.depth -= 1;
                let encoding = if name == "b64" { BASE64 } else { BASE64URL_NOPAD };
                Some(encoding.encode(text.as_bytes()))
            }
            "pem" => Some(self.pem(argument, "\n")),
            "pem-escaped" => Some(self.pem(argument, "\\n")),
            "openssh" if argument.is_empty() => Some(self.openssh()),
            "azure-storage" if argument.is_empty() => Some(self.azure_storage()),
            "entra-secret" if argument.is_empty() => {
                let mut body = self.random.from(BASE62, 3);
                body += "8Q~";
                body += &self.random.from(&[BASE62, b".-_~"].concat(), 31);
                let sum = marvin::entra(body.as_bytes());
                Some(body + &sum)
            }
            "gitlab-routable" => Some(self.gitlab_routable(argument)),
            "pypi" if argument.is_empty() => Some(self.pypi()),
            _ => None,
        }
    }

    /// A PEM block whose inside is a DER sequence of integers, as a PKCS#1 key is.
    fn pem(&mut self, label: &str, newline: &str) -> String {
        let mut body = vec![0x02, 0x01, 0x00];
        for _ in 0..4 {
            body.extend([0x02, 0x40]);
            let mut integer = self.random.bytes(64);
            integer[0] &= 0x7f;
            body.extend(integer);
        }
        let mut der = vec![0x30, 0x82];
        der.extend(u16::try_from(body.len()).expect("it is 267 bytes").to_be_bytes());
        der.extend(body);
        let mut out = format!("-----BEGIN {label}-----");
        for line in wrap(&BASE64.encode(&der), 64) {
            out += newline;
            out += line;
        }
        out + newline + &format!("-----END {label}-----")
    }

    /// An unencrypted ed25519 key (PROTOCOL.key of OpenSSH).
    fn openssh(&mut self) -> String {
        let string = |bytes: &[u8]| {
            let mut out = u32::try_from(bytes.len()).expect("parts are small").to_be_bytes().to_vec();
            out.extend(bytes);
            out
        };
        let public_half = self.random.bytes(32);
        let public = [string(b"ssh-ed25519"), string(&public_half)].concat();
        let check = self.random.bytes(4);
        let pair = [self.random.bytes(32), public_half].concat();
        let mut private = [&check[..], &check, &public, &string(&pair), &string(b"key")].concat();
        let mut pad = 1;
        while !private.len().is_multiple_of(8) {
            private.push(pad);
            pad += 1;
        }
        let whole = [
            b"openssh-key-v1\0".to_vec(),
            string(b"none"),
            string(b"none"),
            string(b""),
            1u32.to_be_bytes().to_vec(),
            string(&public),
            string(&private),
        ]
        .concat();
        let label = "OPENSSH PRIVATE KEY";
        let body = BASE64.encode(&whole);
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", wrap(&body, 70).join("\n"))
    }

    fn azure_storage(&mut self) -> String {
        let head = self.random.from(BASE62, 76) + "+AStAAAAAA==";
        let mut bytes = BASE64.decode(head.as_bytes()).expect("it is base64");
        let rest = bytes.len() - 4;
        let sum = marvin::fold(u64::from_be_bytes(*b"Default0"), &bytes[..rest]);
        bytes.truncate(rest);
        bytes.extend(sum.to_le_bytes());
        BASE64.encode(&bytes)
    }

    fn gitlab_routable(&mut self, prefix: &str) -> String {
        let mut payload = b"o:1\nu:ci".to_vec();
        payload.extend(self.random.bytes(16));
        payload.push(16);
        let body = BASE64URL_NOPAD.encode(&payload);
        let head = format!("{prefix}{body}.{}", base36(body.len() as u64, 2));
        let sum = base36(u64::from(crc32fast::hash(head.as_bytes())), 7);
        head + &sum
    }

    /// A macaroon as PyPI makes them (libmacaroons v2): location, identifier, one caveat, signature.
    fn pypi(&mut self) -> String {
        let mut bytes = vec![2];
        let mut field = |kind: u8, data: &[u8]| {
            bytes.extend([kind, u8::try_from(data.len()).expect("fields are short")]);
            bytes.extend(data);
        };
        field(1, b"pypi.org");
        field(
            2,
            format!("{:08x}-0000-4000-8000-{:012x}", self.random.next() as u32, self.random.next() >> 16).as_bytes(),
        );
        bytes.push(0);
        let mut field = |kind: u8, data: &[u8]| {
            bytes.extend([kind, u8::try_from(data.len()).expect("fields are short")]);
            bytes.extend(data);
        };
        field(2, br#"[1,["example-project"]]"#);
        bytes.extend([0, 0, 6, 32]);
        bytes.extend(self.random.bytes(32));
        format!("pypi-{}", BASE64URL_NOPAD.encode(&bytes))
    }
}

/// A placeholder is no longer than this, so that a text of opening braces costs no square of its length.
const LONGEST: usize = 4096;

/// Where the brace that closes the placeholder stands.
fn balanced(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().take(LONGEST) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn wrap(text: &str, width: usize) -> Vec<&str> {
    (0..text.len()).step_by(width).map(|at| &text[at..text.len().min(at + width)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_expand_and_other_braces_stay() {
        let text = expand("{ \"token\": \"ghp_{base62:30}{crc32-base62}\", x: ${VAR} }", "seed");
        assert!(text.starts_with("{ \"token\": \"ghp_") && text.ends_with("\", x: ${VAR} }"), "{text}");
        let body = &text[16..46];
        assert_eq!(&text[46..52], crc32_base62(body.as_bytes()));
        assert_eq!(text, expand("{ \"token\": \"ghp_{base62:30}{crc32-base62}\", x: ${VAR} }", "seed"));
        assert_ne!(expand("{hex:32}", "a"), expand("{hex:32}", "b"));
    }

    #[test]
    fn a_tower_of_encodings_does_not_grow_without_end() {
        let tower = format!("{}x{}", "{b64:".repeat(60), "}".repeat(60));
        assert!(expand(&tower, "seed").len() < 4096);
    }

    #[test]
    fn nested_placeholders_are_encoded_whole() {
        let text = expand(r#"{b64url:{"alg":"RS256","kid":"{hex:8}"}}"#, "seed");
        let inner = BASE64URL_NOPAD.decode(text.as_bytes()).expect("it is base64url");
        let inner = String::from_utf8(inner).expect("it is text");
        assert!(inner.starts_with(r#"{"alg":"RS256","kid":""#) && inner.ends_with("\"}"), "{inner}");
    }
}
