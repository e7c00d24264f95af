//! `.keysweepignore`: what has been looked at and may stay, one entry a line.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::OnceLock,
};

use jiff::civil::Date;

use super::{Entry, Print, Salt, Scope, policy::day, slow_hash};
use crate::finding::{Fingerprint, Secret};

/// The name of the file at the root of a repository.
pub const IGNORE_FILE: &str = ".keysweepignore";

/// So many slow hashes are computed in a run, 10 ms each. A hostile file could ask for any number.
const MOST_SLOW: usize = 2_000;

/// Entries by their slow hash.
type Hashes = HashMap<[u8; 16], Vec<usize>>;

/// The entries of a file, ready to be asked.
#[derive(Debug, Default)]
pub struct IgnoreFile {
    /// What messages call it.
    pub name: String,
    /// The entries with their lines, from 1, in the order of the file.
    pub entries: Vec<(usize, Entry)>,
    /// Lines that are no entry: line, what is wrong, the mend.
    pub malformed: Vec<(usize, String, String)>,
    plain: HashMap<Fingerprint, Vec<usize>>,
    slow: HashMap<Scope, BTreeMap<Salt, Hashes>>,
}

impl IgnoreFile {
    /// Reads a file. What is no entry allows nothing and is kept to be told.
    pub fn parse(name: &str, text: &[u8]) -> Self {
        let mut file = Self { name: name.to_owned(), ..Self::default() };
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let read = match std::str::from_utf8(line) {
                Ok(line) => Entry::parse(line.trim_start_matches('\u{feff}')),
                Err(_) => {
                    Err(("the line is not UTF-8".to_owned(), "keysweep baseline update writes it anew".to_owned()))
                }
            };
            match read {
                Ok(None) => {}
                Ok(Some(entry)) => file.add(number, entry),
                Err((what, mend)) => file.malformed.push((number, what, mend)),
            }
        }
        file
    }

    fn add(&mut self, line: usize, entry: Entry) {
        let at = self.entries.len();
        match &entry.print {
            Print::Plain(print) => self.plain.entry(print.clone()).or_default().push(at),
            Print::Slow { salt, hash } => {
                let salts = self.slow.entry(entry.scope.clone()).or_default();
                salts.entry(*salt).or_default().entry(*hash).or_default().push(at);
            }
        }
        self.entries.push((line, entry));
    }

    /// The salt that further entries of this scope take.
    pub fn salt_of(&self, scope: &Scope) -> Option<Salt> {
        self.slow.get(scope)?.keys().next().copied()
    }

    /// Asks the file about findings of one run.
    pub fn asked(&self, now: i64) -> Asked<'_> {
        Asked {
            file: self,
            day: day(now),
            used: vec![false; self.entries.len()],
            twice: vec![false; self.entries.len()],
            known: HashMap::new(),
            too_many: false,
        }
    }
}

/// An ignore file in use: remembers what it was asked.
#[derive(Debug)]
pub struct Asked<'a> {
    file: &'a IgnoreFile,
    day: Date,
    used: Vec<bool>,
    twice: Vec<bool>,
    known: HashMap<(Salt, Secret), [u8; 16]>,
    too_many: bool,
}

/// What the file says of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    Nothing,
    /// This entry allows it: an index into [`IgnoreFile::entries`].
    Allowed(usize),
    /// This entry did, but its last day has passed.
    Expired(usize),
}

impl Asked<'_> {
    /// What the file says of a secret in a place.
    pub fn ask(&mut self, secret: &Secret, print: Option<&Fingerprint>, scope: &Scope) -> Said {
        let mut fitting: Vec<usize> = match print {
            Some(print) => {
                let all = self.file.plain.get(print).map(Vec::as_slice).unwrap_or_default();
                let here = |at: &&usize| {
                    let entry = &self.file.entries[**at].1;
                    entry.scope == Scope::Anywhere || entry.scope == *scope
                };
                all.iter().filter(here).copied().collect()
            }
            None => self.slow(secret, scope),
        };
        fitting.sort_unstable();
        for at in &fitting {
            self.used[*at] = true;
        }
        // Of several the one that counts longest stays; the others say nothing that it does not.
        let lasting = |at: &usize| self.file.entries[*at].1.expires.unwrap_or(Date::MAX);
        let Some(best) = fitting.iter().copied().max_by_key(|at| (lasting(at), std::cmp::Reverse(*at))) else {
            return Said::Nothing;
        };
        let same_scope = |at: &&usize| self.file.entries[**at].1.scope == self.file.entries[best].1.scope;
        for at in fitting.iter().filter(|at| **at != best).filter(same_scope) {
            self.twice[*at] = true;
        }
        if self.is_expired(best) { Said::Expired(best) } else { Said::Allowed(best) }
    }

    fn slow(&mut self, secret: &Secret, scope: &Scope) -> Vec<usize> {
        let mut fitting = Vec::new();
        for (salt, hashes) in self.file.slow.get(scope).into_iter().flatten() {
            let key = (*salt, secret.clone());
            let hash = match self.known.get(&key) {
                Some(hash) => *hash,
                None if self.known.len() >= MOST_SLOW => {
                    self.too_many = true;
                    return fitting;
                }
                None => *self.known.entry(key).or_insert_with(|| slow_hash(secret, salt)),
            };
            fitting.extend(hashes.get(&hash).into_iter().flatten());
        }
        fitting
    }

    /// Whether the last day of an entry has passed.
    pub fn is_expired(&self, at: usize) -> bool {
        self.file.entries[at].1.expires.is_some_and(|last| last < self.day)
    }

    /// Whether an entry fitted a finding.
    pub fn is_used(&self, at: usize) -> bool {
        self.used[at]
    }

    /// Whether another entry of the same place names the same secret.
    pub fn is_duplicate(&self, at: usize) -> bool {
        self.twice[at]
    }

    /// Whether hashing was given up, so that entries were not honoured.
    pub fn gave_up(&self) -> bool {
        self.too_many
    }
}

type Read = Box<dyn Fn() -> Result<Option<(String, Vec<u8>)>, String> + Send + Sync>;
type Covers = Box<dyn Fn(&Scope) -> bool + Send + Sync>;

/// Where the ignore file is; it is read at most once, and only when there is a finding to ask it about.
pub struct IgnoreSource {
    read: Read,
    covers: Option<Covers>,
    file: OnceLock<Result<Option<IgnoreFile>, String>>,
}

impl IgnoreSource {
    /// `read` gives the name and the text, `None` if there is no such file, or why it cannot be read.
    pub fn new(read: impl Fn() -> Result<Option<(String, Vec<u8>)>, String> + Send + Sync + 'static) -> Self {
        Self { read: Box::new(read), covers: None, file: OnceLock::new() }
    }

    /// The run looks at all of some places, so that an entry of such a place that fits nothing is unused.
    /// Without this (a hook, a range) no entry is called unused, and without a finding the file is not read.
    #[must_use]
    pub fn covering(mut self, covers: impl Fn(&Scope) -> bool + Send + Sync + 'static) -> Self {
        self.covers = Some(Box::new(covers));
        self
    }

    /// Whether entries of a place can be called unused; `None` if the run sees only a part.
    pub fn covers(&self) -> Option<&dyn Fn(&Scope) -> bool> {
        self.covers.as_deref().map(|covers| covers as &dyn Fn(&Scope) -> bool)
    }

    /// The file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn file(&self) -> Result<Option<&IgnoreFile>, String> {
        let parse = |(name, text): (String, Vec<u8>)| IgnoreFile::parse(&name, &text);
        self.file.get_or_init(|| Ok((self.read)()?.map(parse))).as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
}

impl fmt::Debug for IgnoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IgnoreSource").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::RelPath;

    const DAY: i64 = 86_400;

    fn at(path: &str) -> Scope {
        Scope::At(RelPath::new(path))
    }

    fn secret(seed: &str) -> (Secret, Fingerprint) {
        let secret = Secret::new(crate::rules::example::expand("{base62:40}", seed).into_bytes());
        let print = Fingerprint::of(&secret).expect("it is random");
        (secret, print)
    }

    #[test]
    fn an_entry_counts_for_its_value_in_its_file_until_its_last_day() {
        let ((one, print), (other, other_print)) = (secret("one"), secret("other"));
        let text =
            format!("a.txt {print} owner=ada expires=1970-01-10 # made up\r\n* {other_print} owner=ada # demo\n");
        let file = IgnoreFile::parse(IGNORE_FILE, text.as_bytes());
        let mut asked = file.asked(9 * DAY + 5);
        assert_eq!(asked.ask(&one, Some(&print), &at("a.txt")), Said::Allowed(0));
        assert_eq!(asked.ask(&one, Some(&print), &at("b.txt")), Said::Nothing);
        assert_eq!(asked.ask(&other, Some(&other_print), &Scope::Messages), Said::Allowed(1));
        assert_eq!(file.asked(10 * DAY).ask(&one, Some(&print), &at("a.txt")), Said::Expired(0));
    }

    #[test]
    fn a_guessable_secret_is_known_again_by_its_slow_hash() {
        let password = Secret::new(*b"Winter2024!");
        let hash = slow_hash(&password, &[7; 16]);
        let slow = Print::Slow { salt: [7; 16], hash };
        let text = format!("a.env {slow} owner=ada # local\n# again\na.env {slow} owner=bob # local too\n");
        let file = IgnoreFile::parse(IGNORE_FILE, text.as_bytes());
        let mut asked = file.asked(0);
        assert_eq!(asked.ask(&password, None, &at("a.env")), Said::Allowed(0));
        assert_eq!(asked.ask(&Secret::new(*b"Winter2025!"), None, &at("a.env")), Said::Nothing);
        assert_eq!(asked.ask(&password, None, &at("b.env")), Said::Nothing, "other files have other salts");
        assert!(asked.is_duplicate(1) && !asked.is_duplicate(0));
        assert_eq!(asked.known.len(), 2, "nothing is hashed for a file without entries");
    }

    #[test]
    fn a_file_that_asks_for_endless_hashing_is_given_up() {
        let line = |number: usize| format!("a ks1s:{number:032x}:{number:032x} owner=eve # busy\n");
        let text: String = (0..MOST_SLOW + 10).map(line).collect();
        let file = IgnoreFile::parse(IGNORE_FILE, text.as_bytes());
        let mut asked = file.asked(0);
        // As if the hashes had been computed.
        asked.known =
            (0..MOST_SLOW).map(|n| (([n as u8; 16], Secret::new(n.to_string().into_bytes())), [0; 16])).collect();
        assert_eq!(asked.ask(&Secret::new(*b"hunter2"), None, &at("a")), Said::Nothing);
        assert!(asked.gave_up());
    }
}
