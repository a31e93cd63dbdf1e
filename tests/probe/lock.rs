//! `probe lock`: locks that are held, free, or cannot be looked at, and by whom.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::LockLook;
use refloat::seam::locks;
use refloat::state::{Place, State};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::readonly::looks_only;
use super::{Over, found};
use crate::contract::{Home, Said, binary, is_root, nobody};
use crate::scene::kill;
use crate::support::{alone, until};

const FREE: [&str; 3] = ["no", "free", "not_locked"];
const HELD: [&str; 3] = ["yes", "held", "locked"];
const BY_NOBODY: [&str; 3] = ["yes", "held", "holder_unknown"];

/// The records of an agent's turn lock and supervisor lock.
fn locks_of(home: &Home, agent: &str) -> [Value; 2] {
    let records = home.probe(&["lock", agent]).silent(0).records();
    assert_eq!(records.len(), 3, "{records:?}");
    [records[0].clone(), records[1].clone()]
}

fn of_file(home: &Home, name: &str) -> Value {
    home.probe(&["lock", name]).silent(0).record("evidence")
}

/// A turn of `a` that runs until its file comes; its supervisor is this child.
fn turn(home: &Home) -> Child {
    let mut command = home.playing("a", &[], &format!("init; wait-file {}; result ok", home.path("go").display()));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the turn", || {
        let said = home.turn(&["show", "a"]);
        said.code() == 0 && said.out.contains("\"started_at\":\"")
    });
    child
}

fn pid(record: &Value, role: &str) -> i32 {
    let holders = record["detail"]["holders"].as_array().unwrap();
    let found = holders.iter().find(|holder| holder["role"] == role).unwrap_or_else(|| panic!("{role}: {record}"));
    i32::try_from(found["pid"].as_i64().unwrap()).unwrap()
}

/// pi-crew 87, 90
#[test]
fn the_locks_of_a_turn_are_held_by_its_shim_and_its_supervisor_and_free_without_them() {
    let home = Home::new();
    let mut supervisor = turn(&home);
    let [held, watched] = locks_of(&home, "a");
    assert_eq!((found(&held), found(&watched)), (HELD, HELD), "{held}\n{watched}");
    assert_eq!((&held["turn"], &held["run"], &held["attempt"]), (&json!("t1"), &json!("r1"), &json!(1)));
    let detail = &held["detail"];
    assert_eq!(
        (&detail["holder_by"], &detail["family"], &detail["mode"]),
        (&json!("turn_row"), &json!("flock"), &json!("alone"))
    );
    assert!(detail["command"][0].as_str().unwrap().ends_with("fake-agent") && detail["since"].is_string(), "{detail}");
    assert_eq!(pid(&held, "supervisor"), supervisor.id().cast_signed());
    home.probe(&["lock", "a", "--exit-code"]).silent(0);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    let [held, watched] = locks_of(&home, "a");
    assert_eq!((found(&held), found(&watched)), (HELD, FREE), "the shim holds its share");
    let gone = &held["detail"]["holders"][1];
    assert_eq!((&gone["alive"], &gone["reason"]), (&json!("no"), &json!("no_such_process")));
    kill(pid(&held, "shim"), Signal::SIGKILL);
    until("the lock", || found(&locks_of(&home, "a")[0]) == FREE);
    home.probe(&["lock", "a", "--exit-code"]).silent(1);
}

/// pi-crew 88, 89, 91
#[test]
fn a_lock_of_somebody_who_is_in_no_row_is_held_all_the_same() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    assert_eq!(locks_of(&home, "a").each_ref().map(found), [FREE, FREE]);
    let path = home.path("state/locks/a.turn");
    let lock = File::open(&path).unwrap();
    lock.lock().unwrap();
    let [held, watched] = locks_of(&home, "a");
    assert_eq!((found(&held), found(&watched)), (BY_NOBODY, FREE));
    let detail = &held["detail"];
    assert_eq!(
        (&detail["holder_by"], &detail["holders"][0]["pid"]),
        (&json!("proc_locks"), &json!(std::process::id()))
    );
    // A turn whose row is open, and whose processes have gone, holds nothing: its number may be another's by now.
    home.sql(
        "UPDATE turn SET outcome = NULL, ended = NULL, ended_at = NULL, shim = json_set(shim, '$.start_ticks', 1),
             supervisor = json_set(supervisor, '$.pid', 1, '$.start_ticks', 1)",
    );
    assert_eq!(found(&locks_of(&home, "a")[0]), BY_NOBODY);
    lock.unlock().unwrap();
    assert_eq!(found(&locks_of(&home, "a")[0]), FREE, "an open row is no lock");
    fs::remove_file(path).unwrap();
    assert_eq!(found(&locks_of(&home, "a")[0]), ["no", "free", "no_lock_file"]);
}

#[test]
fn an_unreadable_state_file_hides_no_lock_and_an_unknown_agent_has_none() {
    let home = Home::new();
    home.probe(&["lock", "a"]).failed(66, "no state at");
    assert!(!home.path("state").exists());
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    home.probe(&["lock", "x.lock"]).failed(66, "no agent 'x.lock'");
    let lock = File::open(home.path("state/locks/a.turn")).unwrap();
    lock.lock().unwrap();
    fs::write(home.state(), "no database").unwrap();
    let [held, _] = locks_of(&home, "a");
    assert_eq!(found(&held), BY_NOBODY);
    assert!(held["detail"]["error"].as_str().unwrap().contains("is not a state file"), "{held}");
    fs::remove_file(home.state()).unwrap();
    assert_eq!(found(&locks_of(&home, "a")[0]), BY_NOBODY);
}

#[test]
fn any_file_can_be_asked_for_its_lock() {
    let home = Home::new();
    let path = |name: &str| home.path("home").join(name);
    let seen = |name: &str| of_file(&home, name);
    assert_eq!(found(&seen("./none")), ["no", "free", "no_lock_file"]);
    for name in ["f", "shared", "posix"] {
        File::create(path(name)).unwrap();
    }
    assert_eq!(found(&seen("./f")), FREE);
    let me = json!(std::process::id());
    let by = |record: &Value| (record["detail"]["family"].clone(), record["detail"]["mode"].clone());
    let alone = File::open(path("f")).unwrap();
    alone.lock().unwrap();
    let record = seen("./f");
    assert_eq!((found(&record), by(&record)), (HELD, (json!("flock"), json!("alone"))), "{record}");
    assert_eq!((&record["detail"]["holder_by"], &record["detail"]["holders"][0]["pid"]), (&json!("proc_locks"), &me));
    let shared = File::open(path("shared")).unwrap();
    shared.lock_shared().unwrap();
    let record = seen("./shared");
    assert_eq!((found(&record), by(&record)), (HELD, (json!("flock"), json!("shared"))), "{record}");
    let database = Connection::open_with_flags(path("posix"), rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let record = seen("./posix");
    assert_eq!((found(&record), by(&record)), (HELD, (json!("posix"), json!("alone"))), "{record}");
    assert_eq!(record["detail"]["holders"][0]["pid"], me);
    // Unlocked, and not only closed: what another test forks at this moment has the open files too.
    alone.unlock().unwrap();
    shared.unlock().unwrap();
    drop(database);
    for name in ["./f", "./shared", "./posix"] {
        assert_eq!(found(&seen(name)), FREE, "{name}");
    }
    nix::unistd::mkfifo(&path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(found(&seen("./fifo")), ["unknown", "unknown", "is_fifo"]);
    home.probe(&["lock", "./fifo", "--exit-code"]).silent(69);
    assert!(!home.path("state").exists(), "no state is needed");
}

#[test]
fn a_lock_that_may_not_be_opened_is_unknown_and_not_free() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    let closed = home.path("closed");
    File::create(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o600)).unwrap();
    let said = Said::of(&mut nobody(&home, "probe", &["lock", closed.to_str().unwrap()])).silent(0);
    assert_eq!(found(&said.record("evidence")), ["unknown", "unknown", "permission_denied"]);
    let mut turn = nobody(&home, "turn", &["run", "--agent", "a", "--contain", "subreaper", "--", "true"]);
    Said::of(&mut turn).silent(0);
    let lock = home.path("nobody/locks/a.turn");
    fs::set_permissions(&lock, Permissions::from_mode(0o0)).unwrap();
    let said = Said::of(&mut nobody(&home, "probe", &["lock", "a"])).silent(0);
    assert_eq!(found(&said.records()[0]), ["unknown", "unknown", "permission_denied"]);
}

/// The takers come one after the other, so that nobody but the lookers is ever in their way. None waits longer than it has
/// to. pi-crew 92
#[test]
fn no_taker_is_refused_for_being_looked_at() {
    const TAKERS: usize = 64;
    const EACH: usize = 100;
    if !alone("probe::lock::no_taker_is_refused_for_being_looked_at") {
        return;
    }
    let home = Home::new();
    let place = Place { file: home.state(), hints: vec![], by_option: false };
    drop(State::open_for_writing(&place).unwrap());
    drop(TurnLock::take(&place, "a", Duration::ZERO).unwrap().unwrap());
    let path = TurnLock::path(&place, "a");
    let (over, next, start) = (AtomicBool::new(false), Mutex::new(()), Barrier::new(TAKERS + 2));
    let look_on = || {
        start.wait();
        while !over.load(Ordering::Relaxed) {
            let look = locks::look(&path).look;
            assert!(matches!(look, LockLook::Held | LockLook::Free), "{look:?}");
            // The same look without the kernel's list, which takes most of the time: so more of them meet a taker.
            assert!((0..100).all(|_| TurnLock::is_held(&place, "a").is_ok()));
        }
    };
    let take = || {
        start.wait();
        let is_refused = |_: &usize| {
            let _alone = next.lock().unwrap();
            TurnLock::take(&place, "a", Duration::ZERO).unwrap().is_none()
        };
        (0..EACH).filter(is_refused).count()
    };
    let refused: usize = std::thread::scope(|scope| {
        let _over = Over(&over);
        let _lookers = [scope.spawn(look_on), scope.spawn(look_on)];
        let takers: Vec<_> = (0..TAKERS).map(|_| scope.spawn(take)).collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(refused, 0, "of {}", TAKERS * EACH);
}

/// The worst moment, made certain: a look has its shared lock while a taker comes, and drops it within the taker's patience.
#[test]
fn a_taker_waits_for_a_look_that_is_in_its_way() {
    if !alone("probe::lock::a_taker_waits_for_a_look_that_is_in_its_way") {
        return;
    }
    let home = Home::new();
    let place = Place { file: home.state(), hints: vec![], by_option: false };
    drop(State::open_for_writing(&place).unwrap());
    drop(TurnLock::take(&place, "a", Duration::ZERO).unwrap().unwrap());
    drop(SupervisorLock::take(&place, "a", Duration::ZERO).unwrap().unwrap());
    assert_waits(&TurnLock::path(&place, "a"), || TurnLock::take(&place, "a", Duration::ZERO).unwrap().is_some());
    let supervisor = SupervisorLock::path(&place, "a");
    assert_waits(&supervisor, || SupervisorLock::take(&place, "a", Duration::ZERO).unwrap().is_some());
}

/// That `take` comes while the lock is looked at, waits, and gets it.
fn assert_waits(path: &Path, take: impl Fn() -> bool + Send + Sync) {
    let look = File::open(path).unwrap();
    look.lock_shared().unwrap();
    let inode = format!(":{} ", look.metadata().unwrap().ino());
    let waits = || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&inode))
    };
    std::thread::scope(|scope| {
        let taker = scope.spawn(&take);
        until("the taker", || waits() || taker.is_finished());
        look.unlock().unwrap();
        assert!(taker.join().unwrap(), "{}", path.display());
    });
}

#[test]
fn looking_at_locks_changes_nothing() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    File::create(home.path("home/f")).unwrap();
    for subject in ["a", "./f", "./none"] {
        let Some(said) = looks_only(&home, &["lock", subject], |_: &mut Command| {}) else { return };
        said.silent(0);
    }
}

/// Lookers share a lock for a moment: that is nobody who has it.
#[test]
fn a_lock_that_others_only_look_at_is_free() {
    const LOOKERS: usize = 8;
    const EACH: usize = 30;
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    let said = std::thread::scope(|scope| {
        let ask = || (0..EACH).map(|_| locks_of(&home, "a")).collect::<Vec<_>>();
        let asked: Vec<_> = (0..LOOKERS).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().flat_map(|asked| asked.join().unwrap()).flatten().collect::<Vec<_>>()
    });
    for record in said {
        assert_eq!(found(&record), FREE, "{record}");
    }
}

/// Without a /proc the lock cannot be opened: that does not make it free.
#[test]
fn a_lock_that_cannot_be_opened_for_want_of_proc_is_unknown() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    File::create(home.path("home/f")).unwrap();
    for subject in ["a", "./f"] {
        let script = ["--mount", "sh", "-c", "umount -l /proc && exec \"$@\"", "sh", binary("probe"), "lock", subject];
        let said = Said::of(home.bare("unshare", script.to_vec()).env("REFLOAT_STATE", home.state())).silent(0);
        for record in said.records().iter().filter(|record| record["type"] == "evidence") {
            assert_eq!(found(record), ["unknown", "unknown", "look_failed"], "{record}");
            assert!(record["detail"]["error"].as_str().unwrap().contains("/proc"), "{record}");
        }
    }
}
