//! Stand-ins: what people write where a secret will be.

use crate::judge::Reason;

/// Whole values (lower case, without punctuation) that stand in for a secret.
const WHOLE: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "key",
    "value",
    "string",
    "none",
    "null",
    "nil",
    "true",
    "false",
    "undefined",
    "empty",
    "default",
    "required",
    "optional",
    "hidden",
    "masked",
    "unset",
    "changeit",
    "yourpassword",
    "mypassword",
    "thepassword",
    "userpassword",
    "somepassword",
    "newpassword",
    "oldpassword",
    "testpassword",
    "password1",
    "password123",
    "pass123",
    "passw0rd",
    "secretpassword",
    "supersecret",
    "topsecret",
    "mysecret",
    "yoursecret",
    "somesecret",
    "secretkey",
    "mysecretkey",
    "yoursecretkey",
    "accesskey",
    "privatekey",
    "mytoken",
    "yourtoken",
    "sometoken",
    "accesstoken",
    "authtoken",
    "foobar",
    "foobarbaz",
    "foo",
    "bar",
    "baz",
    "test",
    "testing",
    "test1234",
    "test123",
    "tester",
    "abc123",
    "abcd1234",
    "abcdef",
    "qwerty",
    "asdf",
    "asdfasdf",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "0123456789",
    "letmein",
    "hunter2",
    "correcthorsebatterystaple",
    "username",
    "user",
    "admin",
    "root",
    "guest",
    "example",
    "sample",
    "dummy",
    "fake",
    "mock",
    "stub",
    "correct-horse-battery-staple",
    "credentials",
    "credential",
    "bearer",
    "basic",
    "unknown",
    "invalid",
    "wrong",
    "bad",
    "this",
];

/// Words of which one inside a value is enough, whatever the rule.
const INSIDE: &[&str] = &[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "your_",
    "your-",
    "yourtoken",
    "yourkey",
    "yourapi",
    "insert_",
    "insert-",
    "replace_",
    "replace-",
    "replaceme",
    "redacted",
    "xxxxxx",
    "todo",
    "fixme",
    "dummy",
    "notreal",
    "not-real",
    "not_real",
    "fake_",
    "fake-",
    "fakekey",
    "faketoken",
    "foobar",
    "deadbeef",
    "lorem",
    "goeshere",
    "goes_here",
    "goes-here",
    "put_your",
    "put-your",
    "sample_",
    "sample-",
    "abcdefghij",
    "0123456789",
    "1234567890",
    "qwertyuiop",
    "my_secret",
    "my-secret",
    "a1b2c3d4",
    "1a2b3c4d",
    "abc123abc",
];

/// Marks of a reference to a value kept elsewhere, and what to call it.
const REFERENCES: &[(&str, &str)] = &[
    ("${", "a variable"),
    ("$(", "a command substitution"),
    ("{{", "a template"),
    ("}}", "a template"),
    ("<%", "a template"),
    ("%(", "a template"),
    ("#{", "an interpolation"),
    ("@@", "a template"),
    ("__(", "a translation"),
    ("process.env", "an environment variable"),
    ("os.environ", "an environment variable"),
    ("getenv", "an environment variable"),
    ("`", "a command substitution"),
    ("env(", "an environment variable"),
    ("env.", "an environment variable"),
    ("secrets.", "a CI secret"),
    ("@microsoft.keyvault", "a key vault"),
    ("vault:", "a vault"),
    ("op://", "a vault"),
    ("arn:aws:", "an AWS resource"),
    ("ssm:", "a parameter store"),
    ("secretsmanager", "a secret manager"),
    ("keyvault", "a key vault"),
    ("file://", "a file"),
    ("valuefrom", "a reference"),
    ("fromkey", "a reference"),
];

/// Marks of a value that a tool has encrypted.
const ENCRYPTED: &[(&str, &str)] = &[
    ("ENC[", "SOPS"),
    ("ENC(", "jasypt"),
    ("$ANSIBLE_VAULT", "ansible-vault"),
    ("!vault", "ansible-vault"),
    ("vault:v1:", "Vault transit"),
    ("age-encryption.org", "age"),
    ("AQICAH", "AWS KMS"),
    ("gAAAAA", "Fernet"),
    ("{cipher}", "Spring Cloud Config"),
];

/// Whether the value is a stand-in. `free` values were assigned to a name and may be anything;
/// others already have the form of a real token, so only clear marks count.
pub(super) fn find(value: &[u8], free: bool) -> Option<Reason> {
    if is_monotone(value) {
        return Some(Reason::Placeholder("one character over and over"));
    }
    let text = String::from_utf8_lossy(value);
    let text = text.trim();
    // Keys and certificates are judged by their structure.
    if text.starts_with("-----BEGIN") {
        let hollow = ["...", "…", "REDACTED", "redacted", "<snip>", "xxxx", "XXXX"];
        return hollow
            .iter()
            .any(|mark| text.contains(mark))
            .then_some(Reason::Placeholder("a key with its inside left out"));
    }
    let lower = text.to_lowercase();
    if let Some((_, what)) = ENCRYPTED.iter().find(|(mark, _)| text.starts_with(mark)) {
        return free.then_some(Reason::Encrypted(what));
    }
    if text.ends_with("...") || text.ends_with('…') {
        return Some(Reason::Placeholder("it is cut off"));
    }
    let random = text.len() >= 64;
    // Seven given capitals do not happen by chance in a few hundred characters of base64.
    if random && text.len() <= 2048 && text.contains("EXAMPLE") {
        return Some(Reason::DocumentationExample);
    }
    if !random && INSIDE.iter().any(|word| lower.contains(word)) {
        return Some(Reason::Placeholder("a word such as example, changeme, your…"));
    }
    if has_long_repeat(value) {
        return Some(Reason::Placeholder("one character over and over"));
    }
    if is_sequence(value) {
        return Some(Reason::Placeholder("a sequence"));
    }
    if !free {
        return None;
    }
    // One that a quote inside cuts off: `{b64:{"user"…`.
    if has_template(text) || text.ends_with('{') {
        return Some(Reason::Reference("a template"));
    }
    if let Some((_, what)) = REFERENCES.iter().find(|(mark, _)| lower.contains(mark)) {
        return Some(Reason::Reference(what));
    }
    if text.starts_with(['$', '@', '&', '*'])
        && text[1..].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'))
    {
        return Some(Reason::Reference("a variable"));
    }
    // `$config{name}`, `$this->name`, `$row[name]`: Perl and PHP.
    let name = text.strip_prefix('$').map(|rest| rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
    if name.is_some_and(|rest| {
        rest.len() + 1 < text.len() && ["{", "[", "->", "::"].iter().any(|open| rest.starts_with(open))
    }) {
        return Some(Reason::Reference("a variable"));
    }
    let wrapped = [('<', '>'), ('[', ']'), ('{', '}'), ('%', '%'), ('(', ')'), ('_', '_')];
    if text.len() > 2 && wrapped.iter().any(|(open, close)| text.starts_with(*open) && text.ends_with(*close)) {
        return Some(Reason::Placeholder("a name between brackets"));
    }
    let bare: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    if WHOLE.contains(&bare.as_str()) || bare.is_empty() {
        return Some(Reason::Placeholder("a word that stands for any value"));
    }
    let starts = [
        "your", "enter", "insert", "replace", "use", "todo", "xxx", "change", "fake", "dummy", "mock", "test", "some",
        "my", "the", "a", "new", "old", "wrong", "invalid", "bad",
    ];
    let nouns = [
        "password",
        "passwd",
        "pass",
        "secret",
        "token",
        "apikey",
        "key",
        "credential",
        "credentials",
        "pwd",
        "here",
        "value",
    ];
    let plain = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    if starts.iter().any(|start| {
        plain.strip_prefix(start).is_some_and(|rest| {
            nouns.iter().any(|noun| {
                rest == *noun
                    || rest.strip_suffix(noun).is_some_and(|middle| nouns.contains(&middle) || middle.len() <= 4)
            })
        })
    }) {
        return Some(Reason::Placeholder("words that stand for any value"));
    }
    None
}

/// `{name}`, `{0}`, `{}`, `{base62:36}`: a format string, a template or a pattern's repetition. Braces around a
/// single word do not happen in generated secrets.
fn has_template(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        rest.split_once('}').is_some_and(|(inner, _)| {
            inner.len() <= 40 && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:.-, !".contains(&b))
        })
    })
}

/// A run of one character, of at most two, or masks such as `****`.
pub(super) fn is_monotone(value: &[u8]) -> bool {
    let mut seen: Vec<u8> = Vec::new();
    for byte in value {
        if !seen.contains(byte) {
            seen.push(*byte);
        }
        if seen.len() > 2 {
            return false;
        }
    }
    value.len() >= 4 || seen.len() <= 1
}

/// Eight of the same in a row do not happen in random tokens (once in 10^11 for base62).
fn has_long_repeat(value: &[u8]) -> bool {
    let mut length = 1;
    for pair in value.windows(2) {
        length = if pair[0] == pair[1] { length + 1 } else { 1 };
        if length >= 8 {
            // base64 of zeros is a real, if lazy, key; long values are left to other judges.
            return value.len() < 200;
        }
    }
    false
}

/// `abcdefgh…`, `12345678…`, `aabbccdd…`: three quarters of all steps are the same small step.
fn is_sequence(value: &[u8]) -> bool {
    if value.len() < 8 || value.len() > 128 {
        return false;
    }
    let steps = value.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == 1).count();
    steps * 4 >= (value.len() - 1) * 3
}

/// Hosts of documentation (RFC 2606) and stand-ins.
pub(super) fn is_example_host(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    ["example.com", "example.org", "example.net", "example.edu"]
        .iter()
        .any(|domain| host == *domain || host.ends_with(&format!(".{domain}")))
        || [".example", ".invalid", ".test"].iter().any(|suffix| host.ends_with(suffix))
        || matches!(
            host,
            "host"
                | "hostname"
                | "server"
                | "example"
                | "domain"
                | "domain.com"
                | "host.com"
                | "hostname.com"
                | "server.com"
                | "yourhost"
                | "myhost"
                | "foo"
                | "bar"
                | "foo.com"
                | "bar.com"
                | "foo.bar"
                | "test"
                | "test.com"
                | "somehost"
                | "remote"
                | "proxy"
                | "proxy.com"
                | "address"
                | "url"
                | "ip"
                | "dbhost"
                | "db_host"
                | "db-host"
        )
        || host.contains("your")
        || host.starts_with('<')
        || host.contains("myserver")
}

/// This machine, its private names, or a bare name that a container network gives.
pub(super) fn is_local_host(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "[" | "host.docker.internal")
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || (!host.is_empty()
            && !host.contains('.')
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
}

/// The names of programs and roles that people use as passwords on their own machine.
pub(super) fn is_weak_password(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    [
        "postgres", "mysql", "mongo", "mongodb", "redis", "rabbitmq", "guest", "admin", "root", "secret", "pass",
        "password", "passwd", "test", "user", "sa", "oracle", "docker", "dev", "local", "demo",
    ]
    .iter()
    .any(|word| lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '!') == *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_known() {
        for value in [
            "changeme",
            "your-api-key-here",
            "xxxxxxxxxxxx",
            "****",
            "<password>",
            "${DB_PASSWORD}",
            "sk.{b64url:{",
            "{{ vault }}",
            "$PASSWORD",
            "process.env.X",
            "password123",
            "mysecretkey",
            "abcdefghijklmnop",
            "12345678901234567890",
            "[redacted]",
            "test-token",
            "your_password",
            "newpassword2",
            "dummytoken",
            "aaaabbbbbbbbbbbbb1",
        ] {
            assert!(find(value.as_bytes(), true).is_some(), "{value}");
        }
    }

    #[test]
    fn real_values_are_not() {
        for value in ["Winter2024!", "s3cr3t-Pa55", "iuwmplrw", "9fK2mXq7LzT4vB8n", "sunshine1", "tr0ub4dor&3"] {
            assert_eq!(find(value.as_bytes(), true), None, "{value}");
        }
    }
}
