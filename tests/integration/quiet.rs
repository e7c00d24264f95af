//! Text that looks like secrets and is none: `fixtures/quiet`, one folder a cause, stays silent.
//!
//! The files are templates, so that nothing in them looks like a live key before it is expanded.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Project, found, secret};

/// Templates of this test beside those of rules: what cannot be written down as text.
fn expanded(text: &str) -> Vec<u8> {
    if text.starts_with("{git-crypt}") {
        let noise: Vec<u8> = secret("{base64:4000}").bytes().enumerate().map(|(at, byte)| byte ^ (at as u8)).collect();
        return [b"\0GITCRYPT\0".as_slice(), &noise].concat();
    }
    // A bundle: one line of statements, many of them with names that tell.
    let one =
        "e.password=t.password||\"Enter-Password-1\",a.token=\"tok-en-X9\"+n,c={apiKey:\"Key-Label-7z\",secret:o(41)};";
    let text = text.replace("{minified}", &one.repeat(80));
    // Halves of the examples that vendors print, which a scanner of this repository would stop at.
    let text = text.replace("{upper-example}", "EXAMPLE").replace("{key-example}", "EXAMPLEKEY");
    // The same, in pieces: these open nothing, but other scanners do not know that.
    let stripe = ["sk_te", "st_4eC39HqLyj", "WDarjtT1zdp7dc"].concat();
    let azurite =
        ["Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSR", "Z6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="].concat();
    let cosmos =
        ["C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE", "2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="].concat();
    let text =
        text.replace("{stripe-docs}", &stripe).replace("{azurite}", &azurite).replace("{cosmos-emulator}", &cosmos);
    secret(&text).into_bytes()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).expect("the fixtures can be listed") {
        let path = entry.expect("the fixtures can be listed").path();
        if path.is_dir() { out.extend(files(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

#[test]
fn what_only_looks_like_secrets_stays_silent() {
    let root = Path::new("fixtures/quiet");
    let mut loud = Vec::new();
    let mut causes = 0;
    for cause in fs::read_dir(root).expect("the fixtures can be listed") {
        let cause = cause.expect("the fixtures can be listed").path();
        causes += 1;
        let mut project = Project::new();
        for file in files(&cause) {
            let text = fs::read_to_string(&file).expect("fixtures are text");
            project = project.bytes(file.strip_prefix(&cause).expect("it is below"), &expanded(&text));
        }
        let (_, document) = project.json(["scan", "--no-ignore"]);
        let confidence = |at: usize| document["findings"][at]["confidence"].as_str().unwrap_or("").to_owned();
        let name = cause.file_name().expect("it has a name").to_string_lossy().into_owned();
        loud.extend(
            found(&document).into_iter().enumerate().map(|(at, one)| format!("{name}/{one} {}", confidence(at))),
        );
    }
    assert!(causes >= 10, "only {causes} causes");
    assert!(loud.is_empty(), "{} findings:\n{}", loud.len(), loud.join("\n"));
}
