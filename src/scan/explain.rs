//! Everything that was looked at in one file, for `keysweep explain`.

use super::Scanner;
use crate::{
    detect::{AnchorTrace, Class, Window},
    finding::{Finding, Place},
    judge::{Judged, Verdict, place::PathClass},
    source::RelPath,
};

/// The whole trace of one content.
#[derive(Debug)]
pub struct Explained {
    /// The text as it was scanned (UTF-16 as UTF-8).
    pub text: Vec<u8>,
    /// What kind of content it is, in words.
    pub class: &'static str,
    /// What its path says of it, in words.
    pub path_class: &'static str,
    /// Every anchor with what became of it.
    pub anchors: Vec<AnchorTrace>,
    /// Every candidate, and for those that content judges kept what it became at this path.
    pub candidates: Vec<(Judged, Option<Result<Finding, &'static str>>)>,
}

impl Scanner {
    /// Traces everything that happens to a content at a path.
    pub fn explain(&self, bytes: &[u8], path: &RelPath) -> Explained {
        let (text, all, class) = self.explain_bytes(bytes);
        let window = Window { bytes: &text, start: 0 };
        let anchors = self.detector.trace(&window, &(0..text.len()), class);
        let scanned = self.scan_bytes(bytes);
        let place = Place::File { path: path.clone(), local: false };
        let about = scanned.about();
        let mut kept = scanned.kept.into_iter();
        let candidates = all
            .into_iter()
            .map(|judged| {
                // Both lists are in the same order; the second holds the reported ones only.
                let is_kept = matches!(judged.verdict, Verdict::Report(_));
                let outcome = is_kept.then(|| kept.next()).flatten().map(|one| self.settle(one, &place, about));
                (judged, outcome)
            })
            .collect();
        Explained {
            class: match class {
                Class::Plain => "text",
                Class::Utf16Le => "UTF-16, little-endian",
                Class::Utf16Be => "UTF-16, big-endian",
                Class::Binary => "binary: only distinctive rules are tried",
            },
            path_class: match PathClass::of(path) {
                PathClass::Lock => "a lock file: generic findings are dismissed",
                PathClass::Test => "a test or fixture: generic findings count less",
                PathClass::Docs => "documentation or an example: generic findings count less",
                PathClass::Vendored => "somebody else's code: generic findings count less",
                PathClass::Localisation => "a translation: names are labels",
                PathClass::Minified => "minified code: assigned values are not read",
                PathClass::Vectors => {
                    "test vectors: generic findings count less, plain hex counts nothing if the file says so"
                }
                PathClass::Ordinary if about.generated => {
                    "nothing special; its head says that a program wrote it: generic findings count less"
                }
                PathClass::Ordinary if about.vectors => {
                    "nothing special; its head says that it holds test vectors: generic findings count less"
                }
                PathClass::Ordinary => "nothing special",
            },
            text,
            anchors,
            candidates,
        }
    }
}
