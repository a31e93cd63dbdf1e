//! `--format table`: for people. jsonl stays what it is on a terminal too.

use std::os::fd::OwnedFd;

use refloat::model::Outcome;
use unicode_width::UnicodeWidthStr;

use super::{Home, Said};

/// Two hundred turns with every outcome, and with names and commands that would break a table. One has no outcome.
fn two_hundred() -> Home {
    let home = Home::new();
    home.turn(&["run", "--agent", "first", "--task", "日本語のとても長い仕事の名前です ❤\u{fe0f}", "--", "true"])
        .silent(0);
    let outcomes: Vec<String> = Outcome::ALL.iter().map(|word| format!("('{word}')")).collect();
    home.sql(&format!(
        "CREATE TEMP TABLE n AS
             WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i FROM n;
         CREATE TEMP TABLE word (outcome TEXT);
         INSERT INTO word VALUES {};
         INSERT INTO run (id, agent, task, capability, state, max_attempts, opened_at, changed_at, ended_at)
         SELECT i, 'worker-' || i, 'red' || char(27) || '[31m' || char(10) || '名', 'none', 'failed', 1, 0, 0, 1 FROM n;
         CREATE TEMP TABLE planted AS SELECT turn.*, i FROM turn, n WHERE turn.id = 1;
         UPDATE planted SET id = i, run = i, token = 'token' || i,
             agent = CASE i % 4 WHEN 0 THEN '作業員' || i WHEN 1 THEN 'a-builder-with-quite-a-long-name-' || i
                 ELSE 'w' || i END,
             description = json_set(description, '$.name', iif(i % 2, 'claude', 'plain')),
             command = '[\"run\",\"a\\u001b[31m\\nb\",\"日本語日本語日本語日本語日本語\",\"' ||
                 replace(hex(zeroblob(i)), '0', 'x') || '\"]',
             outcome = (SELECT outcome FROM word WHERE word.rowid = 1 + i % (SELECT count(*) FROM word)),
             started_at = started_at - i * 3600 * 1000 * 4,
             ended = json_set(ended, '$.duration_ms', i * i * i * 10, '$.events', i * 1000);
         UPDATE planted SET outcome = NULL, ended = NULL, ended_at = NULL,
             started_at = (SELECT started_at FROM turn) - 185000 WHERE id = 200;
         ALTER TABLE planted DROP COLUMN i;
         INSERT INTO turn SELECT * FROM planted",
        outcomes.join(",")
    ));
    home
}

fn table(home: &Home, columns: &str, args: &[&str]) -> Vec<String> {
    let args = [args, &["--format", "table"]].concat();
    let said = Said::of(home.command("turn", args).env("COLUMNS", columns)).silent(0);
    said.out.lines().map(str::to_owned).collect()
}

/// What stands on a line from one column of the display to another.
fn part(line: &str, from: usize, to: usize) -> String {
    let mut column = 0;
    let mut text = String::new();
    for c in line.chars() {
        if (from..to).contains(&column) {
            text.push(c);
        }
        column += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
    }
    text
}

/// Where a heading begins and ends.
fn place(heading: &str, name: &str) -> (usize, usize) {
    let at = heading.find(name).unwrap_or_else(|| panic!("no {name} in {heading}"));
    (at, at + name.len())
}

fn is_brief_time(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["00:00:00Z", "00-00 00:00Z", "0000-00-00"].contains(&form.as_str())
}

#[test]
fn two_hundred_turns_line_up_and_what_matters_is_whole_at_every_width() {
    let home = two_hundred();
    for columns in [80, 200] {
        let lines = table(&home, &columns.to_string(), &["list"]);
        assert_eq!(lines.len(), 201);
        let heading = &lines[0];
        let (outcome, took, started) = (place(heading, "OUTCOME"), place(heading, "TOOK"), place(heading, "STARTED"));
        for (line, id) in lines[1..].iter().zip(1..) {
            assert!(line.width() <= columns && !line.chars().any(char::is_control), "{line:?}");
            let word = match id {
                1 => "completed",
                200 => "running",
                _ => Outcome::ALL[id % Outcome::ALL.len()].word(),
            };
            assert_eq!(part(line, 0, 6).trim_end(), format!("t{id}"), "the id, whole and first: {line}");
            assert_eq!(part(line, outcome.0 - 2, outcome.0 + word.len() + 2), format!("  {word}  "), "{line}");
            let (length, end) = (part(line, took.1 - 6, took.1), part(line, took.1, started.0));
            assert!(length.ends_with(|c: char| c.is_ascii_lowercase()) && end.trim().is_empty(), "{line}");
            let when = part(line, started.0, started.0 + 12);
            assert!(is_brief_time(when.trim_end()), "{when} in {line}");
        }
        assert!(part(&lines[200], took.0 - 2, took.1).contains("3m0"), "{}", lines[200]);
        let agents = lines.iter().map(|line| part(line, 0, outcome.0 - 2));
        assert!(columns < 200 || agents.clone().all(|text| !text.contains('…')), "there is room for names");
        assert!(agents.clone().any(|text| text.contains("a-builder-w")) && agents.count() == 201);
    }
}

#[test]
fn columns_go_by_their_worth() {
    let home = two_hundred();
    let headings = |columns: &str| -> Vec<String> {
        table(&home, columns, &["list"])[0].split_whitespace().map(str::to_owned).collect()
    };
    let all = ["TURN", "RUN", "AGENT", "RUNTIME", "OUTCOME", "TOOK", "STARTED", "EVENTS", "COMMAND"];
    assert_eq!(headings("200"), all);
    assert_eq!(headings("80"), ["TURN", "AGENT", "OUTCOME", "TOOK", "STARTED", "EVENTS", "COMMAND"]);
    assert_eq!(headings("60"), ["TURN", "AGENT", "OUTCOME", "TOOK", "STARTED"]);
    assert_eq!(headings("40"), ["TURN", "AGENT", "OUTCOME"]);
}

#[test]
fn turns_are_listed_by_what_is_asked_for() {
    let home = two_hundred();
    let ids = |args: &[&str]| -> Vec<usize> {
        let said = home.turn(&[&["list", "--limit", "0"], args].concat()).silent(0);
        let id = |record: &serde_json::Value| record["turn"].as_str().unwrap()[1..].parse().unwrap();
        said.records().iter().map(id).collect()
    };
    let failed = Outcome::ALL.iter().position(|word| *word == Outcome::Failed).unwrap();
    let expected: Vec<usize> = (2..200).filter(|id| id % Outcome::ALL.len() == failed).collect();
    assert_eq!(ids(&["--outcome", "failed"]), expected);
    assert_eq!(ids(&["--outcome", "failed", "--agent", "w3"]), [3]);
    assert_eq!(ids(&["--open"]), [200]);
    home.sql(
        "UPDATE turn SET booted_at = booted_at - 7200000 WHERE id <= 150; UPDATE run SET task = 'login' WHERE id < 9",
    );
    assert_eq!(ids(&["--since", "1h"]), (151..=200).collect::<Vec<_>>());
    assert_eq!(ids(&["--since", "1h", "--open"]), [200]);
    assert_eq!(ids(&["--task", "login"]), (1..9).collect::<Vec<_>>());
    assert_eq!(ids(&["--task", "login", "--since", "1h"]), [] as [usize; 0]);
}

#[test]
fn a_run_and_a_turn_are_shown_in_tables_that_fit() {
    let home = two_hundred();
    for columns in [80, 200] {
        for (subject, words) in
            [("r2", &["failed", "silent"][..]), ("t1", &["completed", "exit_code"]), ("r200", &["running"])]
        {
            let lines = table(&home, &columns.to_string(), &["show", subject]);
            assert!(
                lines.iter().all(|line| line.width() <= columns && !line.chars().any(char::is_control)),
                "{lines:?}"
            );
            assert!(words.iter().all(|word| lines.concat().contains(word)), "{words:?}: {lines:#?}");
        }
    }
}

#[test]
fn a_table_that_is_not_for_a_terminal_has_no_colour() {
    let home = two_hundred();
    assert!(!table(&home, "120", &["list"]).concat().contains('\u{1b}'));
}

#[test]
fn on_a_terminal_jsonl_stays_the_default_and_colour_is_for_tables_alone() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "false"]).silent(1);
    let jsonl = on_terminal(&home, &["list"], &[]);
    assert!(jsonl.starts_with("{\"type\":\"turn\",\"v\":1,") && !jsonl.contains('\u{1b}'), "{jsonl}");
    let coloured = on_terminal(&home, &["list", "--format", "table"], &[]);
    assert!(coloured.contains("\u{1b}[1m") && coloured.contains("\u{1b}[31m"), "{coloured:?}");
    let plain = on_terminal(&home, &["list", "--format", "table"], &[("NO_COLOR", "1")]);
    assert!(plain.starts_with("TURN") && !plain.contains('\u{1b}'), "{plain:?}");
    let empty = on_terminal(&home, &["list", "--format", "table"], &[("NO_COLOR", "")]);
    assert!(empty.contains('\u{1b}'), "an empty NO_COLOR is none (no-color.org)");
}

/// What a command writes to a terminal of its own.
fn on_terminal(home: &Home, args: &[&str], variables: &[(&str, &str)]) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = std::fs::File::options().read(true).write(true).open(name).unwrap();
    let mut command = home.command("turn", args);
    let status = command.envs(variables.iter().copied()).stdout(OwnedFd::from(theirs)).status().unwrap();
    assert_eq!(status.code(), Some(0));
    drop(command);
    let mut text = Vec::new();
    // The end of a terminal whose other side is closed is EIO.
    let _ = std::io::Read::read_to_end(&mut std::fs::File::from(ours), &mut text);
    String::from_utf8(text).unwrap().replace("\r\n", "\n")
}
