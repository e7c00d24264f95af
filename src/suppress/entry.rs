//! One line of `.keysweepignore`:
//!
//! ```text
//! PATH PRINT owner=WHO [expires=YYYY-MM-DD] # REASON
//! ```
//!
//! Everything of an entry stands in its line and nothing that moves (no line numbers, no dates of writing),
//! so that two branches that both add entries merge like any other text.

use std::fmt;

use bstr::ByteSlice as _;
use data_encoding::HEXLOWER;
use jiff::civil::Date;

use super::Salt;
use crate::{
    finding::{Fingerprint, Place},
    source::RelPath,
};

/// A finding that somebody has looked at and wants to hear no more of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Where.
    pub scope: Scope,
    /// Which secret.
    pub print: Print,
    /// Who answers for it.
    pub owner: String,
    /// The last day (UTC) on which it counts.
    pub expires: Option<Date>,
    /// Why.
    pub reason: String,
}

/// Where an entry counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `*`: in every place. Only for secrets that cannot be guessed.
    Anywhere,
    /// `<messages>`: in messages of commits and tags, which have no path.
    Messages,
    /// `<unplaced>`: in blobs that no commit holds.
    Unplaced,
    /// In the file at this path, from the repository's root, `/` between its parts on every system.
    At(RelPath),
}

impl Scope {
    /// The scope that a finding's place has; `path` is the place's path from the repository's root.
    pub fn of(place: &Place, path: Option<RelPath>) -> Self {
        match (path, place) {
            (Some(path), _) => Self::At(path),
            (None, Place::CommitMessage { .. } | Place::TagMessage { .. }) => Self::Messages,
            (None, _) => Self::Unplaced,
        }
    }
}

/// A secret, named without telling it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Print {
    /// `ks1:HASH`, as reports print it.
    Plain(Fingerprint),
    /// `ks1s:SALT:HASH`, for a secret that could be guessed.
    Slow {
        /// The same for all entries of a file.
        salt: Salt,
        /// [`super::slow_hash`] of the secret.
        hash: [u8; 16],
    },
}

impl Print {
    fn parse(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("ks1s:") else {
            return Fingerprint::parse(text).map(Self::Plain);
        };
        let (salt, hash) = rest.split_once(':')?;
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok();
        Some(Self::Slow { salt: bytes(salt)?, hash: bytes(hash)? })
    }
}

impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(print) => write!(f, "{print}"),
            Self::Slow { salt, hash } => write!(f, "ks1s:{}:{}", HEXLOWER.encode(salt), HEXLOWER.encode(hash)),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => f.write_str("*"),
            Self::Messages => f.write_str("<messages>"),
            Self::Unplaced => f.write_str("<unplaced>"),
            Self::At(path) => f.write_str(&quoted(path.as_bstr())),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} owner={}", self.scope, self.print, self.owner)?;
        if let Some(day) = self.expires {
            write!(f, " expires={day}")?;
        }
        write!(f, " # {}", self.reason)
    }
}

/// A path as it is if it is one plain word, else in quotes with what is unusual escaped.
fn quoted(path: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let text = std::str::from_utf8(path).ok();
    // Letters of any language are plain; marks that cannot be seen are not.
    let seen = |text: &&str| text.chars().all(|c| if c.is_ascii() { plain(&(c as u8)) } else { c.is_alphanumeric() });
    match text.filter(seen) {
        Some(text) if !text.is_empty() && !text.starts_with(['#', '*', '<']) => text.to_owned(),
        _ => {
            let mut out = String::from("\"");
            for byte in path {
                match byte {
                    b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
                    b' ' => out.push(' '),
                    byte if plain(byte) => out.push(char::from(*byte)),
                    byte => {
                        out += "\\x";
                        out += &HEXLOWER.encode(&[*byte]);
                    }
                }
            }
            out + "\""
        }
    }
}

/// The path at the start of a line, and what stands behind it.
fn unquoted(line: &str) -> Option<(RelPath, &str)> {
    let Some(rest) = line.strip_prefix('"') else {
        let (word, rest) = line.split_once(char::is_whitespace)?;
        return Some((RelPath::new(word), rest));
    };
    let mut path = Vec::new();
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((RelPath::new(path), &rest[at + 1..])),
            b'\\' => match bytes.get(at + 1)? {
                b'x' => {
                    path.push(u8::from_str_radix(rest.get(at + 2..at + 4)?, 16).ok()?);
                    at += 4;
                }
                other => {
                    path.push(*other);
                    at += 2;
                }
            },
            other => {
                path.push(*other);
                at += 1;
            }
        }
    }
}

impl Entry {
    /// Reads a line; `None` for an empty one or a comment.
    ///
    /// # Errors
    /// What is wrong, and the mend.
    pub fn parse(line: &str) -> Result<Option<Self>, (String, String)> {
        let fail = |what: &str, mend: &str| Err((what.to_owned(), mend.to_owned()));
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
            return fail("a conflict of a merge was left here", "keep the entries of both sides, delete this line");
        }
        let form = "write PATH ks1:… owner=WHO [expires=YYYY-MM-DD] # REASON";
        let Some((path, rest)) = unquoted(line) else {
            return fail("this is no entry", form);
        };
        let scope = match path.as_bstr().as_bytes() {
            _ if line.starts_with('"') => Scope::At(path),
            b"*" => Scope::Anywhere,
            b"<messages>" => Scope::Messages,
            b"<unplaced>" => Scope::Unplaced,
            // Written by hand on Windows, or as a shell would say it.
            name => {
                let name = name.replace(b"\\", b"/");
                let mut name = name.as_slice();
                while let Some(rest) = name.strip_prefix(b"/").or_else(|| name.strip_prefix(b"./")) {
                    name = rest;
                }
                Scope::At(RelPath::new(name))
            }
        };
        let (fields, reason) = rest.split_once('#').unwrap_or((rest, ""));
        let mut fields = fields.split_whitespace();
        let Some(print) = fields.next().and_then(Print::parse) else {
            return fail("no fingerprint stands behind the path", form);
        };
        if matches!((&scope, &print), (Scope::Anywhere, Print::Slow { .. })) {
            return fail("an entry for a secret that could be guessed needs a path", "name the file instead of *");
        }
        let (mut owner, mut expires) = (None, None);
        for field in fields {
            match field.split_once('=') {
                Some(("owner", who)) if !who.is_empty() => owner = Some(who.to_owned()),
                Some(("expires", day)) => match day.parse::<Date>() {
                    Ok(day) => expires = Some(day),
                    Err(_) => return fail(&format!("{day:?} is no date"), "write expires=2027-01-31"),
                },
                _ => return fail(&format!("{field:?} is not known"), form),
            }
        }
        let Some(owner) = owner else {
            return fail("the entry has no owner", "add owner=WHO: somebody has to answer for it");
        };
        let reason = reason.trim().to_owned();
        if reason.chars().filter(|c| c.is_alphanumeric()).count() < 3 {
            return fail("the entry has no reason", "add # and why this may stay");
        }
        Ok(Some(Self { scope, print, owner, expires, reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINT: &str = "ks1:00112233445566778899aabbccddeeff";

    fn read(line: &str) -> Entry {
        Entry::parse(line).expect("it is an entry").expect("it is no comment")
    }

    #[test]
    fn what_is_written_is_read() {
        let slow = "ks1s:00112233445566778899aabbccddeeff:ffeeddccbbaa99887766554433221100";
        for line in [
            &format!("src/a.py {PRINT} owner=ada # test key # of the vendor"),
            &format!("src/a.py {slow} owner=@team/x expires=2027-01-31 # local database"),
            &format!("* {PRINT} owner=ada # the public demo key"),
            &format!("<messages> {PRINT} owner=ada # revoked"),
            &format!("\"*\" {PRINT} owner=ada # a file of this name"),
            &format!("\"a b\\\"\\\\\\xff.txt\" {PRINT} owner=ada # odd names"),
            &format!("größe/ключ.txt {PRINT} owner=ada # names of any language"),
            &format!("\"a\\xe2\\x80\\xaeb\" {PRINT} owner=ada # a bidi override"),
        ] {
            assert_eq!(read(line).to_string(), **line);
        }
    }

    #[test]
    fn a_path_written_on_windows_is_the_same_path() {
        let entry = read(&format!("src\\db\\a.py {PRINT} owner=ada # local"));
        for same in ["/src/db/a.py", "./src/db/a.py", ".\\src\\db\\a.py"] {
            assert_eq!(entry, read(&format!("{same} {PRINT} owner=ada # local")), "{same}");
        }
        assert_eq!(entry.scope, Scope::At(RelPath::new("src/db/a.py")));
    }

    #[test]
    fn what_is_no_entry_says_why() {
        for (line, why) in [
            ("src/a.py", "no entry"),
            ("src/a.py ks1:abc owner=ada # x y z", "no fingerprint"),
            (&format!("src/a.py {PRINT} # a reason"), "no owner"),
            (&format!("src/a.py {PRINT} owner=ada"), "no reason"),
            (&format!("src/a.py {PRINT} owner=ada # -"), "no reason"),
            (&format!("src/a.py {PRINT} owner=ada expires=soon # a reason"), "no date"),
            (&format!("src/a.py {PRINT} owner=ada until=x # a reason"), "not known"),
            ("* ks1s:00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff owner=a # abc", "needs a path"),
            ("<<<<<<< HEAD", "conflict"),
        ] {
            let (what, _) = Entry::parse(line).expect_err(line);
            assert!(what.contains(why), "{line}: {what}");
        }
        assert_eq!(Entry::parse("# a comment"), Ok(None));
        assert_eq!(Entry::parse("  "), Ok(None));
    }
}
