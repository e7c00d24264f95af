//! A copy of the package with as many rules as one likes.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Builds keysweep with `count` rules, its own and made-up ones, and measures that.
pub(crate) fn measure_with(count: usize, runs: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // In the target folder and always the same, so that what was built is there the next time.
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("startup");
    for name in ["src", "rules", "benches"] {
        let _ = fs::remove_dir_all(copy.join(name));
        copy_folder(&root.join(name), &copy.join(name));
    }
    for name in ["Cargo.toml", "Cargo.lock", "build.rs"] {
        fs::copy(root.join(name), copy.join(name)).expect("it is in the package");
    }
    // Its tests stay behind.
    let manifest = fs::read_to_string(copy.join("Cargo.toml")).expect("it was copied");
    let (before, rest) = manifest.split_once("[[test]]").expect("the package has tests");
    let rest = rest.split_once("\n\n").map_or("", |(_, rest)| rest);
    fs::write(copy.join("Cargo.toml"), format!("{before}{rest}\n[workspace]\n")).expect("there is room");

    let own = keysweep::rules::RuleSet::builtin().expect("the build is whole").len();
    for (number, rules) in (own..count).step_by(3).enumerate() {
        let name = format!("zz{number:04}");
        let text = provider(&name, 3.min(count - rules));
        fs::write(copy.join("rules").join(format!("{name}.toml")), text).expect("there is room");
    }
    let status = Command::new(env!("CARGO"))
        .args(["bench", "--locked", "--bench", "startup", "--target-dir", "target", "--"])
        .args(["--runs", &runs.to_string()])
        .current_dir(&copy)
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the copy with {count} rules was not measured");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("there is room");
    for entry in fs::read_dir(from).expect("it is in the package") {
        let entry = entry.expect("it can be listed");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).expect("there is room");
        }
    }
}

/// A rule file as long as a real one: two distinctive rules and a contextual one, with a runbook.
fn provider(name: &str, rules: usize) -> String {
    let mut text = format!("[provider]\nid = \"{name}\"\nname = \"{name}\"\nurl = \"https://{name}.example\"\n");
    let finders = [
        format!(
            "anchors = [\"{name}_live_\", \"{name}_org_\"]\npattern = '(?<secret>{name}_(?:live|org)_[0-9A-Za-z]{{32}})'\n\
             finds = ['KEY={name}_live_{{base62:32}}']\n"
        ),
        format!(
            "anchors = [\"{name}-\"]\npattern = '(?<secret>{name}-[0-9a-f]{{8}}-[0-9A-Za-z_-]{{20,60}})'\n\
             finds = ['KEY={name}-{{hex:8}}-{{base62:32}}']\n"
        ),
        format!(
            "value = {{ alphabet = \"hex-lower\", length = [32] }}\nwords = [\"{name}key\", \"{name}token\"]\n\
             finds = ['{name}_key={{hex:32}}']\n"
        ),
    ];
    for (number, finder) in finders.iter().enumerate().take(rules) {
        let _ = write!(
            text,
            "\n[[rule]]\nid = \"{name}-{number}\"\ntitle = \"{name} key\"\ndescription = \"{filler}\"\n\
             kind = \"api-key\"\nseverity = \"high\"\nconfidence = \"high\"\nrunbook = \"{name}\"\n\
             docs = \"https://{name}.example\"\nchecks = [{{ distinct = 8 }}, {{ entropy = 3.0 }}]\n\
             ignores = ['KEY={name}_live_...']\n{finder}",
            filler = "What it opens and for whom. ".repeat(8)
        );
    }
    for phase in ["contain", "replace", "deploy", "revoke", "audit", "prevent"] {
        let action = "Do this before that, and look twice at what depends on it. ".repeat(6);
        let _ = write!(text, "\n[[runbook.{name}.step]]\nphase = \"{phase}\"\ndo = \"{action}\"\ngeneral = true\n");
    }
    text
}
