//! Where the state file is, and what a command does about one that it cannot or must not use.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use refloat::state::SCHEMA;
use rusqlite::OpenFlags;

use super::{Home, Said, binary, is_root, nobody, open};

/// What the environment of a command says; `BASE` stands for the home's folder.
struct Row(&'static [&'static str], &'static [(&'static str, &'static str)], &'static str);

const HOME: (&str, &str) = ("HOME", "BASE/home");
const ALL: &[(&str, &str)] =
    &[("REFLOAT_STATE", "BASE/r.db"), ("STATE_DIRECTORY", "BASE/sd:BASE/two"), ("XDG_STATE_HOME", "BASE/xdg"), HOME];

#[test]
fn the_places_of_the_state_file_in_their_order() {
    let home = Home::new();
    let base = home.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let all = ALL;
    for Row(args, variables, place) in [
        Row(&["--state", "BASE/flag.db", "list"], all, "BASE/flag.db"),
        Row(&["list", "--state", "BASE/flag.db"], all, "BASE/flag.db"),
        Row(&["list", "--state=rel.db"], all, "BASE/home/rel.db"),
        Row(&["list", "--state", "BASE/xdg/"], all, "BASE/xdg/state.db"),
        Row(&["list"], all, "BASE/r.db"),
        Row(&["list"], &all[1..], "BASE/sd/state.db"),
        Row(&["list"], &all[2..], "BASE/xdg/refloat/state.db"),
        Row(&["list"], &all[3..], "BASE/home/.local/state/refloat/state.db"),
        Row(
            &["list"],
            &[("REFLOAT_STATE", ""), ("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", ""), HOME],
            "BASE/home/.local/state/refloat/state.db",
        ),
        Row(&["list"], &[("XDG_STATE_HOME", "relative"), HOME], "BASE/home/.local/state/refloat/state.db"),
    ] {
        let here = |text: &str| text.replace("BASE", &base);
        let mut command = home.bare(binary("turn"), args.iter().map(|arg| here(arg)));
        command.env_remove("HOME").envs(variables.iter().map(|(name, value)| (name, here(value))));
        let said = Said::of(&mut command).failed(66, &format!("turn: no state at {}\n", here(place)));
        assert!(said.out.is_empty());
    }
    assert_eq!(names(&home.path("")), ["home"], "a question creates nothing");
    assert_eq!(names(&home.path("home")), [""; 0], "a question creates nothing");
    let mut homeless = home.bare(binary("turn"), ["list"]);
    Said::of(homeless.env_remove("HOME")).failed(78, "HOME is not set");
}

#[test]
fn the_nearest_house_on_the_way_up_comes_before_the_service_and_the_home() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("home/p/.refloat")).unwrap();
    std::fs::set_permissions(home.path("home/p/.refloat"), Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir_all(home.path("home/p/q/.refloat")).unwrap();
    let file = home.path("home/p/.refloat/state.db");
    Said::of(&mut home.bare(binary("turn"), ["run", "--agent", "a", "--state", file.to_str().unwrap(), "--", "true"]))
        .silent(0);
    let inside = |args: &[&str]| {
        let mut command = home.bare(binary("turn"), args);
        command.current_dir(home.path("home/p/q")).env("STATE_DIRECTORY", home.path("sd"));
        Said::of(&mut command)
    };
    assert_eq!(inside(&["list"]).silent(0).records().len(), 1);
    inside(&["run", "--agent", "a", "--", "true"]).silent(0);
    assert_eq!(inside(&["list"]).silent(0).records().len(), 2);
    assert!(!home.path("sd").exists() && names(&home.path("home/p/q/.refloat")).is_empty());
    if is_root() {
        std::os::unix::fs::chown(home.path("home/p/.refloat"), Some(65534), None).unwrap();
        let said = inside(&["list"]).failed(66, "no state at");
        assert!(said.err.starts_with("hint: passed over") && said.err.contains("belongs to user 65534"), "{said:?}");
        assert!(said.err.contains(home.path("sd/state.db").to_str().unwrap()), "{said:?}");
        assert!(!inside(&["list", "-q"]).failed(66, "no state").err.contains("hint"));
    }
}

#[test]
fn the_first_write_makes_everything_private() {
    let home = Home::new();
    home.play("a", &[], "init; result ok").silent(0);
    let mut folders = vec![home.path("state")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for name in names(&folder) {
            let path = folder.join(name);
            seen += 1;
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn a_folder_that_is_not_safe_is_77_for_questions_and_writes() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    let before = home.dump();
    let both = |words: &str| {
        home.turn(&["list"]).failed(77, words);
        home.turn(&["run", "--agent", "a", "--", "true"]).failed(77, words);
        home.mail(&["send", "--from", "o", "--to", "a", "--subject", "s"]).failed(77, words);
    };
    for mode in [0o770, 0o707, 0o722] {
        std::fs::set_permissions(home.path("state"), Permissions::from_mode(mode)).unwrap();
        both("others may write to state folder");
    }
    std::fs::set_permissions(home.path("state"), Permissions::from_mode(0o700)).unwrap();
    if is_root() {
        std::os::unix::fs::chown(home.path("state"), Some(65534), None).unwrap();
        both("belongs to user 65534");
        std::os::unix::fs::chown(home.path("state"), Some(0), None).unwrap();
        std::os::unix::fs::chown(home.state(), Some(65534), None).unwrap();
        both("belongs to user 65534");
    }
    assert_eq!(home.dump(), before);
}

#[test]
fn a_foreign_file_is_78_and_left_alone() {
    let home = Home::new();
    std::fs::create_dir(home.path("state")).unwrap();
    let other = home.path("state/other.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    open(&other, flags).execute_batch("CREATE TABLE t (x)").unwrap();
    std::fs::write(home.path("state/text.db"), "dear diary\n".repeat(30)).unwrap();
    std::fs::write(home.path("state/empty.db"), "").unwrap();
    let all = names(&home.path("state"));
    for (name, words) in [("other.db", "another program"), ("text.db", "not a state file"), ("empty.db", "is empty")] {
        let file = home.path("state").join(name);
        let before = std::fs::read(&file).unwrap();
        let state = file.to_str().unwrap();
        home.turn(&["--state", state, "list"]).failed(78, words);
        home.turn(&["--state", state, "run", "--agent", "a", "--", "true"]).failed(78, words);
        home.turn(&["--state", state, "stop", "a"]).failed(78, words);
        home.mail(&["--state", state, "send", "--from", "o", "--to", "a", "--subject", "s", "--queue"])
            .failed(78, words);
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    assert_eq!(names(&home.path("state")), all, "nothing was made beside them");
}

#[test]
fn a_newer_schema_is_read_and_not_written() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    home.sql(&format!("PRAGMA user_version = {}", SCHEMA + 3));
    let before = home.dump();
    assert_eq!(home.turn(&["list"]).silent(0).records().len(), 1);
    home.turn(&["show", "t1"]).silent(0);
    home.mail(&["list"]).silent(0);
    let versions = format!("it has schema version {}, this program writes {SCHEMA}", SCHEMA + 3);
    home.turn(&["run", "--agent", "a", "--", "true"]).failed(78, &versions);
    home.turn(&["stop", "a"]).failed(78, &versions);
    home.mail(&["send", "--from", "o", "--to", "a", "--subject", "s"]).failed(78, &versions);
    assert_eq!(home.dump(), before);
    assert_eq!(names(&home.path("state/logs")), ["t1"]);
}

/// As the user nobody: root may write everywhere.
#[test]
fn a_folder_that_is_read_only_answers_questions_if_the_log_is_empty() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    let said = |args: &[&str]| Said::of(&mut nobody(&home, "turn", args));
    said(&["run", "--agent", "a", "--", "true"]).silent(0);
    let folder = home.path("nobody");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o500)).unwrap();
    said(&["list"]).failed(69, "wal_unreadable");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    open(&folder.join("state.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    std::fs::set_permissions(&folder, Permissions::from_mode(0o500)).unwrap();
    let before = names(&folder);
    assert!(!said(&["list"]).silent(0).records().is_empty());
    assert_eq!(names(&folder), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_77_or_73() {
    let home = Home::new();
    home.turn(&["--state", "/proc/refloat/x/state.db", "run", "--agent", "a", "--", "true"])
        .failed(73, "cannot create state folder");
    std::fs::write(home.path("file"), "").unwrap();
    let below = home.path("file/x/state.db");
    home.turn(&["--state", below.to_str().unwrap(), "run", "--agent", "a", "--", "true"])
        .failed(73, "cannot create state folder");
    if is_root() {
        let said = |args: &[&str]| Said::of(&mut nobody(&home, "turn", args));
        said(&["--state", "/proc/1/x/state.db", "list"]).failed(66, "no state at");
        let closed = home.path("closed");
        std::fs::create_dir(&closed).unwrap();
        let file = closed.join("s/state.db");
        said(&["--state", file.to_str().unwrap(), "run", "--agent", "a", "--", "true"]).failed(77, "permission denied");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}
