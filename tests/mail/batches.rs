//! `mail send -`: one JSON object per line, all or nothing.

use std::io::Write;
use std::process::Stdio;

use super::{Home, Said, ids, inside, list, out, with};

fn batch(home: &Home, text: impl AsRef<[u8]>, more: &[&str]) -> Said {
    let file = home.path("batch");
    std::fs::write(&file, text).unwrap();
    let args = [&["send", "-"], more].concat();
    Said::of(home.command("mail", args).stdin(std::fs::File::open(file).unwrap()))
}

#[test]
fn every_key_of_a_line_is_an_option_of_send() {
    let home = with(&["a", "b"]);
    let text = r#"{"to":"a","subject":"one","from":"x","body":"b\n","type":"question","priority":"high","payload":{"n":1},"expires":"1d"}
{"to":"run:r2","subject":"two","reply_to":null,"unknown":true}
{"to":"zebra","subject":"three","queue":true}
"#;
    let sent = batch(&home, text, &["--from", "o"]).silent(0).records();
    assert_eq!(sent.iter().map(|mail| mail["mail"].as_str().unwrap()).collect::<Vec<_>>(), ["m1", "m2", "m3"]);
    let mails = list(&home, &[]);
    let first = &mails[0];
    assert_eq!((&first["from"], &first["body"], &first["payload"]["n"]), (&"x".into(), &"b\n".into(), &1.into()));
    assert_eq!((&first["mail_type"], &first["priority"]), (&"question".into(), &"high".into()));
    assert!(first["expires_at"].is_string());
    assert_eq!(
        (&mails[1]["from"], &mails[1]["to_run"], &mails[1]["mail_type"]),
        (&"o".into(), &"r2".into(), &"status".into())
    );
    assert_eq!(batch(&home, "", &[]).silent(0).out, "");
}

#[test]
fn a_bad_line_is_named_and_nothing_is_stored() {
    let home = with(&["a"]);
    let good = r#"{"to":"a","subject":"s","from":"x"}"#;
    let long = format!(r#"{{"to":"a","subject":"s","from":"x","body":"{}"}}"#, "x".repeat((1 << 20) + 1));
    let before = home.dump();
    for (bad, code, words) in [
        ("{", 65, "stdin:3: EOF while parsing"),
        ("", 65, "stdin:3: not a JSON object"),
        (r#"["a","s","b",null,null,null,"x",null,null,true]"#, 65, "stdin:3: not a JSON object"),
        (r#"{"to":"a","from":"x"}"#, 65, "stdin:3: missing field `subject`"),
        (r#"{"to":"a/b","subject":"s","from":"x"}"#, 65, "stdin:3: cannot send to 'a/b'"),
        (r#"{"to":"a","subject":"s"}"#, 65, "stdin:3: nobody sends it"),
        (r#"{"to":"a","subject":"s","from":"-x"}"#, 65, "stdin:3: from: a name has"),
        (r#"{"to":"a","subject":"s","from":"x","type":"spam"}"#, 65, "stdin:3: unknown variant `spam`"),
        (r#"{"to":"a","subject":"s","from":"x","payload":[1]}"#, 65, "stdin:3: "),
        (
            r#"{"to":"a","subject":"s","from":"x","type":"merged","payload":{}}"#,
            65,
            "stdin:3: the payload of merged has no field 'branch'",
        ),
        (r#"{"to":"a","subject":"a\nb","from":"x"}"#, 65, "stdin:3: a subject is one line"),
        (r#"{"to":"a","subject":"s","from":"x","expires":"soon"}"#, 65, "stdin:3: expires: "),
        (r#"{"to":"nobody","subject":"s","from":"x"}"#, 66, "stdin:3: no agent 'nobody'"),
        (r#"{"to":"@scouts","subject":"s","from":"x"}"#, 66, "stdin:3: nobody but the sender"),
        (long.as_str(), 65, "stdin:3: the body is longer than 1048576 bytes"),
    ] {
        let said = batch(&home, format!("{good}\n{good}\n{bad}\n{good}\n"), &[]).failed(code, words);
        assert_eq!(said.out, "", "{bad}");
        assert_eq!(home.dump(), before, "{bad}");
    }
    batch(&home, [good.as_bytes(), b"\n\xff\n"].concat(), &[]).failed(65, "stdin:2: ");
    assert_eq!(home.dump(), before);
    let left = std::fs::read_dir(home.path("state")).unwrap().flatten();
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().contains("spool")));
}

#[test]
fn inside_a_turn_every_line_is_the_turns() {
    let home = with(&["lead"]);
    let script = r#"printf '%s\n' '{"to":"lead","subject":"a","type":"result"}' '{"to":"lead","subject":"b","from":"b2"}' | $MAIL send - >&2
        if echo '{"to":"lead","subject":"c","from":"lead"}' | $MAIL send - 2> $OUT; then exit 9; else test $? = 76; fi"#;
    inside(&home, script).silent(0);
    assert!(out(&home).starts_with("mail: stdin:1: b2 cannot send as lead"), "{}", out(&home));
    assert!(list(&home, &[]).iter().all(|mail| mail["from"] == "b2" && mail["attributed_by"] == "turn"));
    assert_eq!(ids(&home, &[]).len(), 2);
}

/// A slow writer holds nobody up, and many lines do not stay in memory: 90 MB of them under a limit of 60 MB, with the
/// program itself in it.
#[test]
fn many_lines_are_stored_in_bounded_memory_and_a_slow_writer_holds_nobody_up() {
    let home = with(&["a"]);
    let line = format!("{{\"to\":\"a\",\"subject\":\"s\",\"from\":\"x\",\"body\":\"{}\"}}\n", "x".repeat(10_000));
    let mut command = home.bare(
        "sh",
        ["-c", "ulimit -v 60000; exec \"$0\" send - >\"$1\"", super::MAIL, home.path("sent").to_str().unwrap()],
    );
    let mut sending = command.env("REFLOAT_STATE", home.state()).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = sending.stdin.take().unwrap();
    for number in 0..9_000 {
        input.write_all(line.as_bytes()).unwrap();
        if number == 10 {
            super::send(&home, "y", "a", &[]).silent(0);
        }
    }
    drop(input);
    assert_eq!(sending.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_to_string(home.path("sent")).unwrap().lines().count(), 9_000);
    assert_eq!(ids(&home, &["--limit", "1"]), ["m9001"]);
    assert_eq!(ids(&home, &["--from", "y"]), ["m1"]);
}
