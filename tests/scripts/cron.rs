//! The sample crontab: its lines are run as cron(8) runs them, by `/bin/sh -c` in the user's home with next to no environment.

use std::process::{Command, Stdio};

use super::{Ran, commands, script};
use crate::stage::Stage;

/// A line as cron reads it.
struct Line {
    settings: Vec<(String, String)>,
    command: String,
}

/// The lines of the file in which /home/ada is this home, with the commands where they are. In the form of /etc/cron.d
/// those that are commented out count, and name the user.
fn lines(stage: &Stage, system: bool) -> Vec<Line> {
    let home = stage.name("home");
    let text = std::fs::read_to_string(script("cron/refloat")).unwrap();
    assert!(text.ends_with('\n'), "cron does not read a last line without its end");
    let text = text.replace("/home/ada/.cargo/bin", commands().to_str().unwrap()).replace("/home/ada", &home);
    let (mut settings, mut lines) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let line = if system {
            line.strip_prefix("#*/").map_or(line.to_owned(), |rest| format!("*/{rest}"))
        } else {
            line.to_owned()
        };
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.contains(' ')) {
            assert!(!value.contains(['$', '~']), "cron puts no value of a variable there: {line}");
            settings.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let mut rest = line.as_str();
        for _ in 0..5 + usize::from(system) {
            rest = rest.split_once(' ').unwrap().1.trim_start();
        }
        assert!(!rest.contains('%'), "cron ends the command there: {line}");
        // Those of the other form are not of this one.
        if system == line.contains("  ada  ") {
            lines.push(Line { settings: settings.clone(), command: rest.to_owned() });
        }
    }
    assert_eq!(lines.len(), 2, "{text}");
    lines
}

impl Line {
    fn shell(&self, stage: &Stage) -> Command {
        let home = stage.name("home");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &self.command]).env_clear().current_dir(&home).stdin(Stdio::null());
        shell.env("HOME", &home).env("LOGNAME", "ada").env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin");
        shell.envs(self.settings.iter().map(|(name, value)| (name, value)));
        shell
    }
}

/// A home with a state file in it: a mark that holds no more, and one that does.
fn marked() -> Stage {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("home")).unwrap();
    for (name, ttl) in [("over", "1ms"), ("holds", "1h")] {
        let mut mark = stage.command(commands().join("mark"));
        mark.args(["set", "dispatch", name, "--ttl", ttl]).env_remove("REFLOAT_STATE").env("HOME", stage.path("home"));
        assert_eq!(Ran::of(mark.current_dir(stage.path("home"))).code, 0);
    }
    stage
}

fn log(stage: &Stage) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(stage.path("home/.local/state/refloat/cron.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_line_does_its_work_and_gives_cron_nothing_to_mail() {
    for system in [false, true] {
        let stage = marked();
        for line in lines(&stage, system) {
            let ran = Ran::of(&mut line.shell(&stage));
            assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", ""), "{}: {ran:#?}", line.command);
            // With no standard input at all.
            let closed = format!("exec <&-; {}", line.command);
            let ran = Ran::of(&mut Line { command: closed, ..line }.shell(&stage));
            assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", ""), "{ran:#?}");
        }
        let log = log(&stage);
        let removed: Vec<&str> = log
            .iter()
            .filter(|record| record["removed"] == true)
            .map(|record| record["name"].as_str().unwrap())
            .collect();
        assert_eq!(removed, ["over"]);
        for kind in ["mark-cleanup.ended", "reconcile.ended"] {
            assert_eq!(log.iter().filter(|record| record["type"] == kind).count(), 2, "{kind}: {log:#?}");
        }
    }
}

#[test]
fn passes_at_the_same_time_do_no_harm_and_write_whole_lines() {
    let stage = marked();
    let lines = lines(&stage, false);
    let both = || lines.iter().map(|line| line.shell(&stage).stderr(Stdio::piped()).spawn().unwrap());
    let running: Vec<_> = both().chain(both()).chain(both()).collect();
    for one in running {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    let log = log(&stage);
    assert_eq!(log.iter().filter(|record| record["removed"] == true).count(), 1, "{log:#?}");
    assert_eq!(log.iter().filter(|record| record["type"] == "mark-cleanup.ended").count(), 3);
}

#[test]
fn a_failure_is_what_cron_mails() {
    let stage = marked();
    std::fs::remove_file(stage.path("home/.local/state/refloat/state.db")).unwrap();
    for line in lines(&stage, false) {
        let ran = Ran::of(&mut line.shell(&stage));
        assert!(ran.code == 66 && ran.out.is_empty() && ran.err.contains(": no state at "), "{ran:#?}");
    }
}
