//! `probe output`: files as monitors and agents leave them, in each condition that a reason names.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::readonly::looks_only;
use super::{Over, found};
use crate::contract::{Home, Said, is_root, nobody};
use crate::support::until;

fn look(home: &Home, args: &[&str]) -> Value {
    home.probe(&[&["output"], args].concat()).silent(0).record("evidence")
}

/// Writes a file of the home that was last written in the past.
fn settled(home: &Home, name: &str, content: impl AsRef<[u8]>) {
    let path = home.path("home").join(name);
    fs::write(&path, content).unwrap();
    let past = fs::metadata(&path).unwrap().modified().unwrap() - Duration::from_secs(60);
    File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
}

/// Waits until a file is older than the kernel's clock for files is coarse: what begins now is later for certain.
pub(super) fn aged(path: &Path) {
    let written = fs::metadata(path).unwrap().modified().unwrap();
    until("a file is older than its clock's grain", || {
        written.elapsed().is_ok_and(|age| age > Duration::from_millis(20))
    });
}

/// bmad 42, 69, 76, 97
#[test]
fn each_condition_of_a_file_has_its_own_reason_and_its_exit_code() {
    let home = Home::new();
    let path = |name: &str| home.path("home").join(name);
    fs::create_dir(path("folder")).unwrap();
    nix::unistd::mkfifo(&path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    symlink("loop", path("loop")).unwrap();
    symlink("none", path("dangling")).unwrap();
    for (name, content) in [
        ("empty", &b""[..]),
        ("blank", b" \n\n"),
        ("json", b"{\"a\":1}\n"),
        ("jsonl", b"{\"a\":1}\n{\"a\":2}\n"),
        ("csv", b"a,b\n1,2\n"),
        ("text", b"completed\n"),
        ("cut", b"{\"a\":[1,\n2"),
        ("half", b"{\"a\":1}\n{\"a\""),
        ("noise", b"{\"a\":1}\nWARN\n{\"a\":2}\n"),
        ("two", b"{\"exists\": true}{\"file\": 1}"),
        ("binary", b"a\0b"),
        ("uneven", b"state,todos,task\nactive,1,1,234 tokens, esc)\n"),
    ] {
        settled(&home, name, content);
    }
    let rows: &[(&[&str], &str, &str, &str)] = &[
        (&["none"], "no", "absent", "no_file"),
        (&["dangling"], "no", "absent", "no_file"),
        (&["json/below"], "no", "absent", "no_file"),
        (&["folder"], "no", "absent", "is_folder"),
        (&["fifo"], "no", "absent", "is_fifo"),
        (&["socket"], "no", "absent", "is_socket"),
        (&["/dev/zero"], "no", "absent", "is_device"),
        (&["loop"], "unknown", "unknown", "link_loop"),
        (&["empty"], "unknown", "unknown", "empty"),
        (&["blank"], "unknown", "unknown", "empty"),
        (&["json"], "yes", "present", "readable"),
        (&["jsonl"], "yes", "present", "readable"),
        (&["csv"], "yes", "present", "readable"),
        (&["text"], "yes", "present", "readable"),
        (&["cut"], "unknown", "unknown", "cut_off"),
        (&["half"], "yes", "present", "cut_off"),
        (&["noise"], "yes", "present", "bad_lines"),
        (&["two"], "no", "damaged", "several_documents"),
        (&["jsonl", "--kind", "json"], "no", "damaged", "several_documents"),
        (&["text", "--kind", "json"], "no", "damaged", "unparsable"),
        (&["uneven", "--kind", "csv"], "no", "damaged", "unparsable"),
        (&["binary"], "no", "damaged", "not_text"),
    ];
    for (args, finding, meaning, reason) in rows {
        let record = look(&home, args);
        assert_eq!(found(&record), [*finding, *meaning, *reason], "{args:?}: {record}");
        let code = match *finding {
            "yes" => 0,
            "no" => 1,
            _ => 69,
        };
        home.probe(&[&["output", "--exit-code"], *args].concat()).silent(code);
    }
    let half = &look(&home, &["half"])["detail"];
    assert_eq!(
        (&half["kind"], &half["records"], &half["last_line_whole"]),
        (&"jsonl".into(), &1.into(), &false.into())
    );
    assert_eq!(look(&home, &["csv"])["detail"]["columns"], 2);
    assert!(look(&home, &["json"])["age_ms"].as_i64().unwrap() >= 60_000);
}

#[test]
fn what_may_not_be_read_or_is_of_the_future_is_unknown() {
    let home = Home::new();
    settled(&home, "f", "x\n");
    let future = SystemTime::UNIX_EPOCH + Duration::from_secs(40_000_000_000);
    File::options().write(true).open(home.path("home/f")).unwrap().set_modified(future).unwrap();
    let record = look(&home, &["f", "--watch", "0s"]);
    assert_eq!((found(&record), &record["age_ms"]), (["unknown", "unknown", "clock_skew"], &Value::Null));
    if !is_root() {
        return;
    }
    settled(&home, "secret", "x\n");
    fs::set_permissions(home.path("home/secret"), Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(home.path("home/closed")).unwrap();
    fs::set_permissions(home.path("home/closed"), Permissions::from_mode(0o700)).unwrap();
    for name in ["home/secret", "home/closed/f"] {
        let path = home.path(name);
        let said = Said::of(&mut nobody(&home, "probe", &["output", path.to_str().unwrap()])).silent(0);
        let record = said.record("evidence");
        assert_eq!(found(&record), ["unknown", "unknown", "permission_denied"], "{record}");
        assert_eq!(record["detail"]["error"], "permission denied");
    }
}

/// A look that waits for a change: its first look is over when the kernel watches for it.
fn watching(home: &Home, name: &str) -> Child {
    let mut command = home.command("probe", ["output", name, "--watch", "60s"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let has_watch =
        |entry: fs::DirEntry| fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("inotify wd:"));
    let fds = format!("/proc/{}/fdinfo", child.id());
    until("the watch", || fs::read_dir(&fds).is_ok_and(|entries| entries.flatten().any(has_watch)));
    child
}

/// What somebody does to a file meanwhile.
type Change<'c> = &'c dyn Fn();

/// bmad 48, 49, 70
#[test]
fn two_looks_tell_growth_from_silence_and_one_never_does() {
    let home = Home::new();
    let path = |name: &str| home.path("home").join(name);
    let append = |name: &str, text: &str| {
        File::options().append(true).open(path(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let changes: &[(&str, Change<'_>, [&str; 3])] = &[
        ("f", &|| append("f", "more\n"), ["yes", "growing", "grown"]),
        ("e", &|| append("e", "first\n"), ["yes", "growing", "grown"]),
        (
            "new",
            &|| fs::write(path("new.tmp"), "x\n").and_then(|()| fs::rename(path("new.tmp"), path("new"))).unwrap(),
            ["yes", "growing", "appeared"],
        ),
        (
            "g",
            &|| File::options().write(true).open(path("g")).unwrap().set_len(2).unwrap(),
            ["yes", "growing", "rewritten"],
        ),
        ("h", &|| fs::rename(path("other"), path("h")).unwrap(), ["yes", "growing", "replaced"]),
        ("i", &|| fs::remove_file(path("i")).unwrap(), ["no", "absent", "no_file"]),
        ("j", &|| File::create(path("j")).map(drop).unwrap(), ["unknown", "unknown", "empty"]),
    ];
    settled(&home, "e", "");
    for name in ["f", "g", "h", "i", "j", "other"] {
        settled(&home, name, "one\n");
    }
    for (name, change, wanted) in changes {
        let child = watching(&home, name);
        change();
        let record = Said::from(child.wait_with_output().unwrap()).silent(0).record("evidence");
        assert_eq!(found(&record), *wanted, "{name}: {record}");
        assert!(record["detail"]["earlier_ms"].as_i64().unwrap() < 60_000);
    }
    let quiet = look(&home, &["f", "--watch", "30ms"]);
    assert_eq!(found(&quiet), ["no", "silent", "unchanged"]);
    assert!(quiet["detail"]["earlier_ms"].as_i64().unwrap() >= 30);
    settled(&home, "e", "");
    assert_eq!(found(&look(&home, &["e", "--watch", "30ms"])), ["no", "silent", "monitor_suspect"]);
    assert_eq!(found(&look(&home, &["e"])), ["unknown", "unknown", "empty"], "one look");
    assert_eq!(found(&look(&home, &["f"])), ["yes", "present", "readable"], "one look");
}

#[test]
fn an_earlier_look_is_read_from_its_record() {
    let home = Home::new();
    let path = home.path("home/f");
    let compared = |input: &str| {
        fs::write(home.path("input"), input).unwrap();
        let mut command = home.command("probe", ["output", "f", "--earlier", "-"]);
        Said::of(command.stdin(File::open(home.path("input")).unwrap()))
    };
    let before = || home.probe(&["output", "f"]).silent(0).out;
    let nothing = before();
    fs::write(&path, "").unwrap();
    assert_eq!(found(&compared(&nothing).record("evidence")), ["unknown", "unknown", "empty"]);
    let empty = before();
    assert_eq!(found(&compared(&empty).silent(0).record("evidence")), ["no", "silent", "monitor_suspect"]);
    fs::write(&path, "one\n").unwrap();
    let grown = compared(&empty).silent(0).record("evidence");
    assert_eq!(found(&grown), ["yes", "growing", "grown"]);
    assert_eq!(found(&compared(&nothing).silent(0).record("evidence")), ["yes", "growing", "appeared"]);
    let one = before();
    assert_eq!(found(&compared(&one).silent(0).record("evidence")), ["no", "silent", "unchanged"]);
    // The newest counts; other records, and other files, are passed over.
    let other = before().replace("\"subject\":\"f\"", "\"subject\":\"g\"");
    let all = format!("{one}{nothing}{other}{{\"type\":\"probe.ended\"}}\n");
    assert_eq!(found(&compared(&all).silent(0).record("evidence")), ["no", "silent", "unchanged"]);
    // Same length, same time, another inode: the content may be any other.
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(home.path("home/g"), "two\n").unwrap();
    File::options().write(true).open(home.path("home/g")).unwrap().set_modified(time).unwrap();
    fs::rename(home.path("home/g"), &path).unwrap();
    assert_eq!(found(&compared(&one).silent(0).record("evidence")), ["yes", "growing", "replaced"]);
    let bad = compared(&format!("half a rec\n{}", before()));
    assert_eq!((bad.code(), bad.err.as_str()), (65, "probe: stdin:1: not a record\n"));
    assert_eq!(found(&bad.record("evidence")), ["no", "silent", "unchanged"]);
    assert_eq!(found(&compared("").silent(0).record("evidence")), ["yes", "present", "readable"]);
}

/// bmad 44, 45, 97
#[test]
fn a_file_of_an_earlier_attempt_counts_as_absent() {
    let home = Home::new();
    settled(&home, "old", "x\n");
    let run = ["run", "--agent", "a", "--now", "--max-attempts", "3", "--", "sh", "-c"];
    for script in ["echo 1 >first; exit 1", "echo 2 >second; exit 1", "echo 3 >third"] {
        home.turn(&[&run[..], &[script]].concat()).with_code(i32::from(script.ends_with('1')));
        let written = home.path("home").join(script.split(['>', ';']).nth(1).unwrap());
        aged(&written);
    }
    let absent = ["no", "absent", "not_of_this_attempt"];
    let present = ["yes", "present", "readable"];
    for (file, since, wanted) in [
        ("old", "t1", absent),
        ("old", "30s", absent),
        ("old", "1h", present),
        ("first", "t1", present),
        ("first", "t2", absent),
        ("second", "t2", present),
        ("second", "t3", absent),
        ("third", "t3", present),
        ("third", "t1", present),
        ("first", "r1", absent),
        ("third", "r1", present),
        ("old", "2001-01-01T00:00:00Z", present),
        ("third", "2999-01-01T00:00:00Z", absent),
    ] {
        let record = look(&home, &[file, "--since", since]);
        assert_eq!(found(&record), wanted, "{file} {since}: {record}");
    }
    let record = look(&home, &["third", "--since", "t2"]);
    assert_eq!((&record["run"], &record["turn"], &record["attempt"]), (&"r1".into(), &"t2".into(), &2.into()));
    home.probe(&["output", "old", "--since", "t9"]).failed(66, "no turn t9");
    home.probe(&["output", "old", "--since", "r9"]).failed(66, "no run r9");
}

#[test]
fn only_the_id_of_a_run_or_turn_needs_a_state_file() {
    let home = Home::new();
    settled(&home, "f", "x\n");
    assert_eq!(found(&look(&home, &["f", "--since", "1h"])), ["yes", "present", "readable"]);
    home.probe(&["output", "f", "--since", "t1"]).failed(66, "no state at");
    assert!(!home.path("state").exists());
}

/// bmad 95
#[test]
fn a_file_that_is_being_written_is_never_said_to_be_damaged() {
    let home = Home::new();
    let path = home.path("home/f");
    let over = AtomicBool::new(false);
    let document = format!("{{\"a\":[{}1]}}\n", "1,".repeat(100_000));
    fs::write(&path, &document).unwrap();
    std::thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let mut file = File::create(&path).unwrap();
                document.as_bytes().chunks(4096).for_each(|part| file.write_all(part).unwrap());
            }
        });
        for _ in 0..50 {
            let record = look(&home, &["f", "--kind", "json"]);
            let reason = record["reason"].as_str().unwrap();
            assert!(["readable", "empty", "being_written"].contains(&reason), "{record}");
        }
    });
    assert_eq!(found(&look(&home, &["f"])), ["yes", "present", "readable"]);
}

#[test]
fn looking_at_outputs_changes_nothing() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    settled(&home, "f", "{\"a\":1}\n");
    for args in [
        &["output", "f", "--watch", "10ms", "--since", "t1"][..],
        &["output", "none"],
        &["output", "f", "--earlier", "-"],
    ] {
        let Some(said) = looks_only(&home, args, |_: &mut Command| {}) else { return };
        said.silent(0);
    }
}
