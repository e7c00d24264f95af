//! Lists the rule files, so that a rule is one TOML entry and nothing else names it.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=rules");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let mut names: Vec<String> = fs::read_dir(Path::new(&root).join("rules"))
        .expect("the package has a rules folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    let mut table = String::from("pub(crate) const FILES: &[(&str, &str)] = &[\n");
    for name in names {
        let path = Path::new(&root).join("rules").join(&name);
        println!("cargo::rerun-if-changed=rules/{name}");
        let file = format!("rules/{name}");
        writeln!(table, "    ({file:?}, include_str!({path:?})),").expect("a String takes everything");
    }
    table += "];\n";
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("rule_files.rs"), table).expect("OUT_DIR can be written");
}
