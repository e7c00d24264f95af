//! Secrets that parse: what they must look like inside, and what they say of themselves.

use data_encoding::{BASE32, BASE64, BASE64_NOPAD, BASE64URL_NOPAD};
use serde_json::Value;

use super::placeholder;
use crate::{
    finding::{Fact, normalise},
    judge::Reason,
    rules::Structure,
};

/// What a check proved.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// Nothing against it.
    Neutral,
    /// It is what it claims to be.
    Certain,
    /// It is, but matters less; the sentence says why.
    Weaker(String),
}

pub(super) fn parse(
    kind: Structure,
    secret: &[u8],
    matched: &[u8],
    now: i64,
    facts: &mut Vec<Fact>,
    remarks: &mut Vec<String>,
) -> Result<Proof, Reason> {
    match kind {
        Structure::Jwt => jwt(secret, now, facts, remarks),
        Structure::PemPrivateKey => pem(secret, facts),
        Structure::OpensshPrivateKey => openssh(secret, facts),
        Structure::DockerAuth => docker_auth(secret, facts),
        Structure::PypiMacaroon => pypi(secret, facts),
        Structure::Password => password(secret),
        Structure::UrlPassword => url_password(secret, matched),
        Structure::Base64Pem => base64_pem(secret, facts),
        Structure::AwsKeyId => aws_key_id(secret, facts),
    }
}

/// RFC 7519, RFC 7515: header and payload are JSON objects, the header names an algorithm.
fn jwt(secret: &[u8], now: i64, facts: &mut Vec<Fact>, remarks: &mut Vec<String>) -> Result<Proof, Reason> {
    let bad = Reason::BadStructure;
    let mut parts = secret.split(|byte| *byte == b'.');
    let mut object = |what| {
        let part = parts.next().ok_or(bad(what))?;
        let bytes = BASE64URL_NOPAD.decode(trim_padding(part)).map_err(|_| bad(what))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(bad(what)),
        }
    };
    let header = object("the header is no JSON object")?;
    let algorithm = header.get("alg").and_then(Value::as_str).ok_or(bad("the header names no algorithm"))?;
    facts.push(Fact::new("algorithm", clean(algorithm)));
    if header.contains_key("enc") {
        // JWE: the payload is encrypted.
        return Ok(Proof::Neutral);
    }
    let claims = object("the payload is no JSON object")?;
    let text = |name: &str| match claims.get(name) {
        Some(Value::String(text)) => Some(clean(text)),
        Some(Value::Array(items)) => {
            Some(items.iter().filter_map(Value::as_str).map(clean).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    };
    for (claim, fact) in
        [("iss", "issuer"), ("sub", "account"), ("aud", "audience"), ("scope", "scopes"), ("scp", "scopes")]
    {
        facts.extend(text(claim).filter(|text| !text.is_empty()).map(|text| Fact::new(fact, text)));
    }
    if algorithm.eq_ignore_ascii_case("none") {
        return Ok(Proof::Weaker("the token is not signed (alg: none)".to_owned()));
    }
    if is_well_known_jwt(secret) {
        return Err(Reason::DocumentationExample);
    }
    match claims.get("exp").and_then(Value::as_f64) {
        Some(expires) => {
            let when = date(expires as i64);
            facts.push(Fact::new("expires", when.clone()));
            if (expires as i64) < now {
                return Ok(Proof::Weaker(format!("the token expired on {when}")));
            }
        }
        None => {
            facts.push(Fact::new("expires", "never"));
            remarks.push("the token has no expiry".to_owned());
        }
    }
    Ok(Proof::Neutral)
}

/// The token of jwt.io and its copies: subject 1234567890, John Doe.
fn is_well_known_jwt(secret: &[u8]) -> bool {
    secret.split(|byte| *byte == b'.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part).ok()).is_some_and(
        |payload| {
            memchr::memmem::find(&payload, b"\"1234567890\"").is_some()
                && memchr::memmem::find(&payload, b"John Doe").is_some()
        },
    )
}

/// RFC 7468: base64 of a DER sequence (PKCS#1, PKCS#8, SEC 1), or encrypted.
fn pem(secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let text = String::from_utf8_lossy(secret);
    let label = text.split("-----BEGIN ").nth(1).and_then(|rest| rest.split("-----").next()).unwrap_or("");
    if !label.is_empty() {
        facts.push(Fact::new("key_type", clean(label)));
    }
    let legacy_encryption = text.contains("Proc-Type: 4,ENCRYPTED") || text.contains("DEK-Info:");
    if legacy_encryption || label.starts_with("ENCRYPTED") {
        facts.push(Fact::new("encrypted", "with a passphrase"));
        return Ok(Proof::Weaker("the key is protected by a passphrase, which can be guessed offline".to_owned()));
    }
    if label.contains("PGP") {
        return Ok(Proof::Neutral);
    }
    let body = normalise(secret);
    if placeholder::is_monotone(&body) {
        return Err(Reason::Placeholder("one character over and over"));
    }
    let der = decode(&body).ok_or(Reason::BadStructure("the inside is not base64"))?;
    if label.contains("OPENSSH") {
        return openssh_blob(&der, facts);
    }
    match der_sequence(&der) {
        Some(length) => {
            facts.push(Fact::new("key_bytes", length.to_string()));
            Ok(Proof::Certain)
        }
        None => Err(Reason::BadStructure("the inside is no DER sequence")),
    }
}

/// The length of the outermost DER sequence if it fits the bytes.
fn der_sequence(der: &[u8]) -> Option<usize> {
    let (length, header) = match der {
        [0x30, length @ 0..=0x7f, ..] => (usize::from(*length), 2),
        [0x30, 0x81, length, ..] => (usize::from(*length), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(*high) << 8 | usize::from(*low), 4),
        _ => return None,
    };
    // Some tools pad; a truncated key is no key.
    (length >= 16 && header + length <= der.len() && der.len() <= header + length + 16).then_some(length)
}

/// PROTOCOL.key of OpenSSH: the magic, cipher, and for an open key the same check number twice.
fn openssh(secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let blob = decode(&normalise(secret)).ok_or(Reason::BadStructure("the inside is not base64"))?;
    openssh_blob(&blob, facts)
}

fn openssh_blob(blob: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let bad = Reason::BadStructure("it is no openssh-key-v1");
    let rest = blob.strip_prefix(b"openssh-key-v1\0").ok_or(bad.clone())?;
    let (cipher, rest) = ssh_string(rest).ok_or(bad.clone())?;
    let (_kdf, rest) = ssh_string(rest).ok_or(bad.clone())?;
    let (_options, rest) = ssh_string(rest).ok_or(bad.clone())?;
    let (_count, rest) = rest.split_first_chunk::<4>().ok_or(bad.clone())?;
    let (public, rest) = ssh_string(rest).ok_or(bad.clone())?;
    let (private, _) = ssh_string(rest).ok_or(bad.clone())?;
    if let Some((kind, _)) = ssh_string(public) {
        facts.push(Fact::new("key_type", clean(&String::from_utf8_lossy(kind))));
    }
    if cipher != b"none" {
        facts.push(Fact::new("encrypted", format!("with a passphrase ({})", clean(&String::from_utf8_lossy(cipher)))));
        return Ok(Proof::Weaker("the key is protected by a passphrase, which can be guessed offline".to_owned()));
    }
    match private {
        [a, b, c, d, e, f, g, h, ..] if [a, b, c, d] == [e, f, g, h] => Ok(Proof::Certain),
        _ => Err(bad),
    }
}

fn ssh_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// `auths.HOST.auth` of Docker's config.json: base64 of `user:password`.
/// <https://docs.docker.com/reference/cli/docker/login/>
fn docker_auth(secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let bad = Reason::BadStructure("it is not base64 of user:password");
    let bytes =
        BASE64.decode(secret).or_else(|_| BASE64_NOPAD.decode(trim_padding(secret))).map_err(|_| bad.clone())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| bad.clone())?;
    let (user, password) = text.trim_end().split_once(':').ok_or(bad.clone())?;
    if user.is_empty() || password.is_empty() || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(bad);
    }
    if let Some(reason) = placeholder::find(password.as_bytes(), true) {
        return Err(reason);
    }
    facts.push(Fact::new("user", clean(user)));
    Ok(Proof::Certain)
}

/// libmacaroons v2 with location pypi.org or test.pypi.org; its caveats limit it.
/// <https://docs.pypi.org/api/secrets/>, <https://pypitoken.readthedocs.io>
fn pypi(secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let bad = Reason::BadStructure("it is no macaroon");
    let body = secret.strip_prefix(b"pypi-").unwrap_or(secret);
    let bytes = BASE64URL_NOPAD.decode(trim_padding(body)).map_err(|_| bad.clone())?;
    let mut rest = bytes.strip_prefix(&[2]).ok_or(bad.clone())?;
    let (mut limited, mut signed) = (false, false);
    while let Some((&kind, tail)) = rest.split_first() {
        if kind == 0 {
            rest = tail;
            continue;
        }
        let (length, tail) = varint(tail).ok_or(bad.clone())?;
        let (data, tail) = tail.split_at_checked(length).ok_or(bad.clone())?;
        rest = tail;
        let text = String::from_utf8_lossy(data);
        match kind {
            1 => facts.push(Fact::new("host", clean(&text))),
            2 if text.starts_with('[') || text.starts_with('{') => {
                limited |= text.contains("projects") || text.starts_with("[1,") || text.starts_with("[2,");
                facts.push(Fact::new("scopes", clean(&text)));
            }
            6 => signed = data.len() == 32,
            _ => {}
        }
    }
    if !signed {
        return Err(bad);
    }
    if !limited {
        facts.push(Fact::new("scopes", "the whole account: no caveat limits it to a project"));
    }
    Ok(Proof::Certain)
}

fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// A password of any form, known by its place.
fn password(secret: &[u8]) -> Result<Proof, Reason> {
    match placeholder::find(secret, true) {
        Some(reason) => Err(reason),
        None if is_expression(secret) => Err(Reason::LooksLike("an expression")),
        None if is_name_of_one(secret) => Ok(Proof::Weaker("it reads as the name of a password".to_owned())),
        None if placeholder::is_weak_password(secret) => Ok(common_word()),
        None => Ok(Proof::Neutral),
    }
}

/// `self.password`, `entry.data[KEY],`, `params.get(`, `psk,`: an argument of a call.
fn is_expression(secret: &[u8]) -> bool {
    let name = |text: &[u8]| {
        text.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && text.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'))
    };
    let bare = secret.strip_suffix(b",").unwrap_or(secret);
    let head = bare.split(|byte| matches!(byte, b'(' | b'[')).next().unwrap_or(bare);
    [&b"self."[..], b"this.", b"(this.", b"(self."].iter().any(|start| secret.starts_with(start))
        || (head.len() < bare.len() && name(head))
        || (bare.len() < secret.len() && name(bare))
}

/// `oplog_reader_password`, `my_super_secret_admin_password`.
fn is_name_of_one(secret: &[u8]) -> bool {
    secret.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        && [&b"_password"[..], b"_passwd", b"_secret", b"_passphrase"].iter().any(|end| secret.ends_with(end))
}

fn common_word() -> Proof {
    Proof::Weaker("the password is a common word".to_owned())
}

/// The password of a URL: percent-decoded, it must not be a placeholder; one for this very machine
/// or an example domain matters less.
fn url_password(secret: &[u8], matched: &[u8]) -> Result<Proof, Reason> {
    let decoded = percent_decode(secret);
    if let Some(reason) = placeholder::find(&decoded, true) {
        return Err(reason);
    }
    let host = matched.rsplit(|byte| *byte == b'@').next().unwrap_or(b"");
    let host = String::from_utf8_lossy(host).to_lowercase();
    let host = host.split(['/', ':', '?', ',']).next().unwrap_or("");
    let user = matched.splitn(2, |byte| *byte == b'@').next().unwrap_or(b"");
    let user = user.rsplit(|byte| *byte == b'/').next().unwrap_or(user);
    let user = user.split(|byte| *byte == b':').next().unwrap_or(user);
    if placeholder::is_example_host(host) {
        return Err(Reason::Placeholder("an example host"));
    }
    if placeholder::is_local_host(host) && placeholder::is_weak_password(&decoded) {
        return Err(Reason::Placeholder("a common word for a service on this machine"));
    }
    if user.eq_ignore_ascii_case(&decoded) {
        return Ok(Proof::Weaker("user and password are the same word".to_owned()));
    }
    if placeholder::is_local_host(host) {
        return Ok(Proof::Weaker(format!("the host is {}, this machine or a container beside it", clean(host))));
    }
    if placeholder::is_weak_password(&decoded) {
        return Ok(common_word());
    }
    Ok(Proof::Neutral)
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let hex = (text[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// base64 around a PEM private key, as in `client-key-data` of a kubeconfig.
fn base64_pem(secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    let bytes = decode(secret).ok_or(Reason::BadStructure("it is not base64"))?;
    if memchr::memmem::find(&bytes, b"PRIVATE KEY-----").is_none() {
        return Err(Reason::BadStructure("the inside is no private key"));
    }
    pem(&bytes, facts)
}

/// Newer key ids hold the account: strip four characters, base32, 39 bits from the second on.
/// <https://awsteele.com/blog/2020/09/26/aws-access-key-format.html>
fn aws_key_id(secret: &[u8], facts: &mut Vec<Fact>) -> Result<Proof, Reason> {
    if secret.ends_with(b"EXAMPLE") {
        return Err(Reason::DocumentationExample);
    }
    facts.push(Fact::new("key_id", clean(&String::from_utf8_lossy(secret))));
    let is_newer = secret.get(4).is_some_and(|byte| matches!(byte, b'Q'..=b'Z' | b'2'..=b'7'));
    if let Some(bytes) = secret.get(4..20).filter(|_| is_newer).and_then(|body| BASE32.decode(body).ok()) {
        let number = bytes[..6].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        facts.push(Fact::new("account", format!("{:012}", (number & 0x7fff_ffff_ff80) >> 7)));
    }
    if secret.starts_with(b"ASIA") {
        facts.push(Fact::new("lifetime", "temporary: it expires with its session"));
    }
    Ok(Proof::Neutral)
}

fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let compact: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64_NOPAD.decode(trim_padding(&compact)).ok()
}

fn trim_padding(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
    &text[..end]
}

fn clean(text: &str) -> String {
    let text = crate::finding::neutralise(text);
    if text.chars().count() > 200 { text.chars().take(199).chain(['…']).collect() } else { text }
}

/// `2026-11-23` in UTC.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "an impossible date".to_owned(),
        |time| time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_of_a_call_is_no_password() {
        for code in ["self._password", "entry.data[CONF_KEY],", "params.get(", "dict(no_log=True),", "noise_psk,"] {
            assert_eq!(password(code.as_bytes()), Err(Reason::LooksLike("an expression")), "{code}");
        }
        for real in ["Tr0ub4dor(3)", "winter,2024,", "k9,Lm(2xQ", "correct.horse"] {
            assert_eq!(password(real.as_bytes()), Ok(Proof::Neutral), "{real}");
        }
        assert!(matches!(password(b"oplog_reader_password"), Ok(Proof::Weaker(_))));
        assert!(matches!(password(b"postgres"), Ok(Proof::Weaker(_))));
    }
    use crate::rules::example::expand;

    fn facts_of(kind: Structure, secret: &str) -> (Result<Proof, Reason>, Vec<(String, String)>) {
        let mut facts = Vec::new();
        let proof = parse(kind, secret.as_bytes(), secret.as_bytes(), 1_795_000_000, &mut facts, &mut Vec::new());
        (proof, facts.into_iter().map(|fact| (fact.name.into_owned(), fact.value)).collect())
    }

    #[test]
    fn the_account_is_read_off_newer_key_ids_only() {
        // Public examples of the page that found the encoding.
        let (_, facts) = facts_of(Structure::AwsKeyId, &["ASIAY34FZKB", "OKMUTVV7A"].concat());
        assert!(facts.contains(&("account".into(), "609629065308".into())), "{facts:?}");
        let (_, facts) = facts_of(Structure::AwsKeyId, &["AKIARZPUZDIK", "AAAACAQD"].concat());
        assert!(facts.contains(&("account".into(), "123456789012".into())), "{facts:?}");
        let (_, facts) = facts_of(Structure::AwsKeyId, &["AKIAIOSFODNN", "7ABCDEFG"].concat());
        assert!(facts.iter().all(|(name, _)| name != "account"), "{facts:?}");
    }

    #[test]
    fn a_pypi_token_tells_its_projects() {
        let (proof, facts) = facts_of(Structure::PypiMacaroon, &expand("{pypi}", "x"));
        assert_eq!(proof, Ok(Proof::Certain));
        assert!(facts.contains(&("scopes".into(), "[1,[\"example-project\"]]".into())), "{facts:?}");
    }

    #[test]
    fn a_jwt_tells_issuer_and_expiry() {
        let token = expand(
            r#"{b64url:{"alg":"RS256"}}.{b64url:{"iss":"https://id.example","exp":1600000000}}.{base64url:86}"#,
            "x",
        );
        let (proof, facts) = facts_of(Structure::Jwt, &token);
        assert_eq!(proof, Ok(Proof::Weaker("the token expired on 2020-09-13".into())));
        assert!(facts.contains(&("issuer".into(), "https://id.example".into())));
        assert!(facts_of(Structure::Jwt, "eyJub3Qi.eyJqc29u.x").0.is_err());
    }

    #[test]
    fn keys_must_parse_to_be_keys() {
        assert_eq!(facts_of(Structure::PemPrivateKey, &expand("{pem:RSA PRIVATE KEY}", "x")).0, Ok(Proof::Certain));
        assert_eq!(facts_of(Structure::PemPrivateKey, &expand("{pem-escaped:PRIVATE KEY}", "x")).0, Ok(Proof::Certain));
        assert_eq!(facts_of(Structure::OpensshPrivateKey, &expand("{openssh}", "x")).0, Ok(Proof::Certain));
        assert!(
            facts_of(Structure::PemPrivateKey, &expand("-----BEGIN RSA {lower:7} KEY-----\n{base64:400}\n", "x"))
                .0
                .is_err()
        );
    }
}
