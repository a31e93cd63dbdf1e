//! Bytes that are not UTF-8, wherever a caller may bring them: kept for the agent, marked in records, never a crash.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::{Home, Said};

const BAD: &[u8] = b"caf\xe9";
const SHOWN: &str = "caf\u{fffd}";

fn bad() -> &'static OsStr {
    OsStr::from_bytes(BAD)
}

fn words(list: &[&str]) -> Vec<OsString> {
    list.iter().map(OsString::from).collect()
}

#[test]
fn an_argument_that_is_not_utf8_reaches_the_agent_as_it_is_and_the_record_says_lossy() {
    let home = Home::new();
    let mut args = words(&["run", "--agent", "a", "--", "printf", "%s"]);
    args.push(bad().to_owned());
    Said::of(&mut home.command("turn", &args)).silent(0);
    assert_eq!(std::fs::read(home.path("state/logs/t1/stream.jsonl")).unwrap(), BAD);
    let turn = home.turn(&["list"]).silent(0).record("turn");
    assert_eq!(turn["command"][2], SHOWN);
    assert_eq!(
        (&turn["command_lossy"], &turn["cwd_lossy"], &turn["log_dir_lossy"]),
        (&true.into(), &false.into(), &false.into())
    );
    let event = home.turn(&["log", "t1"]).silent(0).record("turn.event");
    assert_eq!((&event["text"], &event["text_lossy"]), (&SHOWN.into(), &true.into()));
}

/// A text that merely contains the replacement character is not lossy.
#[test]
fn a_replacement_character_that_was_typed_is_not_lossy() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "echo", SHOWN]).silent(0);
    let turn = home.turn(&["list"]).silent(0).record("turn");
    assert_eq!((&turn["command"][1], &turn["command_lossy"]), (&SHOWN.into(), &false.into()));
    let event = home.turn(&["log", "t1"]).silent(0).record("turn.event");
    assert_eq!((&event["text"], &event["text_lossy"]), (&SHOWN.into(), &false.into()));
}

#[test]
fn a_working_folder_that_is_not_utf8_is_entered_and_the_record_says_lossy() {
    let home = Home::new();
    let folder = home.path("home").join(bad());
    std::fs::create_dir(&folder).unwrap();
    let mut args = words(&["run", "--agent", "a", "--cwd"]);
    args.push(folder.clone().into());
    args.extend(words(&["--", "touch", "here"]));
    Said::of(&mut home.command("turn", &args)).silent(0);
    let mut inside = home.command("turn", ["run", "--agent", "b", "--", "touch", "there"]);
    Said::of(inside.current_dir(&folder)).silent(0);
    assert!(folder.join("here").exists() && folder.join("there").exists());
    for turn in home.turn(&["list"]).silent(0).records() {
        assert!(turn["cwd"].as_str().unwrap().ends_with(SHOWN), "{turn}");
        assert_eq!((&turn["cwd_lossy"], &turn["command_lossy"]), (&true.into(), &false.into()));
    }
}

#[test]
fn a_state_folder_that_is_not_utf8_works_and_every_record_with_its_path_says_lossy() {
    let home = Home::new();
    let state = home.path("home").join(bad()).join("state.db");
    let on_it = |args: &[&str]| Said::of(home.command("turn", args).env("REFLOAT_STATE", &state));
    let mut said = on_it(&["run", "--agent", "a", "--", "echo", "hi"]).silent(0).records();
    said.extend(on_it(&["show", "t1"]).silent(0).records());
    said.extend(on_it(&["list"]).silent(0).records());
    assert_eq!(said.len(), 5);
    for record in said {
        assert!(record["log_dir"].as_str().unwrap().contains(SHOWN), "{record}");
        assert_eq!(record["log_dir_lossy"], true, "{record}");
    }
    assert_eq!(on_it(&["log", "t1", "--raw"]).silent(0).out, "hi\n");
    assert!(home.path("home").join(bad()).join("logs/t1/stream.jsonl").exists());
}

#[test]
fn a_prompt_file_may_have_any_bytes_and_any_name() {
    let home = Home::new();
    let file = home.path("home").join(bad());
    std::fs::write(&file, [BAD, b"\0\xff\xfe\n"].concat()).unwrap();
    let mut args = words(&["run", "--agent", "a", "--prompt-file"]);
    args.push(file.into());
    args.extend(words(&["--", "cat"]));
    Said::of(&mut home.command("turn", &args)).silent(0);
    assert_eq!(std::fs::read(home.path("state/logs/t1/stream.jsonl")).unwrap(), [BAD, b"\0\xff\xfe\n"].concat());
}

#[test]
fn names_and_texts_that_are_not_utf8_are_refused_where_records_keep_them_as_text() {
    let home = Home::new();
    for before in
        [&["run", "--agent"][..], &["run", "--agent", "a", "--task"], &["stop"], &["show"], &["list", "--agent"]]
    {
        let mut args = words(before);
        args.push(bad().to_owned());
        Said::of(&mut home.command("turn", &args)).failed(2, "invalid UTF-8");
    }
    let mut args = words(&["send", "--from", "o", "--to", "a", "--subject"]);
    args.push(bad().to_owned());
    Said::of(&mut home.command("mail", &args)).failed(2, "invalid UTF-8");
    assert!(!home.path("state").exists());
}

/// Not text is not the same as not there: this is a turn's child with a broken token, not a person outside.
#[test]
fn a_token_that_is_not_utf8_is_a_wrong_token() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    let send = ["send", "--from", "o", "--to", "a", "--subject", "s"];
    Said::of(home.command("mail", send).env("REFLOAT_TOKEN", bad()))
        .failed(76, "the token of this turn is unknown here");
    assert!(home.mail(&["list"]).silent(0).records().is_empty());
}
