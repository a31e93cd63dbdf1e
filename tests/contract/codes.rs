//! Exit codes: the enum, its page, and real commands that end so.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use refloat::exit::Exit;

use super::{Home, Said, binary, is_root};

/// The page's table: code and the rest of the row.
fn page() -> Vec<(String, Vec<String>)> {
    let text = include_str!("../../docs/exit-codes.md");
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = |row: &str| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    rows.map(cells).map(|cells| (cells[0].clone(), cells[1..].to_vec())).collect()
}

#[test]
fn the_page_has_one_row_for_each_code_in_order() {
    let codes: Vec<String> = page().into_iter().map(|(code, _)| code).collect();
    let mut wanted: Vec<String> = Exit::ALL.iter().map(|exit| exit.code().to_string()).collect();
    wanted.push("128+n".into());
    assert_eq!(codes, wanted);
    for (code, cells) in page() {
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{code}: {cells:?}");
    }
}

#[test]
fn no_two_exits_share_a_code_and_a_signal_is_128_and_its_number() {
    let mut codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert!(codes.is_sorted());
    codes.dedup();
    assert_eq!(codes.len(), Exit::ALL.len());
    for signal in 1..=64 {
        assert_eq!(i32::from(Exit::Signal(signal).code()), 128 + signal);
    }
}

/// The codes of the design, and a real command for each. 70 has a test of its own, in `panic`.
#[test]
fn every_code_is_the_end_of_a_real_command() {
    let mut seen: Vec<(Exit, i32)> = Vec::new();
    let home = Home::new();
    let done = |exit, said: Said| (exit, said.code());
    seen.push(done(Exit::Done, home.play("a", &[], "init; result ok")));
    seen.push(done(Exit::No, home.play("a", &[], "init; result-error no; exit 7")));
    seen.push(done(Exit::Usage, home.turn(&["run"])));
    let payload = ["send", "--from", "o", "--to", "a", "--subject", "s", "--payload", "{"];
    seen.push(done(Exit::Malformed, home.mail(&payload).failed(65, "the payload is not a JSON object")));
    seen.push(done(Exit::NotFound, home.turn(&["show", "t999"]).failed(66, "no run, turn or agent 't999'")));
    seen.push(done(
        Exit::CannotCreate,
        home.turn(&["--state", "/proc/refloat/state.db", "run", "--agent", "a", "--", "true"]),
    ));
    seen.push(done(
        Exit::Io,
        Said::of(home.command("turn", ["list"]).stdout(std::fs::File::create("/dev/full").unwrap())),
    ));
    let limited = r#"init; line {"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"limit"}; exit 1"#;
    seen.push(done(Exit::Busy, home.play("lim", &[], limited)));
    home.play("again", &["--max-attempts", "3", "--task", "x"], "init; result-error no");
    let other = ["run", "--agent", "again", "--task", "y", "--", "true"];
    seen.push(done(Exit::Refused, home.turn(&other).failed(76, "has task x, not y")));
    seen.push(done(Exit::TimedOut, home.play("slow", &["--deadline", "300ms", "--kill-after", "100ms"], "init; hang")));
    seen.push(done(Exit::TurnLost, home.play("gone", &[], "init; kill-parent; hang")));
    seen.push(done(Exit::CannotRun, home.turn(&["run", "--agent", "a", "--", "/etc/passwd"])));
    seen.push(done(Exit::ProgramNotFound, home.turn(&["run", "--agent", "a", "--", "/no/such/program"])));
    seen.push(done(Exit::Signal(9), home.play("dead", &[], "init; die KILL")));
    home.sql("PRAGMA user_version = 99");
    seen.push(done(
        Exit::Config,
        home.turn(&["run", "--agent", "a", "--", "true"]).failed(78, "newer than this program"),
    ));
    std::fs::set_permissions(home.path("state"), std::fs::Permissions::from_mode(0o770)).unwrap();
    seen.push(done(Exit::Permission, home.turn(&["list"]).failed(77, "others may write to state folder")));
    for (exit, code) in &seen {
        assert_eq!(i32::from(exit.code()), *code, "{exit:?}");
    }
    let missing: Vec<&Exit> = Exit::ALL.iter().filter(|exit| !seen.iter().any(|(seen, _)| seen == *exit)).collect();
    assert_eq!(missing, [&Exit::Unknown, &Exit::Bug], "these have tests of their own");
}

/// 69: the user nobody has no cgroup to make, and asked for nothing less.
#[test]
fn what_cannot_be_answered_is_69() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    let mut command = nobody(&home, "turn", &["run", "--agent", "a", "--contain", "cgroup", "--", "true"]);
    Said::of(&mut command).failed(69, "cannot make a cgroup");
}

/// A command as the user nobody, on a state file of nobody's own.
pub(crate) fn nobody(home: &Home, program: &str, args: &[&str]) -> Command {
    let mine = home.path("nobody");
    if !mine.exists() {
        std::fs::create_dir(&mine).unwrap();
        std::os::unix::fs::chown(&mine, Some(65534), Some(65534)).unwrap();
        std::fs::set_permissions(home.path("."), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut words = vec!["--reuid=65534", "--regid=65534", "--clear-groups", binary(program)];
    words.extend(args);
    let mut command = home.bare("setpriv", words);
    command.env("REFLOAT_STATE", mine.join("state.db")).current_dir(&mine);
    command
}
