//! `probe state`: the state file in each condition that a reason names. Nothing is made, mended or moved by the look.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use refloat::state::SCHEMA;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::found;
use super::readonly::looks_only;
use crate::contract::{Home, Said, is_root, nobody};

fn look(home: &Home) -> Value {
    let said = home.probe(&["state"]).silent(0).record("evidence");
    let code = match said["finding"].as_str().unwrap() {
        "yes" => 0,
        "no" => 1,
        _ => 69,
    };
    home.probe(&["state", "--exit-code"]).silent(code);
    said
}

/// A state file in which one turn has ended, with all of it in the file.
fn with_state() -> Home {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    checkpoint(&home.state());
    home
}

fn sqlite(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

fn checkpoint(file: &Path) {
    sqlite(file).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_sound_state_file_tells_how_it_stands() {
    let home = with_state();
    let record = look(&home);
    assert_eq!(found(&record), ["yes", "healthy", "sound"], "{record}");
    let detail = &record["detail"];
    assert_eq!(
        (&detail["schema"], &detail["schema_ours"], &detail["check"]),
        (&json!(SCHEMA), &json!(SCHEMA), &json!("ok"))
    );
    assert_eq!(
        (&detail["folder_mode"], &detail["mode"], &detail["bell"]),
        (&json!("0700"), &json!("0600"), &json!(true))
    );
    assert_eq!(
        (&detail["oldest_turn"], &detail["leftovers"], &detail["open_by"]),
        (&Value::Null, &json!([]), &json!([]))
    );
    assert!(detail["free_bytes"].as_i64().unwrap() > 0 && detail["size"].as_i64().unwrap() > 0);
    home.sql("UPDATE turn SET outcome = NULL, ended = NULL, ended_at = NULL");
    home.mail(&["send", "--from", "x", "--to", "a", "--subject", "s"]).silent(0);
    let open = File::open(home.path("state/open.lock")).unwrap();
    open.lock_shared().unwrap();
    for name in ["state.db.new-journal", "state.db.replaced-1", "state.db-journal2", "other.db-journal"] {
        File::create(home.path("state").join(name)).unwrap();
    }
    let detail = &look(&home)["detail"];
    assert_eq!((&detail["oldest_turn"], &detail["open_by"]), (&json!("t1"), &json!([std::process::id()])));
    assert_eq!(detail["leftovers"], json!(["state.db.new-journal", "state.db.replaced-1"]));
    assert!(detail["wal_bytes"].as_i64().unwrap() > 0);
}

#[test]
fn no_state_file_is_an_answer_and_nothing_is_made() {
    let home = Home::new();
    assert_eq!(found(&look(&home)), ["no", "absent", "no_state"]);
    assert!(!home.path("state").exists());
    fs::create_dir(home.path("state")).unwrap();
    fs::set_permissions(home.path("state"), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(found(&look(&home)), ["no", "absent", "no_state"]);
    fs::write(home.path("state/state.db-wal"), "rows").unwrap();
    let orphan = look(&home);
    assert_eq!(found(&orphan), ["no", "damaged", "wal_without_file"]);
    assert_eq!(orphan["detail"]["leftovers"], json!(["state.db-wal"]));
    assert_eq!(names(&home.path("state")), ["state.db-wal"]);
    let mut command = home.command("probe", ["state", "--state", "/proc/none/x.db"]);
    assert_eq!(found(&Said::of(&mut command).silent(0).record("evidence")), ["no", "absent", "no_state"]);
}

/// bmad 68
#[test]
fn what_is_no_state_file_of_ours_is_told_apart_and_left_alone() {
    let home = with_state();
    let other = home.path("state/other.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags(&other, flags).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    fs::write(home.path("state/text.db"), "SQLite format 4 is a text\n".repeat(20)).unwrap();
    fs::write(home.path("state/short.db"), "x").unwrap();
    fs::write(home.path("state/empty.db"), "").unwrap();
    nix::unistd::mkfifo(&home.path("state/fifo.db"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let before = names(&home.path("state"));
    for (name, wanted) in [
        ("other.db", ["no", "absent", "foreign"]),
        ("text.db", ["no", "absent", "foreign"]),
        ("short.db", ["no", "absent", "foreign"]),
        ("fifo.db", ["no", "absent", "foreign"]),
        ("empty.db", ["no", "damaged", "empty"]),
    ] {
        let path = home.path("state").join(name);
        let said = home.probe(&["state", "--state", path.to_str().unwrap()]).silent(0).record("evidence");
        assert_eq!(found(&said), wanted, "{name}: {said}");
        assert!(said["detail"]["error"].is_string());
    }
    assert_eq!(names(&home.path("state")), before);
}

/// What is not the lock of the state file is not waited for.
#[test]
fn a_fifo_in_the_place_of_its_lock_holds_nobody_up() {
    let home = with_state();
    let lock = home.path("state/open.lock");
    fs::remove_file(&lock).unwrap();
    nix::unistd::mkfifo(&lock, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(found(&look(&home)), ["yes", "healthy", "sound"]);
    let turn = home.path("state/locks/a.turn");
    fs::remove_file(&turn).unwrap();
    nix::unistd::mkfifo(&turn, nix::sys::stat::Mode::S_IRWXU).unwrap();
    home.probe(&["mail", "a"]).silent(0);
    home.probe(&["wait", "run", "a", "ended", "--timeout", "0s"]).silent(0);
}

/// bmad 68
#[test]
fn damage_anywhere_in_the_file_is_found_and_no_crash() {
    let home = with_state();
    let whole = fs::read(home.state()).unwrap();
    let plant = |name: &str, at: usize, bytes: &[u8]| {
        let mut damaged = whole.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(home.state(), &damaged).unwrap();
        let record = look(&home);
        assert_eq!(found(&record), ["no", "damaged", "corrupt"], "{name}: {record}");
        assert!(record["detail"]["error"].is_string(), "{name}");
        assert_eq!(fs::read(home.state()).unwrap(), damaged, "{name}: kept as it is");
    };
    plant("the schema", 100, &[0xff; 200]);
    // A page in the middle: of an index or a table, by SQLite's own words.
    plant("a page", 4096 * 4, &[0xff; 512]);
    plant("every page but the first", 4096, &vec![0xff; whole.len() - 4096]);
    fs::write(home.state(), &whole[..4096 * 3]).unwrap();
    assert_eq!(found(&look(&home)), ["no", "damaged", "corrupt"], "cut off");
    fs::write(home.state(), &whole).unwrap();
    assert_eq!(found(&look(&home)), ["yes", "healthy", "sound"]);
}

/// A file is brought up to date by who may write, not by who looks.
#[test]
fn an_older_file_is_not_looked_into_and_not_changed() {
    let home = with_state();
    sqlite(&home.state()).pragma_update(None, "user_version", SCHEMA - 1).unwrap();
    checkpoint(&home.state());
    let before = fs::read(home.state()).unwrap();
    for args in [&["mail", "a"][..], &["run", "a"], &["output", "f", "--since", "t1"]] {
        let said = home.probe(args);
        assert_eq!(said.code(), 76, "{args:?}: {said:?}");
        assert!(said.err.contains("hint: bring it up to date: turn list"), "{said:?}");
    }
    home.probe(&["lock", "a"]).silent(0);
    assert!(fs::read(home.state()).unwrap() == before, "it was changed");
}

#[test]
fn another_version_is_told_and_not_brought_up_to_date() {
    let home = with_state();
    for (version, wanted) in
        [(SCHEMA + 3, ["unknown", "unknown", "newer_schema"]), (SCHEMA - 1, ["yes", "healthy", "older_schema"])]
    {
        sqlite(&home.state()).execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
        checkpoint(&home.state());
        let before = fs::read(home.state()).unwrap();
        let record = look(&home);
        assert_eq!((found(&record), &record["detail"]["schema"]), (wanted, &json!(version)), "{record}");
        assert_eq!(fs::read(home.state()).unwrap(), before);
    }
}

#[test]
fn who_has_it_for_itself_is_not_waited_for() {
    let home = with_state();
    let restore = File::open(home.path("state/open.lock")).unwrap();
    restore.lock().unwrap();
    assert_eq!(found(&look(&home)), ["unknown", "unknown", "restoring"]);
    restore.unlock().unwrap();
    assert_eq!(found(&look(&home)), ["yes", "healthy", "sound"]);
}

#[test]
fn a_folder_that_is_refused_is_not_looked_into() {
    let home = with_state();
    fs::set_permissions(home.path("state"), Permissions::from_mode(0o770)).unwrap();
    let record = look(&home);
    assert_eq!(found(&record), ["unknown", "unknown", "unsafe_folder"]);
    assert_eq!((&record["detail"]["folder_mode"], &record["detail"]["size"]), (&json!("0770"), &Value::Null));
    assert!(record["detail"]["error"].as_str().unwrap().contains("others may write"), "{record}");
    fs::set_permissions(home.path("state"), Permissions::from_mode(0o700)).unwrap();
    if !is_root() {
        return;
    }
    std::os::unix::fs::chown(home.state(), Some(65534), None).unwrap();
    assert_eq!(found(&look(&home)), ["unknown", "unknown", "other_user"]);
    let path = home.state();
    let mut command = nobody(&home, "probe", &["state", "--state", path.to_str().unwrap()]);
    let record = Said::of(&mut command).silent(0).record("evidence");
    assert_eq!(found(&record), ["unknown", "unknown", "unsafe_folder"], "another user's: {record}");
}

/// Root may write everywhere, so it plays this as nobody.
#[test]
fn a_read_only_folder_is_read_unless_rows_are_in_the_log() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    let said = |program: &str, args: &[&str]| Said::of(&mut nobody(&home, program, args)).silent(0);
    said("turn", &["run", "--agent", "a", "--contain", "subreaper", "--", "true"]);
    let folder = home.path("nobody");
    let may_write = |bits| fs::set_permissions(&folder, Permissions::from_mode(bits)).unwrap();
    may_write(0o500);
    let probe = || said("probe", &["state"]).record("evidence");
    assert_eq!(found(&probe()), ["unknown", "unknown", "wal_unreadable"]);
    checkpoint(&folder.join("state.db"));
    let before = names(&folder);
    let record = probe();
    assert_eq!((found(&record), &record["detail"]["folder_writable"]), (["yes", "healthy", "sound"], &json!(false)));
    for args in [&["mail", "a"][..], &["lock", "a"], &["output", "none", "--since", "t1"], &["result", "none"]] {
        said("probe", args);
    }
    assert_eq!(names(&folder), before, "nothing is made in it");
    fs::set_permissions(folder.join("state.db"), Permissions::from_mode(0o0)).unwrap();
    assert_eq!(found(&probe()), ["unknown", "unknown", "permission_denied"]);
    fs::set_permissions(folder.join("state.db"), Permissions::from_mode(0o600)).unwrap();
    may_write(0o0);
    assert_eq!(probe()["finding"], "unknown");
    may_write(0o700);
}

#[test]
fn looking_at_the_state_file_changes_nothing() {
    let home = with_state();
    for _ in 0..2 {
        let Some(said) = looks_only(&home, &["state"], |_| {}) else { return };
        said.silent(0);
        home.sql("PRAGMA user_version = 9");
    }
    fs::remove_dir_all(home.path("state")).unwrap();
    looks_only(&home, &["state"], |_| {}).unwrap().silent(0);
}
