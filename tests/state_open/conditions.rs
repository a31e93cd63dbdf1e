//! Foreign files, unsafe folders, read-only folders, full disks: each has its answer.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::state::{Place, SCHEMA, State, Surroundings, agent};

use super::role::{finish, role, role_behind};
use super::{integrity, is_root, place, sqlite};

fn write(file: &Path) -> Result<i64> {
    State::open_for_writing(&place(file))?.write("count", |tx| agent::count_stop(tx, "a"))
}

fn read(file: &Path) -> Result<i64> {
    State::open_for_reading(&place(file))?.read("ask", |view| agent::stops(view, "a"))
}

fn both(file: &Path) -> [Failure; 2] {
    [write(file).unwrap_err(), read(file).unwrap_err()]
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_read_creates_nothing_and_the_first_write_everything_private() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/b/state.db");
    let failure = read(&file).unwrap_err();
    assert_eq!(failure.exit, Exit::NotFound);
    assert_eq!(failure.to_string(), format!("no state at {}", file.display()));
    assert!(failure.hint.is_some());
    assert!(names(folder.path()).is_empty());
    assert_eq!(write(&file).unwrap(), 1);
    assert_eq!(read(&file).unwrap(), 1);
    assert_eq!((mode(&folder.path().join("a")), mode(&folder.path().join("a/b"))), (0o700, 0o700));
    for name in names(file.parent().unwrap()) {
        assert_eq!(mode(&file.with_file_name(&name)), 0o600, "{name}");
    }
    assert!(file.with_file_name("bell").exists());
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    sqlite(&other).execute_batch("PRAGMA application_id = 7; CREATE TABLE t (x)").unwrap();
    std::fs::write(folder.path().join("text.db"), "SQLite format 4 is a text\n".repeat(20)).unwrap();
    std::fs::write(folder.path().join("short.db"), "x").unwrap();
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let all = names(folder.path());
    for (name, word) in [
        ("other.db", "another program"),
        ("text.db", "is not a state file"),
        ("short.db", "is not a state file"),
        ("empty.db", "is empty"),
    ] {
        let file = folder.path().join(name);
        let before = std::fs::read(&file).unwrap();
        for failure in both(&file) {
            assert_eq!(failure.exit, Exit::Config, "{failure}");
            assert!(failure.to_string().contains(word), "{failure}");
            assert!(failure.hint.is_some());
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    assert_eq!(names(folder.path()), all, "nothing was made beside them");
}

/// Another program's hot journal stays as it is: SQLite would have rolled it back.
#[test]
fn the_journal_of_a_foreign_file_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    let foreign = sqlite(&file);
    foreign.execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    let journal = folder.path().join("other.db-journal");
    let before = std::fs::read(&journal).unwrap();
    both(&file);
    assert_eq!(std::fs::read(&journal).unwrap(), before);
}

#[test]
fn a_pipe_is_refused_without_waiting_for_its_other_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for failure in both(&file) {
        assert_eq!(failure.exit, Exit::Config, "{failure}");
    }
}

#[test]
fn a_newer_file_is_read_but_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    write(&file).unwrap();
    let newer = sqlite(&file);
    newer.execute_batch(&format!("PRAGMA user_version = {}; CREATE TABLE more (x)", SCHEMA + 3)).unwrap();
    assert_eq!(read(&file).unwrap(), 1);
    let failure = write(&file).unwrap_err();
    assert_eq!(failure.exit, Exit::Config, "{failure}");
    let hint = failure.hint.unwrap();
    assert!(hint.contains(&format!("version {}, this program writes {SCHEMA}", SCHEMA + 3)), "{hint}");
    newer.execute_batch("ALTER TABLE agent RENAME TO agents").unwrap();
    let failure = read(&file).unwrap_err();
    assert_eq!(failure.exit, Exit::Config, "{failure}");
}

#[test]
fn a_damaged_file_is_named_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    write(&file).unwrap();
    sqlite(&file).execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..].fill(0xff);
    std::fs::write(&file, &bytes).unwrap();
    let failure = read(&file).unwrap_err();
    assert_eq!(failure.exit, Exit::Malformed, "{failure}");
    assert!(failure.to_string().contains(file.to_str().unwrap()), "{failure}");
    assert!(failure.hint.unwrap().contains(".recover"));
}

#[test]
fn a_log_without_its_state_file_is_not_played_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    write(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let failure = write(&file).unwrap_err();
    assert_eq!(failure.exit, Exit::Refused, "{failure}");
    std::fs::remove_file(folder.path().join("state.db-wal")).unwrap();
    assert_eq!(write(&file).unwrap(), 1);
}

#[test]
fn a_folder_that_others_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    write(&file).unwrap();
    for (bits, hint) in [(0o770, "chmod go-w"), (0o702, "chmod go-w"), (0o1777, "--state")] {
        std::fs::set_permissions(folder.path(), Permissions::from_mode(bits)).unwrap();
        for failure in both(&file) {
            assert_eq!(failure.exit, Exit::Permission, "{failure}");
            assert!(failure.hint.unwrap().contains(hint));
        }
    }
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(read(&file).unwrap(), 1);
}

#[test]
fn a_folder_or_file_of_another_user_is_refused() {
    if !is_root() {
        println!("skipped: only root can give files away");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    write(&file).unwrap();
    for path in [folder.path(), &file] {
        std::os::unix::fs::chown(path, Some(65534), None).unwrap();
        for failure in both(&file) {
            assert_eq!(failure.exit, Exit::Permission, "{failure}");
            assert!(failure.to_string().contains("belongs to user 65534"), "{failure}");
        }
        std::os::unix::fs::chown(path, Some(0), None).unwrap();
    }
    assert_eq!(read(&file).unwrap(), 1);
}

/// Root may write everywhere, so it plays this as nobody.
const NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

#[test]
fn a_read_only_folder_is_read_unless_rows_are_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a state?.db");
    if is_root() {
        std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).unwrap();
    }
    let plain = |name| finish(if is_root() { role_behind(NOBODY, name, &file) } else { role(name, &file) }).unwrap();
    let may_write = |bits| std::fs::set_permissions(folder.path(), Permissions::from_mode(bits)).unwrap();
    assert_eq!(plain("write").code, 0);
    may_write(0o500);
    let report = plain("read");
    assert_eq!(report.code, 69, "{report:?}");
    assert!(report.text.contains("wal_unreadable"), "{report:?}");
    sqlite(&file).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let before = names(folder.path());
    assert_eq!(plain("read").text, "1");
    assert_eq!(names(folder.path()), before);
    assert_eq!(plain("write").code, 77);
    may_write(0o700);
    for name in names(folder.path()) {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    may_write(0o500);
    assert_eq!(plain("read").code, 66);
    assert_eq!(plain("write").code, 77);
    may_write(0o700);
}

/// Takes half a minute: run it with `--ignored`.
#[test]
#[ignore = "waits out the 30 s that a command waits for another one"]
fn a_lock_that_is_never_let_go_is_answered_with_busy() {
    std::thread::scope(|scope| {
        for (name, word) in [("state.lock", "another command is writing"), ("open.lock", "being restored")] {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("state.db");
                write(&file).unwrap();
                let held = std::fs::File::open(folder.path().join(name)).unwrap();
                held.lock().unwrap();
                let failure = write(&file).unwrap_err();
                assert_eq!(failure.exit, Exit::Busy, "{failure}");
                assert!(failure.to_string().contains(name), "{failure}");
                assert!(failure.hint.unwrap().contains(word));
                held.unlock().unwrap();
                assert_eq!(write(&file).unwrap(), 2);
            });
        }
    });
}

#[test]
fn a_relative_path_means_the_current_folder() {
    let folder = tempfile::tempdir().unwrap();
    let around = Surroundings { folder: Some(folder.path().to_owned()), ..Surroundings::of_this_process() };
    let place = Place::resolve(Some(Path::new("x/../y/state.db")), &around).unwrap();
    std::fs::create_dir(folder.path().join("x")).unwrap();
    State::open_for_writing(&place).unwrap();
    assert_eq!(read(&folder.path().join("y/state.db")).unwrap(), 0);
    let mut command = role("read", Path::new("./y/state.db"));
    command.current_dir(folder.path());
    assert_eq!(finish(command).unwrap().text, "0");
}

#[test]
fn a_full_disk_loses_nothing_and_says_which() {
    if !is_root() {
        println!("skipped: only root can mount a small disk");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=1m,mode=0700 tmpfs '{}' && exec \"$@\"", folder.path().display());
    let behind = ["unshare", "--mount", "sh", "-c", &mount, "sh"];
    let report = finish(role_behind(&behind, "fill", &folder.path().join("state.db"))).unwrap();
    assert_eq!(report.code, 0, "{report:?}");
}

/// On a disk of its own: the first open and a later write meet a full disk, and go on once there is room.
pub(super) fn fill_the_disk(file: &Path) -> Result<i64> {
    let ballast = file.with_file_name("ballast");
    std::fs::write(&ballast, vec![1; 4 << 20]).unwrap_err();
    full(&write(file).unwrap_err(), file);
    assert!(!file.exists());
    std::fs::remove_file(&ballast).unwrap();
    std::fs::write(&ballast, vec![1; 300 << 10]).unwrap();
    let mut done: i64 = 0;
    let failure = loop {
        let name = format!("{done:04}{}", "x".repeat(4000));
        let written = State::open_for_writing(&place(file))
            .and_then(|mut state| state.write("count a stop", |tx| agent::count_stop(tx, &name)));
        match written {
            Ok(_) => done += 1,
            Err(failure) => break failure,
        }
    };
    full(&failure, file);
    std::fs::remove_file(&ballast).unwrap();
    write(file)?;
    let rows: i64 = sqlite(file).query_row("SELECT count(*) FROM agent", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, done + 1);
    assert_eq!(integrity(file), "ok");
    Ok(done)
}

fn full(failure: &Failure, file: &Path) {
    assert_eq!(failure.exit, Exit::Io, "{failure}");
    assert!(failure.to_string().contains(file.to_str().unwrap()), "{failure}");
}
