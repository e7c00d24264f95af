//! The JSON document in lines: one object each, which says its type.
//!
//! First the header, last the summary: a file without a summary was cut off.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write as _},
};

use serde::Serialize;

use super::{
    Look, Report,
    json::{Closing, Context, ErrorObject, Escaped, FindingObject, Header, IncidentObject, RuleObject, rules},
};

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut out = Escaped(BufWriter::new(out));
    let mut put = |line: Line<'_>| {
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")
    };
    put(Line::Header { header: Header::new(&context), rules: rules(&context) })?;
    context.incidents().map(Line::Incident).try_for_each(&mut put)?;
    context.findings().map(|finding| Line::Finding(Box::new(finding))).try_for_each(&mut put)?;
    context.suppressed().map(|finding| Line::Suppressed(Box::new(finding))).try_for_each(&mut put)?;
    context.errors().map(Line::Error).try_for_each(&mut put)?;
    put(Line::Summary(Box::new(Closing::new(&context))))?;
    out.flush()
}

/// `$defs/line` of `docs/report.schema.json`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Header {
        #[serde(flatten)]
        header: Header<'a>,
        rules: BTreeMap<&'a str, RuleObject<'a>>,
    },
    Incident(IncidentObject<'a>),
    Finding(Box<FindingObject<'a>>),
    Suppressed(Box<FindingObject<'a>>),
    Error(ErrorObject<'a>),
    Summary(Box<Closing<'a>>),
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::report::{
        Format,
        json::tests::{look, render, schema},
        sample::sample,
    };

    fn lines() -> Vec<Value> {
        let text = render(Format::Jsonl, &sample(), &look(false));
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    #[test]
    fn every_line_keeps_to_the_schema() {
        let schema = schema("#/$defs/line");
        for line in lines() {
            assert!(schema.is_valid(&line), "{line:#}");
            let mut wrong = line.clone();
            wrong["more"] = Value::Null;
            assert!(!schema.is_valid(&wrong), "the schema accepts a field nobody knows in {}", line["type"]);
        }
    }

    #[test]
    fn the_header_comes_first_and_the_summary_last() {
        let lines = lines();
        let mut types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap_or_default()).collect();
        types.dedup();
        assert_eq!(types, ["header", "incident", "finding", "suppressed", "error", "summary"]);
        assert_eq!(lines.last().map(|line| &line["incomplete"]), Some(&Value::Bool(true)));
    }

    #[test]
    fn lines_say_the_same_as_the_document() {
        let document: Value = serde_json::from_str(&render(Format::Json, &sample(), &look(false))).expect("it is JSON");
        for (list, of_type) in
            [("incidents", "incident"), ("findings", "finding"), ("suppressed", "suppressed"), ("errors", "error")]
        {
            let mut of_lines: Vec<Value> = lines().into_iter().filter(|line| line["type"] == of_type).collect();
            for line in &mut of_lines {
                line.as_object_mut().expect("a line is an object").remove("type");
            }
            assert_eq!(document[list], Value::Array(of_lines));
        }
    }
}
