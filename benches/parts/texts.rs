//! Texts of several kinds, the same on every machine: made by a seeded generator, but for this package's sources.

use std::{fs, path::Path};

/// What [`text`] makes.
pub(crate) const NAMES: [&str; 5] = ["source", "lock", "minified", "base64", "zeros"];
/// Bytes of each text: it does not fit into the second-level cache.
const SIZE: usize = 4 << 20;

const WORDS: [&str; 32] = [
    "the",
    "value",
    "return",
    "function",
    "const",
    "error",
    "index",
    "name",
    "this",
    "length",
    "result",
    "user",
    "config",
    "state",
    "type",
    "children",
    "node",
    "key",
    "data",
    "event",
    "handler",
    "create",
    "options",
    "token",
    "path",
    "style",
    "width",
    "props",
    "module",
    "exports",
    "require",
    "undefined",
];

/// One of the texts.
pub(crate) fn text(name: &str) -> Vec<u8> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut text = Vec::with_capacity(SIZE + 4096);
    while text.len() < SIZE {
        match name {
            "source" => sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut text),
            "lock" => lock(&mut random, &mut text),
            "minified" => minified(&mut random, &mut text),
            "base64" => {
                text.extend(
                    (0..76).map(|_| random.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")),
                );
                text.push(b'\n');
            }
            "zeros" => text.extend((0..64).map(|at| if at % 8 < 5 { 0 } else { random.below(256) as u8 })),
            other => panic!("there is no text {other:?}"),
        }
    }
    text.truncate(SIZE);
    text
}

/// A generator of numbers by Marsaglia (xorshift64), seeded so that every run measures the same.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn of(&mut self, from: &[u8]) -> u8 {
        from[self.below(from.len())]
    }

    fn word(&mut self) -> &'static [u8] {
        WORDS[self.below(WORDS.len())].as_bytes()
    }
}

/// This package's own sources, in the order of their names.
fn sources(root: &Path, text: &mut Vec<u8>) {
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<_> = fs::read_dir(folder)
            .expect("the package has sources")
            .map(|entry| entry.expect("its folders can be listed").path())
            .collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else {
                text.extend(fs::read(path).expect("its files can be read"));
            }
        }
    }
}

/// A package with its version, address and checksum.
fn lock(random: &mut Random, text: &mut Vec<u8>) {
    let name = [random.word(), b"-", random.word()].concat();
    let version = [&b"1."[..], random.below(90).to_string().as_bytes(), b".0"].concat();
    text.extend([b"    \"node_modules/", &name[..], b"\": {\n      \"version\": \"", &version, b"\",\n"].concat());
    text.extend([b"      \"resolved\": \"https://registry.example/", &name[..], b"-", &version, b".tgz\",\n"].concat());
    text.extend(b"      \"integrity\": \"sha512-");
    text.extend((0..86).map(|_| random.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")));
    text.extend(b"==\"\n    },\n");
}

/// An expression as a minifier leaves it; no line ever ends.
fn minified(random: &mut Random, text: &mut Vec<u8>) {
    let letter = |random: &mut Random| random.of(b"abcdefghijklmnopqrstuvwxyz");
    let joints: [&[u8]; 8] = [b"=", b".", b"(", b")", b",", b"&&", b"?", b";"];
    if random.below(3) == 0 {
        text.extend(random.word());
    } else {
        let one = letter(random);
        text.push(one);
    }
    text.extend(joints[random.below(joints.len())]);
}
