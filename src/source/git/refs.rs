//! Lists refs and the commits they come down to.

use std::fs;
use std::path::Path;

use git2::{ObjectType, Odb, Oid, ReferenceType};

use super::raw;
use super::repository::{Handle, REFTABLE, Repository, files_in, header, object, object_gap};
use crate::source::{Gap, GapKind};

/// Tags of tags are followed this far.
const TAG_DEPTH: usize = 64;

/// The refs of a repository.
#[derive(Debug, Default)]
pub(super) struct RefList {
    /// Name and commit, sorted by name. Refs to blobs and trees are left out.
    pub(super) refs: Vec<(String, Oid)>,
    /// Refs that could not be read or followed.
    pub(super) gaps: Vec<Gap>,
}

/// Lists all refs but symbolic ones, and every detached `HEAD` of the repository's worktrees.
pub(super) fn list(repository: &Repository, handle: &Handle<'_>) -> RefList {
    let mut list = RefList::default();
    if repository.facts().reftable {
        let (what, message) = ("refs".to_owned(), REFTABLE.to_owned());
        list.gaps.push(Gap { what, kind: GapKind::Unreadable, message });
        return list;
    }
    let Ok(odb) = handle.odb() else {
        return list;
    };
    match handle.references() {
        Ok(references) => {
            for reference in references {
                match reference {
                    Ok(reference) => {
                        if reference.kind() == Some(ReferenceType::Direct)
                            && let Some(target) = reference.target()
                        {
                            let name = String::from_utf8_lossy(reference.name_bytes());
                            list.add(&odb, name.into_owned(), target);
                        }
                    }
                    Err(error) => list.gaps.push(Gap {
                        what: "refs".to_owned(),
                        kind: GapKind::Corrupt,
                        message: error.message().to_owned(),
                    }),
                }
            }
        }
        Err(error) => list.gaps.push(Gap {
            what: "refs".to_owned(),
            kind: GapKind::Unreadable,
            message: error.message().to_owned(),
        }),
    }
    list.add_heads(repository, &odb);
    list.check_loose(&repository.facts().common_dir, "refs");
    list.refs.sort();
    list.refs.dedup();
    list
}

impl RefList {
    fn add(&mut self, odb: &Odb<'_>, name: String, target: Oid) {
        match peel(odb, target) {
            Ok(Some(commit)) => self.refs.push((name, commit)),
            Ok(None) => {}
            Err(gap) => self.gaps.push(Gap { what: name, ..gap }),
        }
    }

    /// A branch that is checked out is in the list already; a detached head is a ref of its own.
    fn add_heads(&mut self, repository: &Repository, odb: &Odb<'_>) {
        let facts = repository.facts();
        let mut heads = vec![("HEAD".to_owned(), facts.git_dir.join("HEAD"))];
        if facts.linked_worktree {
            heads.push(("main worktree HEAD".to_owned(), facts.common_dir.join("HEAD")));
        }
        for dir in files_in(&facts.common_dir.join("worktrees")) {
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            if dir.canonicalize().ok() != facts.git_dir.canonicalize().ok() {
                heads.push((format!("worktree {name} HEAD"), dir.join("HEAD")));
            }
        }
        for (name, path) in heads {
            if let Ok(text) = fs::read_to_string(path)
                && let Ok(id) = Oid::from_str(text.trim())
                && text.trim().len() == 40
            {
                self.add(odb, name, id);
            }
        }
    }
}

impl RefList {
    /// libgit2 passes over a ref whose file is damaged; whoever asks for all refs wants to know.
    fn check_loose(&mut self, dir: &Path, name: &str) {
        for path in files_in(&dir.join(name)) {
            let Ok(kind) = fs::symlink_metadata(&path).map(|meta| meta.file_type()) else {
                continue;
            };
            let part = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{name}/{part}");
            // Locks are not refs, and deeper folders than any ref name are not either.
            if kind.is_dir() && name.len() < 4096 {
                self.check_loose(dir, &name);
            } else if kind.is_file() && !name.ends_with(".lock") {
                let text = fs::read(&path).unwrap_or_default();
                let id = text.trim_ascii();
                let plain = id.len() == 40 && id.iter().all(u8::is_ascii_hexdigit);
                if !plain && !text.starts_with(b"ref:") {
                    self.gaps.push(Gap {
                        what: name,
                        kind: GapKind::Corrupt,
                        message: "neither an object id nor the name of a ref".to_owned(),
                    });
                }
            }
        }
    }
}

/// The commit that an object comes down to, through tags; none if that is a tree or blob.
fn peel(odb: &Odb<'_>, mut id: Oid) -> Result<Option<Oid>, Gap> {
    for _ in 0..TAG_DEPTH {
        let (_, kind) = header(odb, id)
            .map_err(|error| object_gap("object", id, &error))
            .map_err(|gap| Gap { message: format!("names {}: {}", gap.what, gap.message), ..gap })?;
        match kind {
            ObjectType::Commit => return Ok(Some(id)),
            ObjectType::Tag => {
                let tag = object(odb, id).ok();
                let target = tag.and_then(|tag| raw::tag(tag.data()).ok()?.target.into());
                id = target.ok_or_else(|| Gap {
                    what: format!("tag {id}"),
                    kind: GapKind::Corrupt,
                    message: format!("names tag {id}, which is damaged"),
                })?;
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}
