//! A rule as it runs.

use std::{fmt, sync::Arc, sync::OnceLock};

use regex_automata::meta::Regex;
use serde::{Deserialize, Serialize};

use super::{
    RuleText, check,
    engine::{self, Engine},
    head::Head,
};

/// The name of a rule in reports, configuration and allow comments, such as `stripe-secret-key`.
/// Never changes once released.
pub type RuleId = Arc<str>;

/// The longest reach a rule may state, in bytes, each way.
pub const MAX_REACH: usize = 65_536;

/// One kind of secret of one provider, compiled and ready to run.
///
/// People write rules as TOML (`docs/rules-format.md`). Built-in rules and a user's own become this
/// type, so nothing downstream can tell them apart. What a scan needs of the built-in ones is worked out
/// when keysweep is built; what they say to people is read when first asked for ([`Rule::text`]).
#[derive(Debug, Deserialize, Serialize)]
pub struct Rule {
    /// See [`RuleId`].
    pub id: RuleId,
    /// What sort of credential it is.
    pub kind: Kind,
    /// How bad it is if the secret is real.
    pub severity: Severity,
    /// How sure pattern and checks alone make us.
    pub confidence: Confidence,
    /// How it is found.
    pub matcher: Matcher,
    /// What the secret must also satisfy, cheapest first.
    pub checks: Vec<Check>,
    /// A second part that stands near.
    pub companion: Option<Companion>,
    /// Whether it is reported alone.
    pub role: Role,
    /// Earlier ids; allow comments and configuration may still use them.
    pub formerly: Vec<String>,
    /// The first of the templates that must be found: its canary.
    pub canary: String,
    /// Where a built-in rule's text is to be read.
    pub(super) written: Option<Written>,
    #[serde(skip)]
    pub(super) text: OnceLock<Arc<RuleText>>,
}

/// The place of a built-in rule among the rule files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Written {
    /// Index of the file.
    pub(super) file: usize,
    /// Which of the file's rules it is.
    pub(super) number: usize,
}

impl Rule {
    /// Whether `name` is the rule's id or one it had before.
    pub fn is_named(&self, name: &str) -> bool {
        &*self.id == name || self.formerly.iter().any(|old| old == name)
    }

    /// Whether it came with keysweep.
    pub fn is_built_in(&self) -> bool {
        self.written.is_some()
    }

    /// A rule that cannot name the provider.
    pub fn is_generic(&self) -> bool {
        self.id.starts_with("generic-")
    }

    /// A rule that knows where a password stands, not what it is: a token inside has a better name.
    pub(crate) fn knows_the_place_only(&self) -> bool {
        let free = |check: &Check| matches!(check, Check::Structure(Structure::UrlPassword | Structure::Password));
        self.checks.iter().any(free)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word used in rules, options and reports.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words! {
    /// What sort of credential it is; decides how it is contained and replaced.
    Kind {
        /// Whoever holds it is let in.
        Bearer = "bearer",
        /// Issued by an OAuth flow.
        OAuth = "oauth",
        /// A signed JSON Web Token.
        Jwt = "jwt",
        /// Identifies an application or project.
        ApiKey = "api-key",
        /// An asymmetric private key, or an id with its secret.
        KeyPair = "key-pair",
        /// Chosen or generated for a login.
        Password = "password",
        /// A URL or string that holds a login.
        ConnectionString = "connection-string",
        /// A URL that acts on whoever calls it.
        Webhook = "webhook",
        /// Signs what others trust.
        SigningKey = "signing-key",
        /// Lives as long as somebody is signed in.
        Session = "session",
    }
}

words! {
    /// How bad a leak is if the secret is real.
    Severity {
        /// Harmless by design, such as a test-mode key.
        Low = "low",
        /// Costs or annoys.
        Medium = "medium",
        /// Opens data or lets others act.
        High = "high",
        /// Opens everything its owner can do.
        Critical = "critical",
    }
}

words! {
    /// How sure we are that it is a secret.
    Confidence {
        /// Worth a look in an audit.
        Low = "low",
        /// Probably.
        Medium = "medium",
        /// Would stop a commit for it.
        High = "high",
        /// Its own checksum or structure proves the form.
        Certain = "certain",
    }
}

words! {
    /// Characters that a contextual value consists of.
    Alphabet {
        /// `0-9a-f`
        HexLower = "hex-lower",
        /// `0-9a-fA-F`
        Hex = "hex",
        /// `0-9A-Za-z`
        Base62 = "base62",
        /// `0-9A-Za-z+/`
        Base64 = "base64",
        /// `0-9A-Za-z_-`
        Base64Url = "base64url",
        /// `0-9a-z`
        AlnumLower = "alnum-lower",
        /// `0-9A-F`
        HexUpper = "hex-upper",
        /// `0-9A-Z`
        AlnumUpper = "alnum-upper",
        /// `A-Z2-7`
        Base32 = "base32",
        /// Base62 without `0`, `O`, `I` and `l` (Bitcoin).
        Base58 = "base58",
        /// Hex in groups of 8, 4, 4, 4 and 12 (RFC 9562); always 36 long.
        Uuid = "uuid",
    }
}

impl Alphabet {
    /// Whether the byte belongs to it.
    pub fn holds(self, byte: u8) -> bool {
        match self {
            Self::HexLower => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base62 => byte.is_ascii_alphanumeric(),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::AlnumLower => byte.is_ascii_digit() || byte.is_ascii_lowercase(),
            Self::HexUpper => matches!(byte, b'0'..=b'9' | b'A'..=b'F'),
            Self::AlnumUpper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::Base58 => byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l'),
            Self::Uuid => byte.is_ascii_hexdigit() || byte == b'-',
        }
    }
}

words! {
    /// A set of characters that a check asks for.
    CharClass {
        /// `0-9`
        Digit = "digit",
        /// `A-Za-z`
        Letter = "letter",
        /// `A-Z`
        Upper = "upper",
        /// `a-z`
        Lower = "lower",
    }
}

words! {
    /// Published checksums. A wrong one dismisses, a right one makes certain.
    Checksum {
        /// Last six characters: CRC-32 of the body in base62 (GitHub, npm).
        Crc32Base62 = "crc32-base62",
        /// GitLab's routable tokens: length and CRC-32 in base36.
        GitlabRoutable = "gitlab-routable",
        /// Azure identifiable storage keys: Marvin32; keys without the signature pass unproven.
        AzureStorage = "azure-storage",
        /// Entra client secrets with `8Q~`: Marvin32 in radix 66.
        EntraSecret = "entra-secret",
    }
}

words! {
    /// Structures that a secret must parse as.
    Structure {
        /// Three base64url parts, the first two JSON objects.
        Jwt = "jwt",
        /// PEM armour around base64 that is a DER sequence (or encrypted).
        PemPrivateKey = "pem-private-key",
        /// `openssh-key-v1`.
        OpensshPrivateKey = "openssh-private-key",
        /// base64 of `user:password`.
        DockerAuth = "docker-auth",
        /// libmacaroons v2 for pypi.org.
        PypiMacaroon = "pypi-macaroon",
        /// The password of a URL or connection string.
        UrlPassword = "url-password",
        /// A password where its place alone tells what it is: anything but a stand-in or a variable.
        Password = "password",
        /// base64 of a PEM private key.
        Base64Pem = "base64-pem",
        /// AWS key id, whose newer form holds the account.
        AwsKeyId = "aws-key-id",
    }
}

words! {
    /// Whether a rule is reported alone.
    Role {
        /// Yes.
        Finding = "finding",
        /// Never: an account id is not a secret.
        Companion = "companion",
    }
}

words! {
    /// Which bytes may not stand right outside a match.
    Edges {
        /// Not `0-9A-Za-z_`, unless they end an escape such as `\n`.
        Word = "word",
        /// Also not `- + / =`.
        Token = "token",
        /// Anything may.
        None = "none",
    }
}

/// What the secret must also satisfy.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub enum Check {
    /// At least so many bits of Shannon entropy per byte.
    Entropy(f32),
    /// At least so many different bytes.
    Distinct(usize),
    /// Each of these classes must occur.
    Classes(Vec<CharClass>),
    /// The provider's own checksum.
    Checksum(Checksum),
    /// Must parse.
    Structure(Structure),
    /// Must begin with this, and the rest be lower-case hex.
    HexAfter(String),
}

/// A second part that must or may stand near.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Companion {
    /// The rule that finds it.
    pub rule: RuleId,
    /// At most so many bytes between the two.
    pub within: usize,
    /// Whether there is no finding without it.
    pub required: bool,
    /// The fact that its text becomes.
    pub fact: Arc<str>,
}

/// How a rule finds its candidates.
#[derive(Debug, Deserialize, Serialize)]
pub enum Matcher {
    /// A literal prefix or structure identifies the provider.
    Pattern(Pattern),
    /// A run of one alphabet and length with a provider's word near it.
    Value(Value),
    /// Whatever is assigned to a telling name.
    Assigned(Assigned),
}

/// How many bytes a pattern may look at, counted from its anchor's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Before the anchor.
    pub before: usize,
    /// From the anchor's first byte on.
    pub after: usize,
}

/// A regular expression that is tried where one of its anchors stands.
#[derive(Debug, Deserialize, Serialize)]
pub struct Pattern {
    /// Literals of which every match holds at least one.
    pub anchors: Vec<String>,
    /// Whether ASCII case is ignored.
    pub nocase: bool,
    /// See [`Reach`].
    pub reach: Reach,
    /// Whether the segment runs over line ends.
    pub many_lines: bool,
    /// See [`Edges`].
    pub edges: Edges,
    /// Which bytes may follow an anchor of three bytes, if there is one and its matches begin with it.
    pub next: Option<[u64; 4]>,
    /// As written.
    pub source: String,
    /// Named groups, in order.
    pub groups: Vec<Arc<str>>,
    #[serde(skip)]
    pub(super) engine: Engine,
    #[serde(skip)]
    pub(super) head: OnceLock<Head>,
}

impl Pattern {
    /// What any match must have; read off when first asked for.
    pub fn head(&self) -> &Head {
        self.head.get_or_init(|| check::parse(&self.source).map(|hir| Head::of(&hir, self.nocase)).unwrap_or_default())
    }

    /// The compiled pattern for a text of so many bytes; compiled when first asked for.
    pub fn regex(&self, length: usize) -> &Regex {
        // A match without reach before its anchor begins there: nothing else has to be tried.
        self.engine.of(length, |lazy| {
            let source = if self.reach.before == 0 { format!("\\A(?:{})", self.source) } else { self.source.clone() };
            // A comment of `(?x)` may swallow the bracket; the pattern alone is right, too.
            engine::compile(&source, self.nocase, lazy)
                .or_else(|_| engine::compile(&self.source, self.nocase, lazy))
                .expect("it compiled when the rule was read")
        })
    }
}

/// A contextual value.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Value {
    /// What it consists of.
    pub alphabet: Alphabet,
    /// The lengths it may have, in bytes.
    pub length: Vec<usize>,
    /// Words of which one must stand near: lower case, `_` where `_`, `-`, `.`, a blank or nothing may join.
    pub words: Vec<String>,
    /// If there are any, one of these must stand before it, too, on its line or the word's; written like `words`.
    pub also: Vec<String>,
    /// None of these may stand before it on its line; written like `words`.
    pub unless: Vec<String>,
    /// How far before the value a word may start, in bytes.
    pub distance: usize,
    /// How far behind it a word may end, in bytes.
    pub after: usize,
}

impl Value {
    /// Shorter runs are words, in bytes.
    pub const SHORTEST: usize = 16;
    /// A word has no more letters.
    pub const LONGEST_WORD: usize = 48;
    /// How far away a word may stand, in bytes: more would cost time where words crowd.
    pub const FARTHEST: usize = 256;
    /// Longer runs are data, in bytes.
    pub const LONGEST: usize = 1024;

    /// The longest value, in bytes.
    pub fn longest(&self) -> usize {
        self.length.iter().max().copied().unwrap_or(0)
    }
}

/// A value given to a telling name.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Assigned {
    /// Lower-case words of which the name must contain one.
    pub names: Vec<String>,
    /// Shortest value, in bytes.
    pub min: usize,
    /// Longest value, in bytes.
    pub max: usize,
}
