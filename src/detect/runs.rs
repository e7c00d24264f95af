//! Runs of token characters: where an opaque value may stand.

use std::ops::Range;

/// Shorter runs hold no contextual value.
pub(super) const SHORTEST: usize = 16;
/// A longer run is no token but data.
const LONGEST: usize = 65_536;

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'_' | b'-');
        byte += 1;
    }
    table
};

/// Reports each run of at least sixteen token characters that starts within `core`.
///
/// Every sixteenth byte is looked at: a run of sixteen cannot hide between two looks.
pub(super) fn runs(bytes: &[u8], core: &Range<usize>, report: &mut dyn FnMut(Range<usize>)) {
    let mut at = core.start;
    // Nothing that starts within the core begins behind it by more than one look.
    let limit = bytes.len().min(core.end.saturating_add(SHORTEST));
    while at < limit {
        if !TOKEN[usize::from(bytes[at])] {
            at += SHORTEST;
            continue;
        }
        let floor = at.saturating_sub(LONGEST + 1);
        let start =
            bytes[floor..at].iter().rposition(|byte| !TOKEN[usize::from(*byte)]).map_or(floor, |gap| floor + gap + 1);
        let end = bytes[at..].iter().position(|byte| !TOKEN[usize::from(*byte)]).map_or(bytes.len(), |gap| at + gap);
        if core.contains(&start) && (SHORTEST..=LONGEST).contains(&(end - start)) {
            report(start..end);
        }
        at = end + SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        runs(text.as_bytes(), &(0..text.len()), &mut |run| found.push(&text[run]));
        found
    }

    #[test]
    fn every_run_of_sixteen_is_found_wherever_it_stands() {
        for lead in 0..40 {
            let text = format!("{}{}{}", ".".repeat(lead), "a".repeat(16), " b");
            assert_eq!(all(&text), ["a".repeat(16)], "lead {lead}");
            let short = format!("{}{}{}", ".".repeat(lead), "a".repeat(15), " b");
            assert!(all(&short).is_empty(), "lead {lead}");
        }
        assert_eq!(all(&format!("{} {}", "a".repeat(17), "b".repeat(40))), ["a".repeat(17), "b".repeat(40)]);
    }
}
