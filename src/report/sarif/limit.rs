//! GitHub's limits of a log: how many results, and how many bytes when compressed.

use std::io::{self, Write as _};

use flate2::{Compression, write::GzEncoder};
use serde_sarif::sarif::{Sarif, Version};

use super::SCHEMA;
use crate::report::json::{Context, Escaped};

/// GitHub takes no more results of one run.
pub(super) const RESULTS: usize = 25_000;

/// GitHub shows no more of them, the most severe.
pub(super) const SHOWN: usize = 5_000;

/// GitHub takes no upload of more than 10 MB, compressed. A little is left for another compressor.
pub(super) const GZIP: usize = 9_500_000;

/// The log with as many results as fit, compressed as the upload compresses it, into so many bytes.
pub(super) fn fitting(context: &Context<'_>, most_bytes: usize) -> io::Result<Vec<u8>> {
    let mut limit = Limit { results: RESULTS, why: "results of one run" };
    loop {
        let text = rendered(context, limit)?;
        let size = if text.len() <= most_bytes { text.len() } else { gzipped(&text)? };
        if size <= most_bytes || limit.results == 0 {
            return Ok(text);
        }
        // What is left does not compress quite as well, and the last try must fit.
        let held = context.report.findings.len().min(limit.results);
        let results = held * (most_bytes / 100) / (size / 95 + 1);
        limit = Limit { results: results.min(held - 1), why: "bytes of a compressed log" };
    }
}

fn rendered(context: &Context<'_>, limit: Limit) -> io::Result<Vec<u8>> {
    let runs = vec![super::run(context, limit)];
    let log = Sarif::builder().schema(SCHEMA).version(Version::V2_1_0.to_string()).runs(runs).build();
    let mut out = Escaped(Vec::new());
    serde_json::to_writer_pretty(&mut out, &log)?;
    out.0.push(b'\n');
    Ok(out.0)
}

fn gzipped(text: &[u8]) -> io::Result<usize> {
    let mut encoder = GzEncoder::new(Counter(0), Compression::default());
    encoder.write_all(text)?;
    encoder.finish().map(|counter| counter.0)
}

/// Counts what is written to it.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many results the log may have, and because of which of GitHub's limits.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) results: usize,
    pub(super) why: &'static str,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        finding::{Finding, Place},
        report::{json::tests::look, sample::sample},
        source::RelPath,
    };

    fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
        value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    #[test]
    fn a_log_that_is_too_large_when_compressed_keeps_the_riskiest() {
        let mut report = sample();
        let doubtful = report.findings.pop().expect("the sample has a doubtful one");
        let sure = report.findings[5].clone();
        let mut number = 0_u64;
        // Names that do not compress.
        let mut named = |finding: &Finding| {
            number += 1;
            let name = format!("{}.txt", blake3::hash(&number.to_le_bytes()).to_hex());
            Finding { place: Place::Staged { path: RelPath::new(name) }, ..finding.clone() }
        };
        report.findings = (0..2_000).map(|_| named(&doubtful)).collect();
        report.findings.extend((0..10).map(|_| named(&sure)));
        let look = look(false);
        let context = Context::new(&report, &look);
        for most in [30_000, 60_000] {
            let text = fitting(&context, most).expect("memory takes everything");
            assert!(gzipped(&text).is_ok_and(|size| size <= most && size > most / 2));
            let log: Value = serde_json::from_slice(&text).expect("it is JSON");
            let results = list(&log, "/runs/0/results");
            assert!(results.len() > 10 && results.len() < 2_010, "{}", results.len());
            assert!(results[..10].iter().all(|result| result["ruleId"] == "acme-deploy-token"));
            let notices = list(&log, "/runs/0/invocations/0/toolExecutionNotifications");
            let said = notices.iter().find(|notice| notice["descriptor"]["id"] == "result-limit").expect("it is said");
            let said = said["message"]["text"].as_str().unwrap_or_default();
            assert!(said.contains(&format!("2010 findings found; only the {} riskiest", results.len())), "{said}");
        }
        let whole = fitting(&context, GZIP).expect("memory takes everything");
        let log: Value = serde_json::from_slice(&whole).expect("it is JSON");
        assert_eq!(list(&log, "/runs/0/results").len(), 2_010);
    }
}
