//! The guard of a work tree, as git calls it: real repositories, real marks, an owner that is killed.

mod files;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::{Ran, commands, commands_first, script};
use crate::stage::Stage;

const LINK: &str =
    "ln -s /path/to/refloat/scripts/git-hooks/pre-commit \"$(git rev-parse --git-path hooks)/pre-commit\"";

/// A repository, with a space in its path and the guard in it.
struct Guarded {
    stage: Stage,
    top: PathBuf,
}

impl Guarded {
    fn new() -> Self {
        let guarded = Self::unguarded();
        guarded.install().went("");
        guarded
    }

    fn unguarded() -> Self {
        let stage = Stage::new();
        let top = stage.path("a repository");
        std::fs::create_dir_all(top.join("sub/folder")).unwrap();
        let guarded = Self { stage, top };
        guarded.git(&["init", "-q", "-b", "main"]).went("");
        guarded
    }

    /// The line of the script's head, on this repository of ours.
    fn install(&self) -> Ran {
        let file = script("git-hooks/pre-commit");
        assert!(std::fs::read_to_string(&file).unwrap().contains(LINK));
        let folder = file.ancestors().nth(3).unwrap();
        let line = LINK.replace("/path/to/refloat", folder.to_str().unwrap());
        Ran::of(self.command("bash", &self.top).args(["-c", &line]))
    }

    /// A program in a folder, with the commands in PATH, on this state file, and with a git that knows nobody's settings.
    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = self.stage.command(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        command.current_dir(folder).env("PATH", commands_first());
        command
    }

    fn git_in(&self, folder: &Path, args: &[&str]) -> Ran {
        Ran::of(self.command("git", folder).args(args))
    }

    fn git(&self, args: &[&str]) -> Ran {
        self.git_in(&self.top, args)
    }

    fn commit_in(&self, folder: &Path) -> Ran {
        self.git_in(folder, &["commit", "-q", "--allow-empty", "-m", "work"])
    }

    fn commit(&self) -> Ran {
        self.commit_in(&self.top)
    }

    fn mark_in(&self, folder: &Path, args: &[&str]) {
        let ran = Ran::of(self.command("mark", folder).args(args));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:#?}");
    }

    fn mark(&self, args: &[&str]) {
        self.mark_in(&self.top, args);
    }

    /// How many commits there are.
    fn commits(&self) -> usize {
        self.git(&["rev-list", "--all"]).out.lines().count()
    }
}

impl Ran {
    #[track_caller]
    fn went(&self, err: &str) {
        assert_eq!((self.code, self.err.as_str()), (0, err), "{self:#?}");
    }

    /// Refused, with all of these words on stderr.
    #[track_caller]
    fn refused(&self, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "{word}: {self:#?}");
        }
    }
}

/// A process that owns marks. It ends with the test.
struct Owner(Child);

impl Owner {
    fn new(guarded: &Guarded) -> Self {
        Self(guarded.stage.family.command("sleep").arg("600").spawn().unwrap())
    }

    /// Ends it by SIGKILL, and takes it away.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn a_live_owner_keeps_everybody_from_a_commit_and_a_killed_one_nobody() {
    let guarded = Guarded::new();
    guarded.mark(&["set", "dispatch", "over", "--ttl", "1ms"]);
    guarded.commit().went("");
    let mut owner = Owner::new(&guarded);
    let pid = owner.0.id().to_string();
    // What others put into the data passes for nothing else.
    let data = r#"{"owner_pid":1,"name":"evil","mark":"k99","turn":"t9"}"#;
    guarded.mark(&["set", "dispatch", "builder-1", "--owner-pid", &pid, "--data", data]);
    guarded.mark(&["set", "dispatch", "b \"2\"", "--ttl", "1h"]);
    let ran = guarded.commit();
    let top = guarded.top.display();
    ran.refused(&[
        &format!("pre-commit: refused: somebody works in {top}\n"),
        "  k2 dispatch builder-1: live (running), set by operator at 20",
        &format!(" for process {pid}; ends at 20"),
        "  k3 dispatch b \\\"2\\\": live (within_clock), set by operator at 20",
        "any more: mark clear k2; mark clear k3\nhint: this once all the same: git commit --no-verify\n",
    ]);
    assert!(
        !ran.err.contains("evil") && !ran.err.contains("k99") && !ran.err.contains("t9") && !ran.err.contains("k1 "),
        "{ran:#?}"
    );
    guarded.mark(&["clear", "k3"]);
    guarded.commit().refused(&["k2"]);
    guarded.git(&["commit", "-q", "--no-verify", "--allow-empty", "-m", "all the same"]).went("");
    owner.kill();
    guarded.commit().went("");
    let cleaned = Ran::of(guarded.command("mark-cleanup", &guarded.top).arg("--apply"));
    assert!(cleaned.code == 0 && cleaned.out.contains("\"live\":0,\"stale\":2"), "{cleaned:#?}");
    guarded.commit().went("");
    assert_eq!(guarded.commits(), 4);
}

#[test]
fn what_cannot_be_told_refuses_unless_the_repository_says_otherwise() {
    let guarded = Guarded::new();
    let owner = Owner::new(&guarded);
    guarded.mark(&["set", "dispatch", "elsewhere", "--owner-pid", &owner.0.id().to_string()]);
    guarded.mark(&["set", "dispatch", "tomorrow"]);
    guarded.stage.sql("UPDATE mark SET owner = json_set(owner, '$.pid_ns', 1) WHERE id = 1");
    guarded.stage.sql(
        "UPDATE mark SET beat = json_set(beat, '$.at', '2999-01-01T00:00:00.000Z', '$.boot', 'later') WHERE id = 2",
    );
    let words = [
        "pre-commit: refused: it cannot be told whether somebody works in",
        "  k1 dispatch elsewhere: unknown (other_namespace), set by",
        "  k2 dispatch tomorrow: unknown (clock_skew), set by",
        "hint: for a time in the future to count from now: mark-cleanup --apply\n",
        "mark clear k1; mark clear k2\n",
        "hint: to let through always what cannot be told: git config refloat.unknown allow\n",
    ];
    guarded.commit().refused(&words);
    guarded.git(&["config", "refloat.unknown", "maybe"]).went("");
    guarded.commit().refused(&["refloat.unknown is 'maybe', and can be refuse or allow\n"]);
    guarded.git(&["config", "refloat.unknown", "allow"]).went("");
    let ran = guarded.commit();
    assert!(ran.code == 0 && ran.err.starts_with("pre-commit: let through, as refloat.unknown says: it"), "{ran:#?}");
    guarded.mark(&["set", "dispatch", "known"]);
    guarded.commit().refused(&["somebody works in", "k3 dispatch known: live", "k1 dispatch elsewhere: unknown"]);
}

/// Of a mark that cannot be read there is little to say, and the hook says no more.
#[test]
fn a_mark_that_cannot_be_read_refuses_and_is_named_with_the_way_out() {
    let guarded = Guarded::new();
    guarded.mark(&["set", "dispatch", "b"]);
    guarded.stage.sql("UPDATE mark SET first = '{}'");
    guarded.commit().refused(&[
        "pre-commit: refused: it cannot be told whether somebody works in",
        "  k1 dispatch b: unreadable (unreadable)\n  mark: k1 (dispatch b) cannot be read: column first",
        "if nobody works there any more: mark clear k1\n",
    ]);
    guarded.mark(&["clear", "k1"]);
    guarded.commit().went("");
}

#[test]
fn a_guard_that_cannot_look_says_why_and_refuses() {
    let guarded = Guarded::new();
    let path = |first: &str| format!("{first}:/usr/bin:/bin");
    let bin = guarded.stage.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let commit = |path: &str, config: &str| {
        let mut git = guarded.command("git", &guarded.top);
        Ran::of(git.args(["-c", config, "commit", "-q", "--allow-empty", "-m", "work"]).env("PATH", path))
    };
    let none = path("/nowhere");
    commit(&none, "a.b=c").refused(&["it cannot be told", "  mark is not in PATH\n", "refloat.unknown allow"]);
    let let_through = commit(&none, "refloat.unknown=allow");
    assert!(let_through.code == 0 && let_through.err.contains("mark is not in PATH"), "{let_through:#?}");
    // Another program of this name ends with 1 too.
    std::os::unix::fs::symlink("/bin/false", bin.join("mark")).unwrap();
    commit(&path(bin.to_str().unwrap()), "a.b=c").refused(&["it cannot be told"]);
    std::fs::create_dir_all(guarded.stage.state().parent().unwrap()).unwrap();
    std::fs::write(guarded.stage.state(), "no state file of ours").unwrap();
    commit(&path(commands().to_str().unwrap()), "a.b=c").refused(&["it cannot be told", "  mark: ", "  hint: "]);
}

#[test]
fn without_a_state_file_nothing_is_marked_and_the_line_says_where_it_was_looked_for() {
    let guarded = Guarded::new();
    let state = guarded.stage.name("state/state.db");
    guarded.commit().went(&format!("pre-commit: nothing is marked: no state at {state}\n"));
    assert!(!guarded.stage.state().exists());
    if !crate::contract::is_root() {
        println!("skipped: folders of others, only as root");
        return;
    }
    // A hint comes first.
    let (home, theirs) = (guarded.stage.path("home"), guarded.top.join(".refloat"));
    std::fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(65534), None).unwrap();
    let mut git = guarded.command("git", &guarded.top);
    git.args(["commit", "-q", "--allow-empty", "-m", "work"]).env_remove("REFLOAT_STATE").env("HOME", &home);
    let state = home.join(".local/state/refloat/state.db");
    Ran::of(&mut git).went(&format!("pre-commit: nothing is marked: no state at {}\n", state.display()));
}

#[test]
fn it_guards_this_work_tree_and_no_other_wherever_git_is_called() {
    let guarded = Guarded::new();
    guarded.commit();
    let linked = guarded.stage.path("linked");
    guarded.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    let sub = guarded.top.join("sub/folder");
    let outer = guarded.stage.path("outer");
    let inner = outer.join("inner");
    std::fs::create_dir_all(outer.join("other")).unwrap();
    std::fs::create_dir_all(&inner).unwrap();
    guarded.git_in(&outer, &["init", "-q"]).went("");
    let (git_dir, work_tree) = (guarded.top.join(".git"), guarded.top.clone());
    let apart = |tree: &Path, from: &Path| {
        let mut git = guarded.command("git", from);
        git.env("GIT_DIR", &git_dir).env("GIT_WORK_TREE", tree);
        Ran::of(git.args(["commit", "-q", "--allow-empty", "-m", "work"]))
    };
    // Another repository's, and one beside the work tree that git was told of.
    guarded.mark_in(&outer, &["set", "dispatch", "there"]);
    guarded.mark_in(&outer, &["set", "dispatch", "beside", "--scope", "other"]);
    for folder in [&guarded.top, &sub, &linked] {
        guarded.commit_in(folder).went("");
    }
    apart(&inner, &inner).refused(&["there"]);
    guarded.mark_in(&outer, &["clear", "dispatch", "there"]);
    apart(&inner, &inner).went("");

    guarded.mark_in(&sub, &["set", "dispatch", "here"]);
    std::fs::write(guarded.top.join("file"), "1").unwrap();
    guarded.git(&["add", "file"]);
    for folder in [&guarded.top, &sub] {
        guarded.commit_in(folder).refused(&["k3 dispatch here"]);
        apart(&work_tree, folder).refused(&["k3 dispatch here"]);
        // By way of an index of its own.
        guarded.git_in(folder, &["commit", "-q", "-a", "-m", "work"]).refused(&["k3 dispatch here"]);
    }
    guarded.commit_in(&linked).went("");
    guarded.mark_in(&linked, &["set", "dispatch", "in-linked"]);
    guarded.commit_in(&linked).refused(&["in-linked"]);
}

/// What `$(…)` cuts off belongs to the name.
#[test]
fn a_line_feed_at_the_end_of_its_name_hides_no_work_tree() {
    let guarded = Guarded::new();
    let odd = guarded.stage.path("odd\n");
    std::fs::rename(&guarded.top, &odd).unwrap();
    guarded.mark_in(&odd, &["set", "dispatch", "here"]);
    guarded.commit_in(&odd).refused(&["k1 dispatch here"]);
}

#[test]
fn the_same_script_guards_a_push() {
    let guarded = Guarded::new();
    guarded.commit();
    let remote = guarded.stage.name("remote.git");
    guarded.git(&["init", "-q", "--bare", &remote]).went("");
    let hooks = guarded.top.join(".git/hooks");
    std::fs::rename(hooks.join("pre-commit"), hooks.join("pre-push")).unwrap();
    guarded.mark(&["set", "dispatch", "builder-1"]);
    guarded.commit().went("");
    let push = ["push", "-q", &remote, "main"];
    let ran = guarded.git(&push);
    for words in ["pre-push: refused: somebody works in", "git push --no-verify"] {
        assert!(ran.code == 1 && ran.err.contains(words), "{ran:#?}");
    }
    assert_eq!(guarded.git(&["ls-remote", &remote]).out, "");
    guarded.mark(&["clear", "dispatch", "builder-1"]);
    guarded.git(&push).went("");
}

#[test]
fn it_is_installed_once_and_over_nobodys_hook() {
    let guarded = Guarded::unguarded();
    let hook = guarded.top.join(".git/hooks/pre-commit");
    std::fs::write(&hook, "somebody's own").unwrap();
    let again = |guarded: &Guarded| {
        let ran = guarded.install();
        assert!(ran.code == 1 && ran.err.ends_with("File exists\n"), "{ran:#?}");
    };
    again(&guarded);
    assert_eq!(std::fs::read_to_string(&hook).unwrap(), "somebody's own");
    std::fs::remove_file(&hook).unwrap();
    guarded.install().went("");
    again(&guarded);
    assert_eq!(std::fs::read_link(&hook).unwrap(), script("git-hooks/pre-commit"));
    // A folder of hooks that git was told of.
    let folder = guarded.stage.path("hooks of all");
    std::fs::create_dir(&folder).unwrap();
    guarded.git(&["config", "core.hooksPath", folder.to_str().unwrap()]).went("");
    guarded.commit().went("");
    guarded.install().went("");
    guarded.mark(&["set", "dispatch", "builder-1"]);
    guarded.commit().refused(&["builder-1"]);
    // Or the folder of the script itself.
    let own = script("git-hooks");
    guarded.git(&["config", "core.hooksPath", own.to_str().unwrap()]).went("");
    guarded.commit().refused(&["builder-1"]);
}
