//! Many processes at once, from the command line and from standard input; what is no process; codes and the last record.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::{Sleeper, assert_found, identity_of, seen, started};
use crate::contract::{Home, Said, well_said};
use crate::probe::readonly::looks_only;

/// Numbers that no process of a usual machine has, and none can have (PID_MAX_LIMIT is 2^22).
const NOBODY: &str = "4194305";

/// What it says of these bytes on stdin.
fn told(home: &Home, input: &[u8], more: &[&str]) -> Said {
    let file = home.path("input");
    File::create(&file).unwrap().write_all(input).unwrap();
    let mut command = home.command("probe", [&["pid", "-"], more].concat());
    Said::of(command.stdin(File::open(&file).unwrap()))
}

fn ended(evidence: i64, yes: i64, no: i64, unknown: i64) -> [Value; 4] {
    [evidence, yes, no, unknown].map(Value::from)
}

fn counts(said: &Said) -> [Value; 4] {
    let end = said.records().pop().unwrap();
    assert_eq!(end["type"], "probe.ended", "{said:?}");
    ["evidence", "yes", "no", "unknown"].map(|key| end[key].clone())
}

/// bmad 72, 75, pi-crew 80: a file that should hold a pid holds something else.
#[test]
fn what_is_no_process_is_refused_and_the_others_are_answered() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let bad = [
        "0",
        "-1",
        "NaN",
        "inf",
        "",
        "  ",
        "1.5",
        "1e3",
        "undefined",
        "null",
        "12 13",
        "2147483648",
        "99999999999999999999",
        "0x10",
        "1:",
        "1:2@a/b",
        "{}",
        "[1]",
        "{\"pid\":1}",
        "{\"pid\":",
    ];
    for one in bad {
        let said = told(&home, format!("{one}\n{}\n{NOBODY}\n", sleeper.pid()).as_bytes(), &[]);
        assert_eq!((said.code(), counts(&said)), (65, ended(2, 1, 1, 0)), "{one}: {said:?}");
        assert!(said.err.starts_with("probe: stdin:1: ") && said.err.lines().count() == 1, "{one}: {said:?}");
        well_said(&said.err);
    }
    let odd: [&[u8]; 3] = [b"\xff\xfe\n", b"1\x002\n", &[b'1'; 200_000]];
    for one in odd {
        let said = told(&home, &[one, b"\n1\n"].concat(), &["--exit-code"]).with_code(65);
        assert!(said.err.starts_with("probe: stdin:1: ") && said.err.len() < 500, "{said:?}");
        assert!(said.records().iter().any(|record| record["subject"] == "1"), "{said:?}");
    }
    let none = told(&home, b"0\nNaN\n", &["--exit-code"]).with_code(65);
    assert_eq!((counts(&none), none.err.lines().count()), (ended(0, 0, 0, 0), 2));
    assert!(none.err.contains("stdin:2: 'NaN'"), "{none:?}");
}

#[test]
fn every_name_of_a_process_may_stand_in_a_line_also_piped_evidence() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let first = home.probe(&["pid", &sleeper.text(), NOBODY]).silent(0);
    let identity = identity_of(&seen(&home, &sleeper.text()));
    let other = r#"{"type":"turn","v":1,"pid":1,"detail":"none of ours"}"#;
    let host = home.probe(&["host"]).silent(0).out;
    let evidence = first.out.lines().next().unwrap();
    // ps pads its numbers; the last line may lack its end.
    let lines =
        format!("  {}\r\n{}\n{identity}\n{other}\n{host}{evidence}\n{identity}", sleeper.pid(), started(sleeper.pid()));
    let said = told(&home, lines.as_bytes(), &[]).silent(0);
    assert_eq!(counts(&said), ended(5, 5, 0, 0));
    let subjects: Vec<Value> = said.records().iter().take(5).map(|record| record["subject"].clone()).collect();
    let expected = [&sleeper.text(), &started(sleeper.pid()), &identity, &identity, &identity];
    assert_eq!(subjects, expected.map(|name| Value::from(name.as_str())));
    // The evidence of a number that nobody had names nobody.
    let said = told(&home, first.out.as_bytes(), &[]).with_code(65);
    assert_eq!(
        (said.err.as_str(), counts(&said)),
        ("probe: stdin:2: this evidence has no identity\n", ended(1, 1, 0, 0))
    );
}

#[test]
fn with_exit_code_the_worst_answer_counts() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let yes: &str = &sleeper.text();
    let no = NOBODY;
    let unknown: &str = &format!("{yes}:0");
    let ask = |subjects: &[&str]| home.probe(&[&["pid", "--exit-code"], subjects].concat());
    for (subjects, code) in
        [(&[yes][..], 0), (&[no], 1), (&[unknown], 69), (&[yes, yes], 0), (&[yes, no], 1), (&[no, unknown, yes], 69)]
    {
        let said = ask(subjects).silent(code);
        assert_eq!(said.records().iter().any(|record| record["type"] == "probe.ended"), subjects.len() > 1);
        assert_eq!(home.probe(&[&["pid"], subjects].concat()).silent(0).out.lines().count(), said.out.lines().count());
        let lines = subjects.join("\n");
        assert_eq!(told(&home, lines.as_bytes(), &["--exit-code"]).silent(code).records().len(), subjects.len() + 1);
    }
    assert_eq!(counts(&told(&home, b"", &["--exit-code"]).silent(69)), ended(0, 0, 0, 0), "of nobody nothing is known");
    assert_eq!(counts(&told(&home, b"", &[]).silent(0)), ended(0, 0, 0, 0));
}

/// An endless list, and a reader that has enough: it ends, silently.
#[test]
fn a_reader_that_goes_ends_the_look() {
    let home = Home::new();
    let mut endless = home.bare("yes", ["1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut command = home.command("probe", ["pid", "-"]);
    command.stdin(endless.stdout.take().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut probe = command.spawn().unwrap();
    // The command keeps its copy of the pipe, and nobody reads from that.
    drop(command);
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(probe.stdout.take().unwrap()), &mut first).unwrap();
    let said = Said::from(probe.wait_with_output().unwrap()).silent(0);
    assert_found(&serde_json::from_str(&first).unwrap(), "yes alive running");
    assert_eq!(said.out, "");
    endless.wait().unwrap();
}

/// Who types a `-` may not know that it waits for them.
#[test]
fn on_a_terminal_it_says_that_it_reads() {
    let home = Home::new();
    let line = format!("{} pid -", crate::contract::binary("probe"));
    let Ok(output) = home.bare("script", ["-qec", &line, "/dev/null"]).output() else {
        return println!("skipped: no script");
    };
    let said = Said::from(output).with_code(0);
    assert!(said.out.contains("reading processes, one per line, from the terminal; end with Ctrl-D"), "{said:?}");
    assert!(said.out.contains("\"type\":\"probe.ended\""), "{said:?}");
}

#[test]
fn a_look_changes_nothing_and_needs_no_state() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let identity = identity_of(&seen(&home, &sleeper.text()));
    let all = ["pid", &sleeper.text(), &identity, &started(sleeper.pid()), NOBODY, "1:1"];
    let Some(said) = looks_only(&home, &all, |_| {}) else { return };
    assert_eq!(counts(&said.silent(0)), ended(5, 3, 2, 0));
    let input = home.path("input");
    std::fs::write(&input, format!("{identity}\nNaN\n1\n")).unwrap();
    let listed = looks_only(&home, &["pid", "-"], |command| _ = command.stdin(File::open(&input).unwrap())).unwrap();
    assert_eq!(counts(&listed.with_code(65)), ended(2, 2, 0, 0));
    looks_only(&home, &["host"], |_| {}).unwrap().silent(0);
    assert!(!home.state().parent().unwrap().exists());
}
