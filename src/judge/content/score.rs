//! How plausible it is that a value assigned to a telling name is a secret.
//!
//! Cheap rules of thumb over the name, the form and the value; each says why. Likeness to a word
//! alone never dismisses a value in a password position: people do choose `sunshine1`.

use crate::{detect::Form, finding::shannon, judge::Reason, rules::Confidence};

/// Parts of a name (between `_`, `-`, `.` and capitals) that say the value is not the secret itself,
/// and what it is then.
const OTHERWISE: &[(&str, &str)] = &[
    ("public", "public"),
    ("pub", "public"),
    ("pubkey", "public"),
    ("id", "an identifier"),
    ("ids", "identifiers"),
    ("name", "a name"),
    ("names", "names"),
    ("identifier", "an identifier"),
    ("uuid", "an identifier"),
    ("hash", "a hash"),
    ("hashed", "a hash"),
    ("sha", "a hash"),
    ("sha1", "a hash"),
    ("sha256", "a hash"),
    ("sha512", "a hash"),
    ("md5", "a hash"),
    ("digest", "a hash"),
    ("checksum", "a hash"),
    ("integrity", "a hash"),
    ("fingerprint", "a hash"),
    ("thumbprint", "a hash"),
    ("url", "an address"),
    ("uri", "an address"),
    ("endpoint", "an address"),
    ("link", "an address"),
    ("host", "an address"),
    ("path", "a path"),
    ("file", "a path"),
    ("filename", "a path"),
    ("dir", "a path"),
    ("arn", "an address"),
    ("type", "a type"),
    ("kind", "a type"),
    ("class", "a type"),
    ("format", "a format"),
    ("regex", "a pattern"),
    ("pattern", "a pattern"),
    ("regexp", "a pattern"),
    ("label", "a label"),
    ("text", "a text"),
    ("title", "a text"),
    ("message", "a text"),
    ("msg", "a text"),
    ("error", "a text"),
    ("hint", "a text"),
    ("prompt", "a text"),
    ("placeholder", "a text"),
    ("description", "a text"),
    ("desc", "a text"),
    ("help", "a text"),
    ("tooltip", "a text"),
    ("caption", "a text"),
    ("field", "a field"),
    ("column", "a field"),
    ("input", "a field"),
    ("param", "a field"),
    ("header", "a header"),
    ("selector", "a field"),
    ("form", "a field"),
    ("button", "a field"),
    ("icon", "a field"),
    ("view", "a field"),
    ("attribute", "a field"),
    ("attr", "a field"),
    ("length", "a number"),
    ("len", "a number"),
    ("size", "a number"),
    ("count", "a number"),
    ("limit", "a number"),
    ("max", "a number"),
    ("min", "a number"),
    ("index", "a number"),
    ("timeout", "a number"),
    ("ttl", "a number"),
    ("expiry", "a time"),
    ("expires", "a time"),
    ("expiration", "a time"),
    ("version", "a version"),
    ("algorithm", "an algorithm"),
    ("alg", "an algorithm"),
    ("strength", "a measure"),
    ("policy", "a policy"),
    ("reset", "an action"),
    ("forgot", "an action"),
    ("change", "an action"),
    ("provider", "a program"),
    ("command", "a program"),
    ("cmd", "a program"),
    ("handler", "a program"),
    ("callback", "a program"),
    ("store", "a place"),
    ("ref", "a reference"),
    ("selector", "a reference"),
    ("mount", "a place"),
    ("bucket", "a place"),
    ("enabled", "a switch"),
    ("required", "a switch"),
    ("encrypted", "encrypted"),
    ("sealed", "encrypted"),
    ("ciphertext", "encrypted"),
    ("nonce", "public"),
    ("starting", "a position"),
    ("pagination", "a position"),
    ("csrf", "short-lived"),
    ("xsrf", "short-lived"),
    ("cancellation", "a program"),
    ("page", "a position"),
    ("next", "a position"),
    ("continuation", "a position"),
    ("sync", "a position"),
    ("cursor", "a position"),
    ("contract", "an address"),
    ("address", "an address"),
    ("symbol", "a name"),
    ("tokenizer", "a program"),
    ("tokens", "a count"),
    ("cost", "a number"),
    ("price", "a number"),
    ("crc32c", "a hash"),
    ("at", "a time"),
    ("status", "a state"),
    ("state", "a state"),
    ("used", "a time"),
    ("updated", "a time"),
    ("tokenid", "an identifier"),
    ("keyid", "an identifier"),
    ("kid", "an identifier"),
    ("site", "public"),
    ("sitekey", "public"),
    ("publishable", "public"),
    ("mask", "a pattern"),
    ("salt", "a salt"),
    ("test", "a test"),
    ("example", "an example"),
];

/// The most confidence that name, form and value leave, with a remark.
pub(super) fn plausible(name: &[u8], value: &[u8], form: Form) -> Result<(Confidence, Option<&'static str>), Reason> {
    let name = String::from_utf8_lossy(name);
    let parts = words(&name);
    if name.eq_ignore_ascii_case("nopasswd") {
        return Err(Reason::NameSaysOtherwise("a rule of sudo"));
    }
    let is_password =
        parts.iter().any(|part| part.starts_with("pass") || part == "pwd") || name.to_lowercase().contains("passw");
    if let Some(what) = otherwise(&parts, is_password) {
        return Err(Reason::NameSaysOtherwise(what));
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return Err(Reason::LooksLike("text in another encoding"));
    };
    if is_its_own_name(&name, text) {
        return Err(Reason::LooksLike("its own name"));
    }
    if let Some(what) = looks_like(text, form, is_password) {
        return Err(Reason::LooksLike(what));
    }
    let classes = classes(text);
    let bits = shannon(value) * value.len() as f64;
    if form == Form::Bare && !name.bytes().any(|b| b.is_ascii_uppercase() || b == b'.' || b == b'-') && classes < 2 {
        return Err(Reason::LooksLike("a name or an expression"));
    }
    if is_password {
        if form == Form::Quoted && classes >= 3 && value.len() >= 8 {
            return Ok((Confidence::Medium, None));
        }
        if classes >= 2 && value.len() >= 10 && text.bytes().any(|b| b.is_ascii_digit()) {
            return Ok((Confidence::Medium, None));
        }
        return Ok((Confidence::Low, Some("a short or word-like value: read it in its context")));
    }
    if bits >= 64.0 && classes >= 2 && value.len() >= 20 {
        return Ok((Confidence::Medium, None));
    }
    Ok((Confidence::Low, Some("not random enough to be sure")))
}

/// `USER_PASSWORD = "user-password"`: a constant that names a field.
fn is_its_own_name(name: &str, text: &str) -> bool {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let (name, text) = (letters(name), letters(text));
    // `my_adminPassword` and its like are how generated API documentation fills its samples.
    let text = text.strip_prefix("my").unwrap_or(&text);
    text.len() >= 4 && name.ends_with(text)
}

/// The last part that says otherwise wins, unless the telling word comes after it: `id_token` is a
/// token, `token_id` an identifier.
fn otherwise(parts: &[String], is_password: bool) -> Option<&'static str> {
    const TELLING: [&str; 12] = [
        "secret",
        "token",
        "key",
        "password",
        "passwd",
        "pass",
        "pwd",
        "credential",
        "credentials",
        "passphrase",
        "auth",
        "apikey",
    ];
    const ANYWHERE: [&str; 24] = [
        "starting",
        "pagination",
        "change",
        "ciphertext",
        "public",
        "pub",
        "pubkey",
        "publishable",
        "encrypted",
        "sealed",
        "hash",
        "hashed",
        "csrf",
        "xsrf",
        "cancellation",
        "sha256",
        "sha1",
        "md5",
        "checksum",
        "site",
        "contract",
        "next",
        "continuation",
        "tokenizer",
    ];
    let last = parts.last()?;
    let find = |part: &String| OTHERWISE.iter().find(|(word, _)| word == part).map(|(_, what)| *what);
    if !TELLING.contains(&last.as_str())
        && let Some(what) = find(last)
    {
        return Some(what);
    }
    let quiet = |part: &&String| {
        ANYWHERE.contains(&part.as_str()) && !(is_password && matches!(part.as_str(), "site" | "next"))
    };
    parts.iter().find(quiet).and_then(find)
}

/// `spring.dataSource.DB_PASSWORD` → spring data source db password.
fn words(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            before = ' ';
            continue;
        }
        let starts = before == ' ' || (c.is_ascii_uppercase() && before.is_ascii_lowercase());
        match parts.last_mut() {
            Some(part) if !starts => part.push(c.to_ascii_lowercase()),
            _ => parts.push(c.to_ascii_lowercase().to_string()),
        }
        before = c;
    }
    parts
}

/// How many of lower, upper, digit, other occur.
fn classes(text: &str) -> usize {
    [
        text.bytes().any(|b| b.is_ascii_lowercase()),
        text.bytes().any(|b| b.is_ascii_uppercase()),
        text.bytes().any(|b| b.is_ascii_digit()),
        text.bytes().any(|b| !b.is_ascii_alphanumeric()),
    ]
    .into_iter()
    .filter(|there| *there)
    .count()
}

/// How stored password hashes begin: crypt(3), LDAP, Django and others. They can be attacked, but are
/// not the secret itself.
const HASHES: [&str; 16] = [
    "$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$apr1$", "$argon2", "$pbkdf2", "$scrypt$", "{SSHA", "{SHA",
    "{MD5}", "pbkdf2_", "bcrypt",
];

fn looks_like(text: &str, form: Form, is_password: bool) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if HASHES.iter().any(|start| text.starts_with(start)) {
        return Some("a password hash");
    }
    if text.contains("://") || text.starts_with("www.") {
        return Some("an address");
    }
    if text.starts_with('/') && text[1..].contains('/')
        || text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with("~/")
    {
        return Some("a path");
    }
    if is_number(text) {
        return Some("a number");
    }
    if is_time(bytes) {
        return Some("a time");
    }
    if ["rgba(", "rgb(", "hsl(", "var("].iter().any(|start| text.starts_with(start)) {
        return Some("a style");
    }
    if text.contains(' ') && text.to_lowercase().contains("password") {
        return Some("a label");
    }
    if text.contains(char::is_whitespace) && (!is_password || text.split_whitespace().count() > 2 || form == Form::Bare)
    {
        return Some("prose");
    }
    if !text.is_ascii() {
        return Some("prose in another language");
    }
    if text.contains("::") || text.contains("->") || text.contains("()") || text.contains("=>") || text.contains("&&") {
        return Some("code");
    }
    if text.contains('\\')
        && (text.contains("\\n")
            || text.contains("\\u")
            || text.contains("\\s")
            || text.contains("\\d")
            || text.contains("\\w"))
    {
        return Some("an escaped text or a pattern");
    }
    if matches!(bytes, [b'^', .., b'$'] | [b'[', .., b'+' | b'*']) {
        return Some("a pattern");
    }
    if is_uuid(text) {
        return Some("a UUID");
    }
    let dotted = text.contains('.')
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'));
    if dotted {
        return Some("a dotted name");
    }
    if form == Form::Bare {
        let first = bytes.first().copied().unwrap_or(b' ');
        if !first.is_ascii_alphanumeric() && !matches!(first, b'!' | b'#' | b'%' | b'^' | b'+' | b'/' | b'~') {
            return Some("an expression");
        }
        if text.contains('.')
            && text.split('.').next().is_some_and(|part| part.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'))
            && !is_password
        {
            return Some("an expression");
        }
    }
    if !is_password {
        // Words joined by case, dashes or underscores: a name of something, not a random value.
        let parts = words(text);
        let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let average = letters / parts.len().max(1);
        if digits * 10 < text.len() && parts.len() >= 2 && average >= 4 && parts.iter().all(|part| vowels(part)) {
            return Some("a name made of words");
        }
        if digits == 0 {
            return Some("a word");
        }
    }
    None
}

/// `1.25`, `8.14e-08`; digits alone may be a PIN.
fn is_number(text: &str) -> bool {
    text.contains(['.', 'e'])
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `2026-11-24T12:00:00Z`
fn is_time(bytes: &[u8]) -> bool {
    let shape = b"dddd-dd-ddTdd:dd";
    bytes.len() >= shape.len()
        && bytes.iter().zip(shape).all(|(byte, like)| if *like == b'd' { byte.is_ascii_digit() } else { byte == like })
}

fn vowels(word: &str) -> bool {
    word.len() < 3 || word.bytes().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.trim_matches(['{', '}']).split('-').collect();
    parts.len() == 5
        && parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_may_say_otherwise() {
        for name in [
            "token_id",
            "publicKey",
            "passwordHash",
            "secretName",
            "apiKeyHeader",
            "password_min_length",
            "nextToken",
            "PasswordLastUsed",
            "sharedSecretCrc32c",
        ] {
            assert!(plausible(name.as_bytes(), b"x9K2mQ7LzT4vB8nR3wP1", Form::Quoted).is_err(), "{name}");
        }
        for name in ["id_token", "hostPassword", "apiKey", "client_secret", "DB_PASSWORD"] {
            assert!(plausible(name.as_bytes(), b"x9K2mQ7LzT4vB8nR3wP1", Form::Quoted).is_ok(), "{name}");
        }
    }

    #[test]
    fn numbers_styles_and_labels_are_no_secrets() {
        for (name, value) in [
            ("input_cost_per_token", "1.1428571428571428e-06"),
            ("darkTokenColor", "rgba(255,231,130,0.4)"),
            ("changed.password", "Password updated"),
            ("refresh_token", "1125.3421875000000001"),
            ("tdeWalletPassword", "my_tdeWalletPassword"),
            ("password_rotation", "2022-12-25T00:00:00.000Z"),
        ] {
            assert!(plausible(name.as_bytes(), value.as_bytes(), Form::Quoted).is_err(), "{name}");
        }
        assert!(plausible(b"password", b"48151623", Form::Quoted).is_ok());
    }

    #[test]
    fn names_split_at_capitals_and_marks() {
        assert_eq!(words("spring.dataSource.DB_PASSWORD"), ["spring", "data", "source", "db", "password"]);
    }

    #[test]
    fn a_word_in_a_password_position_is_told_with_little_confidence() {
        assert!(matches!(plausible(b"password", b"sunshine1", Form::Quoted), Ok((Confidence::Low, Some(_)))));
        assert!(matches!(plausible(b"password", b"Winter2024!", Form::Quoted), Ok((Confidence::Medium, None))));
    }
}
