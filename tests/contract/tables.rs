//! `--format table`: for people. jsonl stays what it is on a terminal too.

use std::os::fd::OwnedFd;

use unicode_width::UnicodeWidthStr;

use super::{Home, Said};

/// Two hundred turns with tasks that would break a table.
fn two_hundred() -> Home {
    let home = Home::new();
    home.turn(&["run", "--agent", "first", "--task", "日本語のとても長い仕事の名前です ❤\u{fe0f}", "--", "true"])
        .silent(0);
    home.sql(
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
         INSERT INTO run (id, agent, task, capability, state, max_attempts, opened_at, changed_at, ended_at)
         SELECT i, 'worker-' || i, 'red' || char(27) || '[31m' || char(10) || '名', 'none', 'failed', 1, 0, 0, 1 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
         INSERT INTO turn SELECT i, i, CASE i % 3 WHEN 0 THEN '作業員' ELSE 'worker-' || i END, epoch, attempt,
             'token' || i, description, '[\"run\",\"a\\u001b[31m\\nb\",\"日本語日本語日本語日本語日本語\"]', command_lossy,
             cwd, cwd_lossy, limits, deadline_ms, session_asked, resume, contained_by, cgroup, last_mail, supervisor, shim,
             child, before, booted_at, turn.started_at, started_tick, wish, wish_signal, wish_why, wish_at, events, ignored_lines,
             progress_tick, read_bytes, outcome, ended_at, ended, yielded FROM turn, n WHERE turn.id = 1",
    );
    home
}

fn table(home: &Home, columns: &str, args: &[&str]) -> Vec<String> {
    let args = [args, &["--format", "table"]].concat();
    let said = Said::of(home.command("turn", args).env("COLUMNS", columns)).silent(0);
    said.out.lines().map(str::to_owned).collect()
}

/// The columns of the display at which each cell of a line begins, by its heading.
fn starts(heading: &str) -> Vec<usize> {
    let bytes = heading.as_bytes();
    (0..bytes.len()).filter(|&at| bytes[at] != b' ' && (at == 0 || (at > 1 && &bytes[at - 2..at] == b"  "))).collect()
}

#[test]
fn two_hundred_turns_line_up_and_no_line_is_longer_than_the_terminal() {
    let home = two_hundred();
    for columns in ["80", "200"] {
        let lines = table(&home, columns, &["list"]);
        assert_eq!(lines.len(), 201);
        let starts = starts(&lines[0]);
        assert!(starts.len() >= 8, "{}", lines[0]);
        for line in &lines {
            assert!(line.width() <= columns.parse().unwrap(), "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            let mut column = 0;
            let mut gaps = vec![];
            for c in line.chars() {
                if c == ' ' {
                    gaps.push(column);
                }
                column += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
            }
            for start in starts.iter().skip(1).filter(|start| **start <= column) {
                assert!(gaps.contains(&(start - 1)) && gaps.contains(&(start - 2)), "column {start}: {line}");
            }
        }
    }
    let lines = table(&home, "80", &["show", "r2"]);
    assert!(lines.iter().all(|line| line.width() <= 80 && !line.chars().any(char::is_control)), "{lines:?}");
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
