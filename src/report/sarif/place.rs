//! Where a finding stands, as a URI and a region.

use serde_sarif::sarif::{ArtifactLocation, Location, Message, PhysicalLocation, Region};

use crate::{
    finding::{self, Finding, Place},
    report::json::Context,
};

/// Whether a file of the repository can be named; GitHub takes no result without one.
pub(super) fn has_file(place: &Place) -> bool {
    match place {
        // Below `.git`: in no commit, so GitHub has nothing to show, and the token that a checkout
        // leaves there would be an alert of every run.
        Place::File { local: true, .. } => false,
        Place::File { path, .. } | Place::Staged { path } | Place::History { path, .. } => !path.as_bstr().is_empty(),
        // Only if the user gave it the name of a file.
        Place::Stdin { name } => {
            let name: &[u8] = name.as_bstr();
            !matches!(name, b"" | b"-" | b"stdin") && !name.starts_with(b"<")
        }
        Place::Unplaced { .. } | Place::CommitMessage { .. } | Place::TagMessage { .. } => false,
    }
}

/// §3.28 and §3.29: the file and, always complete, the region.
pub(super) fn location(context: &Context<'_>, finding: &Finding) -> Location {
    let path = finding.place.path().map(|path| context.redactor.path(path)).unwrap_or_default();
    let physical = PhysicalLocation::builder()
        .artifact_location(artifact(&path))
        .region(region(finding.location.as_ref()))
        .build();
    Location::builder().physical_location(physical).build()
}

/// The same as a related location, §3.27.22: with a number and words.
pub(super) fn related(context: &Context<'_>, finding: &Finding, id: i64) -> Location {
    let mut location = location(context, finding);
    location.id = Some(id);
    let still = match &finding.history {
        Some(history) if history.at_head => ", at HEAD",
        Some(_) => ", in the history only",
        None => "",
    };
    location.message = Some(Message::from(&format!("The same secret{still}.")));
    location
}

/// §3.4. Relative to the root of the repository; `%SRCROOT%` as CodeQL itself writes it, so that
/// viewers ask for the folder instead of guessing. GitHub needs no `originalUriBaseIds` for it.
fn artifact(path: &[u8]) -> ArtifactLocation {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    match path {
        [b'/', ..] => ArtifactLocation::builder().uri(format!("file://{}", encoded(path))).build(),
        [drive, b':', b'/', rest @ ..] if drive.is_ascii_alphabetic() => {
            let uri = format!("file:///{}:/{}", char::from(*drive), encoded(rest));
            ArtifactLocation::builder().uri(uri).build()
        }
        _ => ArtifactLocation::builder().uri(encoded(path)).uri_base_id("%SRCROOT%").build(),
    }
}

/// Percent-encodes the bytes of a path (RFC 3986): names need not be UTF-8, and `a:b` is no scheme.
fn encoded(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(*byte)),
            _ => {
                out.push('%');
                for half in [byte >> 4, byte & 15] {
                    out.extend(char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase()));
                }
            }
        }
    }
    out
}

/// §3.30: from 1, the end exclusive. Where a position says nothing it is the file's first character.
fn region(location: Option<&finding::Location>) -> Region {
    let at_least = |number: usize, least: i64| i64::try_from(number).unwrap_or(i64::MAX).max(least);
    let (start_line, start_column, end_line, end_column) = location.map_or((1, 1, 1, 1), |place| {
        let line = at_least(place.start_line, 1);
        let column = at_least(place.start_column, 1);
        let end_line = at_least(place.end_line, line);
        (line, column, end_line, at_least(place.end_column, if end_line == line { column } else { 1 }))
    });
    Region::builder()
        .start_line(start_line)
        .start_column(start_column)
        .end_line(end_line)
        .end_column(end_column)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::RelPath;

    #[test]
    fn a_path_becomes_a_uri_that_decodes_to_its_bytes() {
        let uri = |path: &[u8]| artifact(path).uri.unwrap_or_default();
        assert_eq!(uri("docs/Über uns/a#b?.md".as_bytes()), "docs/%C3%9Cber%20uns/a%23b%3F.md");
        assert_eq!(uri(b"caf\xe9/100%.txt"), "caf%E9/100%25.txt");
        assert_eq!(uri(b"c:drive"), "c%3Adrive");
        assert_eq!(uri(b"./a\\b"), "a%5Cb");
        assert_eq!(uri(b"/etc/a b"), "file:///etc/a%20b");
        assert_eq!(uri(b"C:/a b"), "file:///C:/a%20b");
        assert_eq!(artifact(b"/etc/passwd").uri_base_id, None);
        assert_eq!(artifact(b"a").uri_base_id.as_deref(), Some("%SRCROOT%"));
    }

    #[test]
    fn standard_input_is_a_file_only_by_the_name_the_user_gave_it() {
        let has = |name: &str| has_file(&Place::Stdin { name: RelPath::new(name) });
        assert!(has("src/a.py"));
        assert!(!has("") && !has("-") && !has("<stdin>") && !has("stdin"));
    }

    #[test]
    fn a_region_is_complete_and_never_ends_before_it_starts() {
        let numbers = |region: Region| [region.start_line, region.start_column, region.end_line, region.end_column];
        assert_eq!(numbers(region(None)), [Some(1); 4]);
        let odd = finding::Location {
            start_line: 3,
            start_column: 9,
            end_line: 3,
            end_column: 2,
            start_byte: 0,
            end_byte: 0,
        };
        assert_eq!(numbers(region(Some(&odd))), [Some(3), Some(9), Some(3), Some(9)]);
    }
}
