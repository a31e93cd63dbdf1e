//! Folders as marks name them: canonical, and by default the git work tree around one.

use std::io;
use std::path::{Component, Path, PathBuf};

/// A folder without links and dots.
///
/// # Errors
/// What canonicalising gives, and `NotADirectory` for a file.
pub fn folder(path: &Path) -> io::Result<PathBuf> {
    let found = path.canonicalize()?;
    if found.is_dir() { Ok(found) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// A folder that another tool names: without links and dots where it is there, else without dots. None for one that is
/// told from nobody knows where.
#[must_use]
pub fn told(path: &Path) -> Option<PathBuf> {
    let cleaned = || {
        path.components().fold(PathBuf::new(), |mut clean, part| {
            match part {
                Component::ParentDir => drop(clean.pop()),
                part => clean.push(part),
            }
            clean
        })
    };
    path.is_absolute().then(|| folder(path).unwrap_or_else(|_| cleaned()))
}

/// The top of the git work tree around a canonical folder, else the folder itself. Git is not asked: a `.git` is there, a
/// folder or a file (gitrepository-layout(5)), or it is not.
#[must_use]
pub fn work_tree(folder: &Path) -> &Path {
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder)
}

/// Whether a git work tree begins between two canonical folders, one of which contains the other: what is for the one is not
/// for the other then. A folder outside every work tree is for all of them.
#[must_use]
pub fn border_between(one: &Path, other: &Path) -> bool {
    let (deep, shallow) = if one.starts_with(other) { (one, other) } else { (other, one) };
    let begins = |folder: &Path| folder.join(".git").exists();
    let within = deep.ancestors().take_while(|above| *above != shallow);
    within.into_iter().any(begins) && shallow.ancestors().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_tree_is_the_next_folder_above_with_a_git() {
        let stage = tempfile::tempdir().unwrap();
        let top = folder(stage.path()).unwrap();
        let (inner, linked) = (top.join("a/b"), top.join("w"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(&linked).unwrap();
        assert_eq!(work_tree(&inner), inner);
        std::fs::create_dir(top.join(".git")).unwrap();
        std::fs::write(linked.join(".git"), "gitdir: ../.git/worktrees/w\n").unwrap();
        assert_eq!((work_tree(&inner), work_tree(&linked)), (&*top, &*linked));
    }

    #[test]
    fn a_folder_that_is_told_loses_its_dots_also_where_it_is_gone() {
        let stage = tempfile::tempdir().unwrap();
        let top = folder(stage.path()).unwrap();
        std::fs::create_dir(top.join("a")).unwrap();
        std::os::unix::fs::symlink("a", top.join("link")).unwrap();
        let here = |text: &str| told(&top.join(text));
        assert_eq!((here("x/../a"), here("link")), (Some(top.join("a")), Some(top.join("a"))));
        assert_eq!(here("gone/./b/../c"), Some(top.join("gone/c")));
        assert_eq!(told(Path::new("a")), None);
    }

    #[test]
    fn a_work_tree_inside_another_one_is_another_one() {
        let stage = tempfile::tempdir().unwrap();
        let top = folder(stage.path()).unwrap();
        let (main, sub, linked) = (top.join("main"), top.join("main/sub"), top.join("main/trees/x"));
        for one in [&sub, &linked] {
            std::fs::create_dir_all(one).unwrap();
        }
        std::fs::create_dir(main.join(".git")).unwrap();
        std::fs::write(linked.join(".git"), "gitdir: ../../.git/worktrees/x\n").unwrap();
        let trees = main.join("trees");
        let rows = [
            (&main, &main, false),
            (&main, &sub, false),
            (&main, &trees, false),
            (&main, &linked, true),
            (&trees, &linked, true),
            (&linked, &linked.join("deep"), false),
            // No work tree is around these.
            (&top, &main, false),
            (&top, &linked, false),
        ];
        for (one, other, border) in rows {
            assert_eq!((border_between(one, other), border_between(other, one)), (border, border), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_folder_is_named_in_one_way() {
        let stage = tempfile::tempdir().unwrap();
        let top = folder(stage.path()).unwrap();
        std::fs::create_dir(top.join("a")).unwrap();
        std::os::unix::fs::symlink("a", top.join("link")).unwrap();
        std::fs::write(top.join("file"), "").unwrap();
        for text in ["a", "a/../a/.", "link", "link/"] {
            assert_eq!(folder(&top.join(text)).unwrap(), top.join("a"), "{text}");
        }
        assert_eq!(folder(&top.join("file")).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert_eq!(folder(&top.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
