//! Judges that look at the path: the same content may matter in one place and not in another.

use bstr::ByteSlice as _;

use super::{About, Judged, Reason, Verdict, merge};
use crate::{
    rules::{Check, Checksum, Matcher, Rule},
    source::RelPath,
};

/// What a path says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathClass {
    /// A dependency lock file: its random strings are integrity hashes.
    Lock,
    /// Tests and fixtures.
    Test,
    /// Documentation and examples.
    Docs,
    /// Somebody else's code.
    Vendored,
    /// Translations: `password` is a label there.
    Localisation,
    /// Bundled or minified.
    Minified,
    /// Test vectors of a standard.
    Vectors,
    /// Anything else.
    Ordinary,
}

impl PathClass {
    /// Classifies a path.
    pub fn of(path: &RelPath) -> Self {
        let original: &[u8] = path.as_bstr();
        let lower = original.to_ascii_lowercase();
        let path = String::from_utf8_lossy(&lower);
        let name = path.rsplit('/').next().unwrap_or(&path);
        let folders: Vec<&str> = path.split('/').rev().skip(1).collect();
        let within = |names: &[&str]| folders.iter().any(|folder| names.contains(folder));
        let lock_names = [
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "cargo.lock",
            "poetry.lock",
            "pipfile.lock",
            "composer.lock",
            "gemfile.lock",
            "go.sum",
            "flake.lock",
            "packages.lock.json",
            "uv.lock",
            "bun.lock",
            "deno.lock",
            "mix.lock",
            "pubspec.lock",
            "podfile.lock",
            "package.resolved",
            "gradle.lockfile",
            "conan.lock",
            "pdm.lock",
            "pixi.lock",
        ];
        if lock_names.contains(&name) || name.ends_with(".lock.json") {
            Self::Lock
        } else if is_data(name)
            && within(&[
                "locale",
                "locales",
                "i18n",
                "l10n",
                "lang",
                "langs",
                "languages",
                "translations",
                "lc_messages",
            ])
            || (name.starts_with("messages_") && name.ends_with(".properties"))
            || name.ends_with(".xliff")
            || name.ends_with(".ftl")
            || folders.iter().any(|folder| folder.ends_with(".lproj"))
            || name.ends_with(".po")
            || name.ends_with(".pot")
            || name.ends_with(".xlf")
            || name.ends_with(".resx")
            || name.ends_with(".strings")
            || name.ends_with(".arb")
        {
            Self::Localisation
        } else if name.ends_with(".min.js")
            || name.ends_with(".min.css")
            || name.ends_with(".js.map")
            || name.ends_with(".bundle.js")
        {
            Self::Minified
        } else if within(&[
            "vendor",
            "node_modules",
            "third_party",
            "third-party",
            "thirdparty",
            "site-packages",
            "bower_components",
            "external",
            "deps",
        ]) {
            Self::Vendored
        } else if within(&["testvectors", "test-vectors", "test_vectors", "vectors", "wycheproof", "cavp", "kat"]) {
            Self::Vectors
        } else if within(&[
            "test",
            "tests",
            "testing",
            "spec",
            "specs",
            "__tests__",
            "testdata",
            "test-data",
            "test_data",
            "fixtures",
            "fixture",
            "mock",
            "mocks",
            "__mocks__",
            "e2e",
            "cypress",
            "t",
        ]) || ["_test.", ".test.", ".spec.", "_spec.", "test_", "mock_"]
            .iter()
            .any(|mark| if mark.starts_with(['_', '.']) { name.contains(mark) } else { name.starts_with(mark) })
            || stem_is_test(original)
        {
            Self::Test
        } else if within(&[
            "docs",
            "doc",
            "documentation",
            "example",
            "examples",
            "sample",
            "samples",
            "demo",
            "demos",
            "tutorial",
            "tutorials",
        ]) || [".md", ".rst", ".adoc", ".mdx", ".example", ".sample", ".template", ".dist", ".tmpl"]
            .iter()
            .any(|end| name.ends_with(end))
            || name.contains(".example.")
            || name.contains(".sample.")
            || name.contains("-example")
            || name.contains("_example")
        {
            Self::Docs
        } else {
            Self::Ordinary
        }
    }
}

/// Files that hold texts and no program: in a folder of languages `python.py` is code.
fn is_data(name: &str) -> bool {
    let ends = [
        "json",
        "yml",
        "yaml",
        "properties",
        "po",
        "pot",
        "mo",
        "xml",
        "xlf",
        "strings",
        "arb",
        "resx",
        "csv",
        "toml",
        "php",
        "js",
        "ts",
        "rb",
        "txt",
        "ini",
    ];
    name.rsplit_once('.').is_some_and(|(_, end)| ends.contains(&end))
}

/// `login_test`, `login-tests`, `LoginTest`; not `contest` or `latest`.
fn stem_is_test(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
    let marked = ["_test", "-test", "_tests", "-tests", "Test", "Tests", "TestCase"];
    matches!(stem, b"test" | b"tests") || marked.iter().any(|end| stem.ends_with(end.as_bytes()))
}

/// File endings whose unquoted values are literals.
fn is_config(path: &RelPath) -> bool {
    let lower = path.as_bstr().to_ascii_lowercase();
    let name = lower.rsplit(|byte| *byte == b'/').next().unwrap_or(&lower);
    let ends = [
        ".env",
        ".ini",
        ".cfg",
        ".conf",
        ".config",
        ".properties",
        ".yaml",
        ".yml",
        ".toml",
        ".sh",
        ".bash",
        ".zsh",
        ".tfvars",
        ".xml",
        ".bat",
        ".ps1",
        ".cmd",
        ".netrc",
        ".txt",
        ".cnf",
        ".service",
        ".list",
        ".sql",
        ".md",
        ".rst",
        ".json",
        ".plist",
        ".log",
        ".csv",
        ".htpasswd",
        ".npmrc",
        ".pypirc",
    ];
    name.contains_str(".env")
        || ends.iter().any(|end| name.ends_with(end.as_bytes()))
        || !name.contains(&b'.')
        || name.starts_with(b".")
}

/// Adjusts the verdict for one path. Only generic and contextual findings change: a key with its own
/// checksum is a key wherever it stands.
pub fn judge(rule: &Rule, judged: &mut Judged, path: &RelPath, about: About) {
    if !matches!(judged.verdict, Verdict::Report(_)) {
        return;
    }
    let generic = rule.is_generic();
    let password = rule.knows_the_place_only();
    let proven = rule.checks.iter().any(|check| {
        matches!(check, Check::Checksum(Checksum::Crc32Base62 | Checksum::EntraSecret | Checksum::GitlabRoutable))
    });
    let contextual = matches!(rule.matcher, Matcher::Value(_));
    let class = PathClass::of(path);
    if proven
        || !(generic || contextual || password || &*rule.id == "jwt-generic" || rule.id.starts_with("private-key-"))
    {
        return;
    }
    let dismiss = |judged: &mut Judged, what| judged.verdict = Verdict::Dismiss(Reason::Place(what));
    let assigned = matches!(rule.matcher, Matcher::Assigned(_));
    if (generic || contextual) && class == PathClass::Lock {
        return dismiss(judged, "a lock file, whose random strings are integrity hashes");
    }
    if assigned && class == PathClass::Localisation {
        return dismiss(judged, "a translation, where the name is a label");
    }
    if assigned && (class == PathClass::Minified || about.minified) {
        return dismiss(judged, "minified code");
    }
    let hex = judged.secret.reveal().iter().all(u8::is_ascii_hexdigit);
    if (generic || contextual) && hex && about.vectors && matches!(class, PathClass::Test | PathClass::Vectors) {
        return dismiss(judged, "a file of test vectors, which says so");
    }
    if assigned && judged.candidate.form == crate::detect::Form::Bare && !is_config(path) {
        return dismiss(judged, "source code, where an unquoted value is an expression");
    }
    let remark = match class {
        PathClass::Test => "it stands in a test or fixture",
        PathClass::Docs => "it stands in documentation or an example",
        PathClass::Vendored => "it stands in somebody else's code",
        PathClass::Vectors => "it stands among test vectors",
        _ if about.vectors => "the file says that it holds test vectors",
        _ if about.generated => "the file says that a program wrote it",
        _ => return,
    };
    merge::lower(&mut judged.verdict);
    judged.remarks.push(remark.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_classes() {
        for (path, class) in [
            ("web/package-lock.json", PathClass::Lock),
            ("src/locales/de.json", PathClass::Localisation),
            ("src/languages/python.py", PathClass::Ordinary),
            ("src/main/resources/messages_de.properties", PathClass::Localisation),
            ("testvectors/aes_gcm.json", PathClass::Vectors),
            ("node_modules/x/index.js", PathClass::Vendored),
            ("pkg/auth/login_test.go", PathClass::Test),
            ("src/test/java/LoginTest.java", PathClass::Test),
            ("docs/setup.html", PathClass::Docs),
            (".env.example", PathClass::Docs),
            ("README.md", PathClass::Docs),
            ("src/contest.rs", PathClass::Ordinary),
            ("config/prod.yaml", PathClass::Ordinary),
        ] {
            assert_eq!(PathClass::of(&RelPath::new(path)), class, "{path}");
        }
    }
}
