//! Git repositories, as the `git` program sees them: it alone reads every format of refs that there is (loose, packed,
//! reftable, of worktrees). Called by `owed`. Bounded, and it changes nothing: no locks, no fetch, no hook runs.

use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::bounded::{self, Answer, Ran};
use crate::error::io_text;
use crate::model::Look;

/// A repository with a million refs takes a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no repository to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRepository {
    /// There is none here: git's words.
    None(String),
    /// It cannot be told: no git, or one that does not answer, or refuses.
    Unknown(String),
}

/// The folder that git calls its own for whoever stands in `folder`: of the worktree, where there are several.
///
/// # Errors
/// Why it cannot be named.
pub fn repository(folder: &Path) -> Result<PathBuf, NoRepository> {
    if !folder.is_dir() {
        return Err(NoRepository::None(format!("no folder {}", folder.display())));
    }
    let asked = git().arg("-C").arg(folder).args(["rev-parse", "--absolute-git-dir"]).answer();
    let answer = asked.map_err(NoRepository::Unknown)?;
    let path = answer.out.strip_suffix(b"\n").unwrap_or(&answer.out);
    if path.starts_with(b"/") {
        return Ok(PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())));
    }
    let words = fatal(&answer);
    Err(match words.starts_with("not a git repository") {
        true => NoRepository::None(words),
        false => NoRepository::Unknown(words),
    })
}

/// What a ref stands for now, by its full or its short name.
#[must_use]
pub fn ref_in(repository: &Path, name: &str) -> Look {
    let mut git = git();
    git.0.arg("--git-dir").arg(repository).args(["show-ref", "--head", "--", name]);
    match git.answer() {
        Err(why) => Look::Unknown { why },
        // 1: no ref fits.
        Ok(answer) if answer.ended_with(&[0, 1]) => match named(&String::from_utf8_lossy(&answer.out), name) {
            Some(object) => Look::Ref { object },
            None => Look::Absent,
        },
        Ok(answer) => Look::Unknown { why: fatal(&answer) },
    }
}

/// The object of a name among `OBJECT REF` lines, by git's own order of what a short name may mean (gitrevisions(7)).
fn named(lines: &str, name: &str) -> Option<String> {
    let full = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"].map(|before| format!("{before}{name}"));
    let remote = format!("refs/remotes/{name}/HEAD");
    let object_of = |wanted: &String| {
        lines
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(_, found)| found == wanted)
            .map(|(object, _)| object)
    };
    full.iter().chain([&remote]).find_map(object_of).map(str::to_owned)
}

/// A question to git.
struct Git(Command);

fn git() -> Git {
    let mut git = Command::new("git");
    for (variable, _) in std::env::vars_os() {
        // What a caller inside a hook has set would lead to its repository and not to the agent's.
        if variable.as_encoded_bytes().starts_with(b"GIT_") {
            git.env_remove(variable);
        }
    }
    git.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
    Git(git)
}

impl Git {
    fn arg(mut self, word: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(word);
        self
    }

    fn args<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.0.args(words);
        self
    }

    fn answer(mut self) -> Result<Answer, String> {
        match bounded::run(&mut self.0, PATIENCE) {
            Ok(Ran::Ended(answer)) => Ok(answer),
            Ok(Ran::Late) => Err(format!("git has not answered within {} s", PATIENCE.as_secs())),
            Ok(Ran::TooLong) => Err("the answer of git is too long".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err("the program git was not found".to_owned()),
            Err(error) => Err(format!("git cannot be asked: {}", io_text(&error))),
        }
    }
}

/// Git's own words for what went wrong.
fn fatal(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.err);
    let line = text.lines().find_map(|line| line.strip_prefix("fatal: ")).or_else(|| text.lines().next());
    let line = line.unwrap_or("git ended without a word");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with one commit on main.
    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        run(&folder, "git init -q -b main . && git commit -q --allow-empty -m one");
        folder
    }

    fn run(folder: &tempfile::TempDir, script: &str) -> String {
        let who = "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b \
                   GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b;";
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", &format!("{who} {script}")]).current_dir(folder);
        let Ok(Ran::Ended(answer)) = bounded::run(&mut shell, Duration::from_secs(60)) else { panic!("{script}") };
        assert!(answer.ended_with(&[0]), "{}", String::from_utf8_lossy(&answer.err));
        String::from_utf8(answer.out).unwrap().trim().to_owned()
    }

    fn object(look: Look) -> String {
        match look {
            Look::Ref { object } => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refs_are_found_loose_packed_symbolic_and_in_worktrees() {
        let folder = sample();
        let repository = repository(folder.path()).unwrap();
        let one = run(&folder, "git rev-parse HEAD");
        for name in ["main", "heads/main", "refs/heads/main", "HEAD"] {
            assert_eq!(object(ref_in(&repository, name)), one, "{name}");
        }
        assert_eq!(ref_in(&repository, "topic"), Look::Absent);
        run(&folder, "git branch deep/main; git pack-refs --all; git symbolic-ref refs/heads/alias refs/heads/main");
        for name in ["main", "deep/main", "alias"] {
            assert_eq!(object(ref_in(&repository, name)), one, "{name}");
        }
        run(&folder, "git worktree add -q tree -b topic; cd tree; git commit -q --allow-empty -m two");
        let two = run(&folder, "git -C tree rev-parse HEAD");
        let tree = super::repository(&folder.path().join("tree")).unwrap();
        assert_eq!(object(ref_in(&tree, "HEAD")), two);
        assert_eq!(object(ref_in(&repository, "HEAD")), one, "each worktree has its own");
        assert_eq!(object(ref_in(&repository, "topic")), two, "and they share their branches");
    }

    #[test]
    fn a_name_is_not_taken_for_the_end_of_another_or_for_an_object() {
        let folder = sample();
        let repository = repository(folder.path()).unwrap();
        let one = run(&folder, "git branch deep/topic; git rev-parse HEAD");
        assert_eq!(ref_in(&repository, "topic"), Look::Absent);
        assert_eq!(ref_in(&repository, &one), Look::Absent);
        assert_eq!(ref_in(&repository, &one[..8]), Look::Absent);
        let lines = "1 refs/heads/x\n2 refs/tags/x\n3 refs/remotes/x/HEAD\n4 refs/remotes/o/x\n";
        assert_eq!(named(lines, "x").as_deref(), Some("2"), "tags go before branches");
        assert_eq!(named(lines, "heads/x").as_deref(), Some("1"));
        assert_eq!(named(lines, "o/x").as_deref(), Some("4"));
    }

    #[test]
    fn no_repository_is_told_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let none = |path: &Path| matches!(repository(path), Err(NoRepository::None(_)));
        assert!(none(folder.path()) && none(&folder.path().join("missing")));
        run(&folder, "git init -q -b main .");
        let found = repository(folder.path()).unwrap();
        assert_eq!(ref_in(&found, "main"), Look::Absent, "no commit yet");
        assert_eq!(ref_in(&found, "HEAD"), Look::Absent);
        std::fs::remove_dir_all(&found).unwrap();
        assert!(matches!(ref_in(&found, "main"), Look::Unknown { .. }), "{:?}", ref_in(&found, "main"));
    }
}
