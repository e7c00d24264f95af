//! Reads and proves the rule files and leaves them as `src/rules/builtin.rs` wants them, so that a start
//! parses nothing and a broken rule stops the build. A rule is one TOML entry; nothing else names it.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "the crate uses the rest of these files")]

#[path = "src/rules/anchors/mod.rs"]
mod anchors;
#[path = "src/rules/check.rs"]
mod check;
#[path = "src/rules/engine.rs"]
mod engine;
#[path = "src/rules/error.rs"]
mod error;
#[path = "src/rules/head.rs"]
mod head;
#[path = "src/rules/rule.rs"]
mod rule;
#[path = "src/rules/runbook.rs"]
mod runbook;
#[path = "src/rules/set.rs"]
mod set;
#[path = "src/rules/spec.rs"]
mod spec;
#[path = "src/rules/text.rs"]
mod text;

use std::{env, fmt::Write as _, fs, path::Path, process::ExitCode, sync::Arc};

use anchors::{Anchors, Grams};
use error::RuleError;
use rule::{Rule, Written};
use runbook::{Phase, Runbook};
use set::RuleSet;
use text::{Provider, RuleText};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=rules");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let (root, out) = (Path::new(&root), Path::new(&out));
    let names = names(root);
    let rules = match read(root, &names) {
        Ok(rules) => rules,
        Err(error) => {
            println!("cargo::error={error}; {}", error.mend);
            return ExitCode::FAILURE;
        }
    };
    let mut table = format!("const COUNT: usize = {};\n", rules.len());
    table += "const FILES: &[(&str, &str)] = &[\n";
    for name in names {
        let path = root.join("rules").join(&name);
        println!("cargo::rerun-if-changed=rules/{name}");
        let file = format!("rules/{name}");
        writeln!(table, "    ({file:?}, include_str!({path:?})),").expect("a String takes everything");
    }
    table += "];\n";
    fs::write(out.join("rule_files.rs"), table).expect("OUT_DIR can be written");
    let packed: Vec<u8> =
        rules.iter().flat_map(|rule| postcard::to_allocvec(rule).expect("a rule is plain data")).collect();
    fs::write(out.join("rules.bin"), packed).expect("OUT_DIR can be written");
    fs::write(out.join("anchors.rs"), constant(&Anchors::of(&rules))).expect("OUT_DIR can be written");
    ExitCode::SUCCESS
}

/// The tables as Rust. A slice of plain data prints as the expression that makes it.
fn constant(Anchors { texts, marks, rules, words, coded, grams, longest }: &Anchors) -> String {
    let Grams { map, sieve, buckets, all, overhang } = grams;
    format!(
        "static ANCHORS: Anchors = Anchors {{
            texts: Cow::Borrowed(&{texts:?}),
            marks: Cow::Borrowed(&{marks:?}),
            rules: Cow::Borrowed(&{rules:?}),
            words: Cow::Borrowed(&{words:?}),
            coded: Cow::Borrowed(&{coded:?}),
            grams: Grams {{
                map: Cow::Borrowed(&{map:?}),
                sieve: Cow::Borrowed(&{sieve:?}),
                buckets: Cow::Borrowed(&{buckets:?}),
                all: Cow::Borrowed(&{all:?}),
                overhang: {overhang},
            }},
            longest: {longest},
        }};\n"
    )
}

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root.join("rules"))
        .expect("the package has a rules folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    names
}

/// Every rule, proved, in the order of ids, each with the place where its text stands.
fn read(root: &Path, names: &[String]) -> Result<RuleSet, RuleError> {
    let mut rules: Vec<Arc<Rule>> = Vec::new();
    for (file, name) in names.iter().enumerate() {
        let text = fs::read_to_string(root.join("rules").join(name)).expect("rule files are text");
        let mut read = spec::load(&format!("rules/{name}"), &text)?;
        for (number, rule) in read.iter_mut().enumerate() {
            Arc::get_mut(rule).expect("nobody else has it yet").written = Some(Written { file, number });
        }
        rules.extend(read);
    }
    RuleSet::new(rules)
}
