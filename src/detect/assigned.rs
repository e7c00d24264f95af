//! Generic rules: a value given to a telling name, whatever the language.
//!
//! Reads `NAME=value`, `name: "value"`, `"name" => 'value'`, `name: Type = "value"`, `--name value`,
//! `<name>value</name>`, `define('NAME', 'value')`, `setName("value")`, `Some("value")`. What the
//! value is worth is for the judges.

use std::ops::Range;

use super::{Candidate, Form, Segment, Window};
use crate::rules::Assigned;

/// How far before its telling word a name may start, and what may stand between name and value.
const BEFORE: usize = 96;
const BETWEEN: usize = 160;

/// How many bytes before and from a telling word of `word` bytes on an answer may depend on.
pub(super) fn reach(assigned: &Assigned, word: usize) -> (usize, usize) {
    (BEFORE, word + BETWEEN + assigned.max + 8)
}

/// Finds the value assigned to the name around the word at `at`.
pub(super) fn find(
    rule: usize,
    assigned: &Assigned,
    window: &Window<'_>,
    at: &Range<usize>,
    found: &mut Vec<Candidate>,
) {
    let (before, after) = reach(assigned, at.len());
    let segment = Segment::around(window, at.start, before, after, false);
    let text = &window.bytes[segment.range.clone()];
    let base = segment.range.start;
    let word = at.start - base..at.end - base;
    let name = name_around(text, &word);
    if segment.cut_before && name.start == 0 {
        return;
    }
    let mut reader = Reader { text, at: name.end };
    let Some((value, form)) = reader.value(&name, assigned.max) else {
        return;
    };
    if value.len() < assigned.min || value.len() > assigned.max || (segment.cut_behind && value.end >= text.len()) {
        return;
    }
    let absolute = |range: &Range<usize>| window.absolute(&(base + range.start..base + range.end));
    found.push(Candidate {
        rule,
        anchor: window.start + at.start as u64,
        matched: absolute(&(name.start..value.end)),
        secret: absolute(&value),
        groups: vec![("name".into(), absolute(&name))],
        form,
        coded: None,
    });
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The identifier that the word is part of; dots and dashes join (`spring.datasource.password`).
fn name_around(text: &[u8], word: &Range<usize>) -> Range<usize> {
    let start = text[..word.start].iter().rposition(|byte| !is_name(*byte)).map_or(0, |gap| gap + 1);
    let end = text[word.end..].iter().position(|byte| !is_name(*byte)).map_or(text.len(), |gap| word.end + gap);
    start..end
}

/// `setPassword("…")`, `.with_token("…")`: other calls look a value up, split it or check it.
fn is_setter(name: &[u8]) -> bool {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
    let lower = last.to_ascii_lowercase();
    ["set", "with", "use"].iter().any(|verb| lower.starts_with(verb.as_bytes()))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn skip(&mut self, set: &[u8], most: usize) -> usize {
        let count = self.rest().iter().take(most).take_while(|byte| set.contains(byte)).count();
        self.at += count;
        count
    }

    fn take(&mut self, literal: &[u8]) -> bool {
        let there = self.rest().starts_with(literal);
        if there {
            self.at += literal.len();
        }
        there
    }

    fn value(&mut self, name: &Range<usize>, longest: usize) -> Option<(Range<usize>, Form)> {
        let flag = self.text[name.clone()].starts_with(b"--");
        let before = name.start.checked_sub(1).map(|at| self.text[at]);
        // `AWS::IAM::AccessKey`, `arn:aws:…:secret:`: a part of a longer name.
        if before == Some(b':') {
            return None;
        }
        let quoted_name = before.is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        // `<password>` and `</password>`: only the opening tag has a value behind it.
        let tag = before == Some(b'<');
        let escaped = self.take(b"\\\"");
        if !escaped {
            self.skip(b"\"'`", 1);
        }
        self.skip(b"]})?!", 2);
        let spaces = self.skip(b" \t", 24);
        let operator = if self.take(b":=") || self.take(b"=>") || self.take(b"?=") || self.take(b"||=") {
            Operator::Assign
        } else if self.rest().starts_with(b"==") || self.rest().starts_with(b"=~") || self.rest().starts_with(b"::") {
            return None;
        } else if self.take(b"=") {
            Operator::Assign
        } else if self.rest().starts_with(b":") {
            // `has_secure_password :symbol` in Ruby, `-v "$PWD":/mnt` in a shell.
            let symbol = spaces > 0 && self.rest().get(1).is_some_and(|byte| !byte.is_ascii_whitespace());
            if symbol || before == Some(b'$') {
                return None;
            }
            self.at += 1;
            Operator::Colon
        } else if tag && self.take(b">") {
            Operator::Tag
        } else if quoted_name && self.take(b",") {
            Operator::Comma
        } else if spaces == 0 && is_setter(&self.text[name.clone()]) && self.take(b"(") {
            Operator::Call
        } else if flag && spaces > 0 {
            Operator::Flag
        } else {
            return None;
        };
        self.skip(b" \t", 40);
        if operator == Operator::Colon {
            self.type_annotation();
        }
        self.wrappers();
        let in_code = matches!(operator, Operator::Comma | Operator::Call);
        if let Some((range, form)) = self.quoted(longest) {
            // `("name", "value")` is a pair; in a longer list the next item is no value.
            if operator == Operator::Comma && !(self.opens_pair(name) && self.closes_pair(range.end)) {
                return None;
            }
            return Some((range, form));
        }
        if in_code { None } else { self.bare(name.start, operator, longest).map(|range| (range, Form::Bare)) }
    }

    fn opens_pair(&self, name: &Range<usize>) -> bool {
        name.start >= 2 && matches!(self.text[name.start - 2], b'(' | b'[' | b'{')
    }

    fn closes_pair(&self, value_end: usize) -> bool {
        let behind = self.text.get(value_end + 1..).unwrap_or_default();
        let behind = behind.trim_ascii_start();
        matches!(behind.first(), None | Some(b')' | b']' | b'}'))
    }

    /// `: str = "…"`, `: &'static str = "…"`, `: Option<String> = …`.
    fn type_annotation(&mut self) {
        let type_length = self
            .rest()
            .iter()
            .take(48)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.&'<>[] |?:".contains(byte))
            .count();
        let behind = &self.rest()[type_length..];
        let starts_like_type = self.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'&');
        if starts_like_type && type_length > 0 && behind.starts_with(b"=") && !behind.starts_with(b"==") {
            self.at += type_length + 1;
            self.skip(b" \t", 8);
        }
    }

    /// `Some("…")`, `String::from("…")`, `new Secret("…")`, `b"…"`, `r#"…"`.
    fn wrappers(&mut self) {
        for _ in 0..2 {
            let rest = self.rest();
            let word =
                rest.iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || b"_.: ".contains(byte)).count();
            let call = rest[word..].starts_with(b"(")
                && rest.get(word + 1).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'b' | b'r' | b'S'));
            // A look-up by name is not a value: `getenv("NAME")`, `config.get("name")`.
            let known: [&[u8]; 8] = [
                b"Some",
                b"String",
                b"String.from",
                b"String::from",
                b"SecretString::from",
                b"new String",
                b"Secret",
                b"str",
            ];
            if word > 0 && call && known.contains(&&rest[..word]) {
                self.at += word + 1;
            }
        }
        let rest = self.rest();
        if let [b'b' | b'r' | b'u' | b'f' | b'L' | b'@', b'"' | b'\'', ..] = rest {
            self.at += 1;
        } else if rest.starts_with(b"r#\"") {
            self.at += 2;
        }
    }

    fn quoted(&mut self, longest: usize) -> Option<(Range<usize>, Form)> {
        let escaped = self.take(b"\\\"");
        let quote = if escaped { b'"' } else { self.peek().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))? };
        if !escaped {
            self.at += 1;
        }
        let start = self.at;
        let mut at = start;
        while at < self.text.len() && at - start <= longest {
            match self.text[at] {
                b'\\' if escaped && self.text.get(at + 1) == Some(&quote) => return Some((start..at, Form::Quoted)),
                b'\\' => at += 2,
                // In a shell backquotes run a command, whose words are apart.
                byte if byte == quote => {
                    let command = quote == b'`' && self.text[start..at].contains(&b' ');
                    return (!command).then_some((start..at, Form::Quoted));
                }
                _ => at += 1,
            }
        }
        None
    }

    fn bare(&mut self, name_start: usize, operator: Operator, longest: usize) -> Option<Range<usize>> {
        let start = self.at;
        let stops: &[u8] = match operator {
            Operator::Tag => b"<\r",
            _ => b" \t\r,;\"'`<>(){}[]|&",
        };
        let length = self.rest().iter().take(longest + 1).take_while(|byte| !stops.contains(byte)).count();
        let end = start + length;
        let stop = self.text.get(end);
        // An expression goes on: `token = read(…)`, `key = table[…]`.
        if operator != Operator::Tag && stop.is_some_and(|byte| matches!(byte, b'(' | b'[' | b'{' | b'<')) {
            return None;
        }
        if operator == Operator::Tag && stop != Some(&b'<') {
            return None;
        }
        // Another word behind it: prose (`password: the usual one`) or a command with arguments.
        let behind = self.text.get(end..).unwrap_or_default();
        let next = behind.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        let apart = matches!(behind.first(), Some(b' ' | b'\t'));
        if matches!(operator, Operator::Assign | Operator::Colon)
            && apart
            && next.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'$')
            && !self.text[..name_start].trim_ascii_start().starts_with(b"-")
        {
            return None;
        }
        (length > 0).then_some(start..end)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Assign,
    Colon,
    Comma,
    Call,
    Flag,
    Tag,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(&str, &str)> {
        let assigned = Assigned { names: vec!["password".into()], min: 4, max: 100 };
        let mut found = Vec::new();
        let window = Window { bytes: text.as_bytes(), start: 0 };
        for (at, word) in text.to_lowercase().match_indices("password") {
            find(0, &assigned, &window, &(at..at + word.len()), &mut found);
        }
        let cut = |range: &Range<u64>| &text[range.start as usize..range.end as usize];
        found.iter().map(|one| (cut(&one.groups[0].1), cut(&one.secret))).collect()
    }

    #[test]
    fn every_way_to_give_a_name_a_value_is_read() {
        for (text, name, value) in [
            ("PASSWORD=examplevalue", "PASSWORD", "examplevalue"),
            ("export DB_PASSWORD=\"example value\"", "DB_PASSWORD", "example value"),
            ("  password: examplevalue # why", "password", "examplevalue"),
            ("{\"password\": \"examplevalue\"}", "password", "examplevalue"),
            (r#"{\"password\": \"examplevalue\"}"#, "password", "examplevalue"),
            ("$config['password'] = 'examplevalue';", "password", "examplevalue"),
            ("'password' => 'examplevalue',", "password", "examplevalue"),
            ("let password: &str = \"examplevalue\";", "password", "examplevalue"),
            ("password: Option<String> = Some(\"examplevalue\")", "password", "examplevalue"),
            ("mysql --password examplevalue -u root", "--password", "examplevalue"),
            ("mysql --password=examplevalue -u root", "--password", "examplevalue"),
            ("<password>examplevalue</password>", "password", "examplevalue"),
            ("define('DB_PASSWORD', 'examplevalue');", "DB_PASSWORD", "examplevalue"),
            ("ds.setPassword(\"examplevalue\");", "ds.setPassword", "examplevalue"),
            ("spring.datasource.password=examplevalue", "spring.datasource.password", "examplevalue"),
            ("password = b'it\\'s example'", "password", "it\\'s example"),
            ("password := \"examplevalue\"", "password", "examplevalue"),
        ] {
            assert_eq!(values(text), [(name, value)], "{text}");
        }
    }

    #[test]
    fn what_is_not_a_value_is_left() {
        for text in [
            "if password == \"examplevalue\" {",
            "password = read_password(prompt)",
            "password: config[\"db\"]",
            "use crate::password::Hash;",
            "</password>examplevalue</x>",
            "the password is examplevalue",
            "checkPassword(input)",
            "password=`cat examplevalue`",
            "has_secure_password :examplevalue",
            "docker run -v \"$PASSWORD\":/examplevalue",
            "splitpasswd('user:examplevalue')",
            "['user', 'password', 'examplevalue', 'x']",
            "arn:aws:x:password:examplevalue",
            "# password: examplevalue is what you type",
            "$password = ConvertTo-SecureString $x",
        ] {
            assert!(values(text).is_empty(), "{text}: {:?}", values(text));
        }
    }
}
