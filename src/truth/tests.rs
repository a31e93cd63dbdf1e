//! Every fixture of stories and sprint files, read as its table says; and texts that are too much.

#![allow(clippy::disallowed_macros, reason = "a test says how much it has read")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{sprint, story};
use crate::model::{Reason, Says, StatusForm, StatusReading, StoryKey};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/truth")
}

/// The rows of a table; every file of its folder has one.
fn rows(kind: &str) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(folder().join(format!("{kind}.tsv"))).unwrap();
    let rows: Vec<Vec<String>> =
        table.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    let named: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    let files = std::fs::read_dir(folder().join(kind)).unwrap();
    let files: BTreeSet<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(named, files);
    println!("{kind}: {} files, {} readings", files.len(), rows.len());
    rows
}

fn bytes(kind: &str, name: &str) -> Vec<u8> {
    std::fs::read(folder().join(kind).join(name)).unwrap()
}

/// A reading as the tables write it.
fn told(reading: &StatusReading) -> (String, String) {
    match &reading.says {
        Says::Status(status) if status.known => (status.word.clone(), status.raw.clone()),
        Says::Status(status) => (format!("?{}", status.word), status.raw.clone()),
        Says::Nothing(silence) => (format!("!{}", silence.reason), String::new()),
    }
}

#[test]
fn every_sprint_file_is_read_as_its_table_says() {
    let mut wrong = Vec::new();
    for row in rows("sprint") {
        let [file, case, key, says, raw] = &row[..] else { panic!("{row:?}") };
        let reading = sprint::read(&bytes("sprint", file), &StoryKey::of(key));
        let wanted = (says.clone(), if says.starts_with('!') { String::new() } else { raw.clone() });
        if told(&reading) != wanted {
            wrong.push(format!("{case} {file} {key}: want {wanted:?}: {reading:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_story_is_read_as_its_table_says() {
    let mut wrong = Vec::new();
    for row in rows("story") {
        let [file, case, says, raw, lines] = &row[..] else { panic!("{row:?}") };
        let reading = story::read(&bytes("story", file));
        let found: Vec<String> = reading.sources.iter().map(|source| source.line.to_string()).collect();
        let lines_differ = !says.starts_with('!') && found.join(",") != *lines;
        if told(&reading) != (says.clone(), raw.clone()) || lines_differ {
            wrong.push(format!("{case} {file}: want {says} {raw} {lines}: {reading:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_conflict_names_each_place_with_its_line_and_its_words() {
    let reading = story::read(&bytes("story", "disagree.md"));
    let places: Vec<_> =
        reading.sources.iter().map(|one| (one.line, one.form, one.raw.as_str(), one.status.as_deref())).collect();
    assert_eq!(
        places,
        [(2, StatusForm::FrontMatter, "done", Some("done")), (7, StatusForm::Line, "review", Some("review"))]
    );
    let Says::Nothing(silence) = reading.says else { panic!() };
    assert_eq!(silence.what.as_deref(), Some("line 2 'done', line 7 'review'"));
}

#[test]
fn each_form_is_told() {
    let forms = |file: &str| -> Vec<StatusForm> {
        story::read(&bytes("story", file)).sources.iter().map(|source| source.form).collect()
    };
    assert_eq!(forms("bold.md"), [StatusForm::Line]);
    assert_eq!(forms("heading-next-line.md"), [StatusForm::Section]);
    assert_eq!(forms("heading-on-the-line.md"), [StatusForm::Heading]);
    assert_eq!(forms("spec-with-result.md"), [StatusForm::FrontMatter, StatusForm::AutoRunResult]);
    assert_eq!(story::read(b"- Status: done\n").sources[0].form, StatusForm::Item);
    let nested = sprint::read(&bytes("sprint", "nested.yaml"), &StoryKey::of("1-1"));
    assert_eq!((nested.sources[0].form, nested.sources[0].line), (StatusForm::Nested, 3));
    let plain = sprint::read(&bytes("sprint", "quotes.yaml"), &StoryKey::of("1-2"));
    assert_eq!((plain.sources[0].form, plain.sources[0].line), (StatusForm::Entry, 3));
}

#[test]
fn keys_that_come_near_and_keys_without_a_form_are_named() {
    let read = |file: &str, key: &str| sprint::read(&bytes("sprint", file), &StoryKey::of(key));
    assert_eq!(read("normal.yaml", "1-1-berth").candidates, ["1-1-berth-list"]);
    assert_eq!(read("duplicates.yaml", "1-5").candidates, ["1-5-alpha", "1-5-beta"]);
    let all = ["1-7", "orphan-entry-not-numbered", "post-epic-1-r1a1-cleanup"];
    assert_eq!(read("odd-keys.yaml", "1-6").unknown_keys, all);
    assert_eq!(read("normal.yaml", "1-1").unknown_keys, [""; 0]);
}

/// 5 MB of comments are a long file, not a broken one; more keys than anybody has are none.
#[test]
fn what_is_much_is_read_and_what_is_too_much_is_refused() {
    let key = StoryKey::of("1-1");
    let comments = "# a line of a comment that goes on for a while\n".repeat(110_000);
    assert!(comments.len() > 5_000_000);
    let long = format!("{comments}development_status:\n  1-1-a: done\n");
    assert_eq!(told(&sprint::read(long.as_bytes(), &key)).0, "done");
    let keys: String = (0..30_000).map(|number| format!("  {number}-2-x: done\n")).collect();
    let many = format!("development_status:\n  1-1-a: done\n{keys}");
    assert_eq!(told(&sprint::read(many.as_bytes(), &key)).0, "!too_big");
    for hostile in ["{---", "[", "? ", "- ", "&a ", "*a", "%TAG", "!!x", "\u{85}", "{a: ", "\"", "'\n"] {
        for times in [1, 1000] {
            let text = format!("development_status: {}", hostile.repeat(times));
            assert!(sprint::read(text.as_bytes(), &key).status().is_none(), "{hostile}");
        }
    }
    let many = "Status: done\n\n".repeat(200_000);
    assert_eq!(told(&story::read(many.as_bytes())).0, "!too_big");
    for hostile in ["[", "*a ", "> ", "- ", "`", "<!--", "|a", "[a](", "![", "a|b\n-|-\n", "# "] {
        let text = format!("Status: done\n\n{}", hostile.repeat(100_000));
        assert_eq!(told(&story::read(text.as_bytes())).0, "done", "{hostile}");
    }
}

/// Whatever a file is cut to, no other value comes out of it than one that stood there.
#[test]
fn no_beginning_of_a_file_tells_another_status() {
    let drafted = b"development_status:\n  1-1-a: drafted";
    for end in 0..=drafted.len() {
        let reading = sprint::read(&drafted[..end], &StoryKey::of("1-1"));
        assert!(reading.status().is_none_or(|status| status.word == "ready-for-dev"), "{end} {reading:?}");
    }
    let text = bytes("sprint", "normal.yaml");
    for end in 0..text.len() {
        let reading = sprint::read(&text[..end], &StoryKey::of("1-3"));
        assert!(
            ["in-progress"].contains(&told(&reading).0.as_str()) || reading.status().is_none(),
            "{end} {reading:?}"
        );
    }
    let text = bytes("story", "normal.md");
    for end in 0..text.len() {
        let reading = story::read(&text[..end]);
        assert!(reading.status().is_none_or(|status| status.word == "ready-for-dev"), "{end} {reading:?}");
    }
    let Says::Nothing(silence) = story::read(&text[..30]).says else { panic!() };
    assert_eq!(silence.reason, Reason::NoStatus);
}

/// What is shown of a place is cut and without control characters; what it says is not.
#[test]
fn a_status_is_read_from_all_that_stands_there() {
    let far = " ".repeat(130);
    let stories = [
        format!("Status: done{far}not yet\n"),
        format!("---\nstatus: \"done{far}not yet\"\n---\n"),
        "Status: do\0ne\n".to_owned(),
        "Status: do\u{1b}ne\n".to_owned(),
        "---\nstatus: \"do\\0ne\"\n---\n".to_owned(),
        "Status: <del>done</del>\n".to_owned(),
        "Status: <S>done</S>\n".to_owned(),
        "Status: ☒ done\n".to_owned(),
        "Status: done 🚧\n".to_owned(),
    ];
    let is_done = |reading: &StatusReading| reading.status().is_some_and(|status| status.word == "done");
    for text in stories {
        let reading = story::read(text.as_bytes());
        assert!(!is_done(&reading), "{text:?}: {reading:?}");
    }
    for text in ["Status: done <span>today</span>\n", "Status: <span>done</span>\n"] {
        assert_eq!(is_done(&story::read(text.as_bytes())), text.contains("<span>done"), "{text:?}");
    }
    for value in ["\"do\\0ne\"", "\"do\\ene\"", "\"done\\x08\""] {
        let text = format!("development_status:\n  1-2: {value}\n");
        let reading = sprint::read(text.as_bytes(), &StoryKey::of("1-2"));
        assert!(!is_done(&reading), "{text:?}: {reading:?}");
    }
}
