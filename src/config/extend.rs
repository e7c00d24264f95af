//! `extend`: files of the same repository that a configuration builds on.

use bstr::ByteSlice as _;

use super::file::{ConfigError, ConfigFile, Located};
use crate::source::RelPath;

/// Reads a file by its path from the root that nothing may lead out of: name for messages and text, `None`
/// if there is no such file, or why it cannot be read.
pub type Reader<'a> = dyn Fn(&RelPath) -> Result<Option<(String, String)>, String> + 'a;

/// A file that extends one that extends one … so often is a mistake.
const DEEPEST: usize = 5;

type Take<'a> = dyn FnMut(&str, &str, &ConfigFile) -> Result<(), ConfigError> + 'a;

/// Hands a file and everything that it extends to `take`: what is built on comes first.
pub(super) fn read(name: &str, text: &str, reader: &Reader<'_>, take: &mut Take<'_>) -> Result<(), ConfigError> {
    let mut above = Vec::new();
    descend(name, text, &RelPath::default(), reader, &mut above, take)
}

fn descend(
    name: &str,
    text: &str,
    folder: &RelPath,
    reader: &Reader<'_>,
    above: &mut Vec<RelPath>,
    take: &mut Take<'_>,
) -> Result<(), ConfigError> {
    let written = Located { name, text };
    let file = written.parse()?;
    for target in &file.extend {
        let fail = |message: &str, mend: &str| Err(written.error(target.span(), message, mend));
        let Some(path) = inside(folder, target.get_ref()) else {
            return fail("this leads out of the repository", "name a file below the root, by a relative path");
        };
        if above.contains(&path) {
            return fail("the file extends itself", "take it out of one of the two");
        }
        if above.len() >= DEEPEST {
            return fail("files extend each other too deeply", "at most five levels; join some of them");
        }
        match reader(&path) {
            Ok(Some((name, text))) => {
                let parts: Vec<&[u8]> = path.as_bstr().rsplitn_str(2, b"/").collect();
                let folder = RelPath::new(parts.get(1).copied().unwrap_or_default());
                above.push(path);
                descend(&name, &text, &folder, reader, above, take)?;
                above.pop();
            }
            Ok(None) => return fail("there is no such file", "paths start at the folder of this file"),
            Err(why) => return fail(&why, "extend a regular file of the repository"),
        }
    }
    take(name, text, &file)
}

/// A path relative to a folder, from the root on; `None` if it leads out of it.
fn inside(folder: &RelPath, target: &str) -> Option<RelPath> {
    if target.is_empty() || target.starts_with('/') || target.contains(['\\', ':', '\0']) {
        return None;
    }
    let mut parts: Vec<&[u8]> = folder.as_bstr().split_str("/").filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name.as_bytes()),
        }
    }
    Some(RelPath::new(bstr::join("/", parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_root() {
        let inside = |folder: &str, target: &str| inside(&RelPath::new(folder), target).map(|path| path.to_string());
        assert_eq!(inside("", "ci/base.toml").as_deref(), Some("ci/base.toml"));
        assert_eq!(inside("ci", "../a.toml").as_deref(), Some("a.toml"));
        assert_eq!(inside("ci", "./b/../c.toml").as_deref(), Some("ci/c.toml"));
        for out in ["/etc/a.toml", "../../a.toml", "..\\a.toml", "C:/a.toml", ""] {
            assert_eq!(inside("ci", out), None, "{out}");
        }
        assert_eq!(inside("", "../a.toml"), None);
    }
}
