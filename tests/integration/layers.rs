//! Guards: what may import what, and that no test, rule or unsafe block slips past.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// From the top: a layer may name itself and the layers below. What stands on one line may not name
/// its neighbours unless [`BESIDE`] says so.
const LAYERS: [&[&str]; 5] =
    [&["config"], &["scan"], &["judge", "suppress", "report"], &["detect", "finding"], &["rules", "source"]];
/// Neighbours that may be named. Empty, and better so.
const BESIDE: &[(&str, &str)] = &[];

#[test]
fn every_module_imports_only_from_layers_below() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in sources() {
        let Some(module) = module_of(&path) else {
            continue;
        };
        for named in names(&text, "crate::") {
            seen.insert((module.clone(), named.clone()));
            let (here, there) = (layer(&module), layer(&named));
            let allowed = module == named || here < there || BESIDE.contains(&(module.as_str(), named.as_str()));
            if !allowed {
                wrong.push(format!("{}: {module} names {named}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the order of the layers:\n{}", wrong.join("\n"));
    // The reader of imports still reads imports.
    for (module, named) in [("detect", "rules"), ("scan", "detect"), ("finding", "source"), ("report", "finding")] {
        assert!(seen.contains(&(module.to_owned(), named.to_owned())), "{module} -> {named} was not seen");
    }
}

#[test]
fn the_library_and_the_binary_meet_only_at_the_public_interface() {
    for (path, text) in sources() {
        if path.starts_with("src/cli") {
            assert!(!text.contains("#[path"), "{}: the binary takes library files in", path.display());
        } else {
            for word in ["clap::", "process::exit", "println!", "crate::cli"] {
                assert!(!text.contains(word), "{}: {word} belongs to the binary", path.display());
            }
        }
    }
}

#[test]
fn unsafe_stands_in_one_file() {
    for (path, text) in sources() {
        // `unsafe_code` is the lint's name.
        let text = text.replace("unsafe_code", "");
        if text.contains("unsafe") {
            assert_eq!(path, Path::new("src/source/git/process.rs"), "unsafe is for process-wide switches of libgit2");
        }
    }
}

#[test]
fn no_file_is_a_drawer() {
    // A file that reads well may be longer than most; one this long holds more than one idea.
    const LONGEST: usize = 480;
    for path in rust_files(Path::new("src")) {
        let lines = fs::read_to_string(&path).expect("sources are text").lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines: which two ideas are in it?", path.display());
    }
}

#[test]
fn every_test_file_is_compiled() {
    let folder = Path::new("tests/integration");
    let main = fs::read_to_string(folder.join("main.rs")).expect("it is this test's root");
    for path in rust_files(folder) {
        let inside = path.strip_prefix(folder).expect("it is in the folder");
        let name = inside.with_extension("").to_string_lossy().into_owned();
        if name == "main" || inside.components().count() > 1 {
            continue;
        }
        assert!(main.lines().any(|line| line == format!("mod {name};")), "{} is in no `mod` line", path.display());
    }
}

#[test]
fn every_rule_file_is_read_and_its_rules_are_built_in() {
    let builtin = keysweep::rules::RuleSet::builtin().expect("the built-in rules are sound");
    let mut count = 0;
    for entry in fs::read_dir("rules").expect("rules are there") {
        let path = entry.expect("the folder can be listed").path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("rule files are text");
        let rules = keysweep::rules::load(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
        for rule in &rules {
            assert!(builtin.find(&rule.id).is_some(), "{} of {} is not built in", rule.id, path.display());
            assert!(
                path.file_stem().is_some_and(|stem| *stem == *rule.text().provider.id),
                "{} is named otherwise",
                rule.id
            );
        }
        count += rules.len();
    }
    assert_eq!(count, builtin.len(), "a built-in rule is in no file");
}

/// Every file below `src` that is not only for tests, without its tests and comments.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for path in rust_files(Path::new("src")) {
        let text = fs::read_to_string(&path).expect("sources are text");
        let for_tests = path.components().any(|part| part.as_os_str() == "tests")
            || path.ends_with("tests.rs")
            || is_declared_for_tests(&path);
        if !for_tests {
            files.push((path, without_tests(&text)));
        }
    }
    assert!(files.len() > 50, "only {} source files were found", files.len());
    files
}

fn is_declared_for_tests(path: &Path) -> bool {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else {
        return false;
    };
    let line = format!("mod {};", stem.to_string_lossy());
    [folder.join("mod.rs"), folder.with_extension("rs"), folder.join("lib.rs")].iter().any(|parent| {
        fs::read_to_string(parent).is_ok_and(|text| {
            let lines: Vec<_> = text.lines().collect();
            lines.windows(2).any(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with(&line))
        })
    })
}

/// Drops comments and whatever a `#[cfg(test)]` at the start of a line stands before, up to the line
/// that closes it.
fn without_tests(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            let first = lines.next().unwrap_or("");
            if !first.ends_with(';') {
                lines.by_ref().find(|line| *line == "}");
            }
            continue;
        }
        let code = if line.trim_start().starts_with("//") { "" } else { line };
        out += code;
        out.push('\n');
    }
    out
}

/// The names right behind a prefix, also in a group: `crate::{a::b, c}`.
fn names(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut fresh) = (0, true);
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.insert(std::mem::take(&mut name));
                        fresh = true;
                    }
                    ':' if depth == 0 => fresh = false,
                    c if depth == 0 && fresh && !c.is_whitespace() => name.push(c),
                    _ => {}
                }
            }
            names.insert(name);
        } else {
            names.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names.remove("");
    names
}

fn module_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?;
    let name = Path::new(first.as_os_str()).with_extension("").to_string_lossy().into_owned();
    (name != "lib" && name != "cli").then_some(name)
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("{module} has no layer: add it to the list in tests/integration/layers.rs"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("folders of the package can be listed") {
        let path = entry.expect("folders of the package can be listed").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
