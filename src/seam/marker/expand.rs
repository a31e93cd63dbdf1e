//! Patterns over paths, as a shell expands them, and what fits them. `*` takes names that begin with a dot too, for many
//! markers do; `**` goes through folders, and through no link.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::Pattern;

use super::look::why;
use super::name::{Leftover, is_ours};
use crate::error::is_missing;
use crate::model::Reason;

/// A pattern of `--files`.
#[derive(Clone, Debug)]
pub struct Files {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// Of the path as it is.
    Plain(PathBuf),
    /// A name that fits.
    Fits(Pattern),
    /// Any number of folders.
    Deep,
}

/// What fits a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its path, absolute.
    pub path: PathBuf,
    /// A folder that cannot be looked through, and why.
    pub failing: Option<Reason>,
    /// A link that fits a part of the pattern leads to it: maybe out of the tree that is meant.
    pub by_link: bool,
}

/// On the way to what fits.
#[derive(Clone, Debug, Default)]
struct Way {
    at: PathBuf,
    by_link: bool,
}

impl Way {
    fn named(&self, name: impl AsRef<Path>) -> Self {
        Self { at: self.at.join(name), by_link: self.by_link }
    }

    fn found(&self, name: &OsStr) -> Self {
        let below = self.named(name);
        let is_link = std::fs::symlink_metadata(&below.at).is_ok_and(|data| data.is_symlink());
        Self { by_link: self.by_link || is_link, ..below }
    }
}

impl std::str::FromStr for Files {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("'{text}' is not a pattern: {why}");
        if text.is_empty() || text.contains('\0') || text.ends_with('/') {
            return Err(wrong("it names no file"));
        }
        Pattern::new(text).map_err(|error| wrong(error.msg))?;
        let part = |one: Component<'_>| {
            let name = one.as_os_str().to_str().unwrap_or_default();
            Ok(match name {
                "**" => Part::Deep,
                _ if name.contains(['*', '?', '[']) => {
                    Part::Fits(Pattern::new(name).map_err(|error| wrong(error.msg))?)
                }
                _ => Part::Plain(name.into()),
            })
        };
        let mut parts: Vec<Part> = Path::new(text).components().map(part).collect::<Result<_, String>>()?;
        // Through folders twice is the same once, and each time costs all of them again.
        parts.dedup_by(|one, before| matches!((one, before), (Part::Deep, Part::Deep)));
        // At the end it is whatever is below: a folder is no marker.
        if matches!(parts.last(), Some(Part::Deep)) {
            parts.push(Part::Fits(Pattern::new("*").map_err(|error| wrong(error.msg))?));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl Files {
    /// The pattern as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What fits, by its path; what a clean-up has made or moved does not.
    #[must_use]
    pub fn matching(&self) -> Vec<Candidate> {
        let named = |one: &Candidate| !one.path.file_name().is_some_and(is_ours);
        self.expand(&self.parts).into_iter().filter(named).collect()
    }

    /// What clean-ups that were killed have left beside what fits, or once fitted.
    #[must_use]
    pub fn leftovers(&self) -> Vec<(PathBuf, Leftover)> {
        let Some((last, folders)) = self.parts.split_last() else { return Vec::new() };
        let fits = |of: &OsStr| match last {
            Part::Plain(name) => name.as_os_str() == of,
            Part::Fits(pattern) => pattern.matches(&of.to_string_lossy()),
            Part::Deep => true,
        };
        let any = Pattern::new("*").map(Part::Fits).into_iter();
        let parts: Vec<Part> = folders.iter().cloned().chain(any).collect();
        let found = self.expand(&parts).into_iter().filter(|one| one.failing.is_none());
        found
            .filter_map(|one| Some((Leftover::read(one.path.file_name()?)?, one.path)))
            .filter(|(leftover, _)| fits(&leftover.of))
            .map(|(leftover, path)| (path, leftover))
            .collect()
    }

    fn expand(&self, parts: &[Part]) -> BTreeSet<Candidate> {
        let mut found = BTreeSet::new();
        step(&Way::default(), parts, &mut found);
        found
    }
}

fn step(way: &Way, parts: &[Part], found: &mut BTreeSet<Candidate>) {
    let Some((part, rest)) = parts.split_first() else {
        return end(way, found);
    };
    match part {
        Part::Plain(name) => step(&way.named(name), rest, found),
        Part::Fits(pattern) => {
            for name in listed(&way.at, found).iter().filter(|name| pattern.matches(&name.to_string_lossy())) {
                step(&way.found(name), rest, found);
            }
        }
        Part::Deep => {
            step(way, rest, found);
            for name in listed(&way.at, found) {
                let below = way.named(name);
                if std::fs::symlink_metadata(&below.at).is_ok_and(|data| data.is_dir()) {
                    step(&below, parts, found);
                }
            }
        }
    }
}

/// A path that fits, if there is something at it, or that cannot be told.
fn end(way: &Way, found: &mut BTreeSet<Candidate>) {
    let path = way.at.clone();
    let there =
        !path.as_os_str().is_empty() && !matches!(std::fs::symlink_metadata(&path), Err(error) if is_missing(&error));
    if there {
        found.insert(Candidate {
            path: std::path::absolute(&path).unwrap_or(path),
            failing: None,
            by_link: way.by_link,
        });
    }
}

/// The names in a folder. One that cannot be listed is a finding: what fits in it is not known.
fn listed(folder: &Path, found: &mut BTreeSet<Candidate>) -> Vec<std::ffi::OsString> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let list = || -> io::Result<Vec<_>> {
        std::fs::read_dir(here)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    };
    match list() {
        Ok(names) => names,
        Err(error) if is_missing(&error) => Vec::new(),
        Err(error) => {
            let path = std::path::absolute(here).unwrap_or_else(|_| here.to_owned());
            found.insert(Candidate { path, failing: Some(why(&error)), by_link: false });
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_a_shell_would_and_names_with_a_dot() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        for file in [".m", "m1", "a/m2", "a/b/m3", "m.unreadable-20261120T073102Z"] {
            std::fs::write(top.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink(top.join("a"), top.join("link")).unwrap();
        let names = |pattern: &str| -> Vec<String> {
            let files: Files = format!("{}/{pattern}", top.display()).parse().unwrap();
            files.matching().iter().map(|one| one.path.strip_prefix(top).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("m*"), ["m1"]);
        assert_eq!(names("*m*"), [".m", "m1"]);
        assert_eq!(names("**/m?"), ["a/b/m3", "a/m2", "m1"]);
        let parts = |pattern: &str| pattern.parse::<Files>().unwrap().parts.len();
        assert_eq!((names("a/**/**/m?"), parts("**/**/m?")), (vec!["a/b/m3".into(), "a/m2".into()], 2));
        assert_eq!(names("a/**"), ["a/b", "a/b/m3", "a/m2"]);
        assert_eq!(names("*/m2"), ["a/m2", "link/m2"]);
        assert_eq!((names("none"), names("none/*")), (vec![], vec![]));
        for wrong in ["", "a/", "a**", "[", "a***/b"] {
            assert!(wrong.parse::<Files>().is_err(), "{wrong}");
        }
    }
}
