//! The whole table of the process instrument: every condition of the place, and every reading of a look, with the finding
//! that it has to be. The tables are read from the top: the first line that fits is what is expected.

use std::collections::BTreeSet;

use super::*;
use crate::model::{Answer, Finding};
use crate::seam::support::say;
use crate::sight;

/// The recorded identity beside where it is looked at.
const PLACES: &str = "
    machine  boot                pid_ns        time_ns                    proc    | answer  meaning reason
    other    *                   *             *                          *       | unknown unknown other_host
    *        *                   *             *                          foreign | unknown unknown foreign_proc
    *        ours_empty          *             *                          *       | unknown unknown own_identity_unknown
    *        *                   ours_unknown  *                          *       | unknown unknown own_identity_unknown
    same     other               same|initial  same|initial|both_unknown  own     | no      dead    rebooted
    *        other|theirs_empty  *             *                          own     | unknown unknown other_boot
    *        same                same          same|both_unknown          own     | looked  at      here
    *        same                *             *                          own     | unknown unknown other_namespace";

/// A pidfd that could not be opened.
const UNOPENED: &str = "
    asked   errno                thread | answer  meaning reason
    *       ESRCH                *      | no      dead    no_such_process
    number  EINVAL|ENOENT        yes    | no      dead    no_such_process
    *       EINVAL|ENOENT        yes    | no      dead    pid_reused
    *       ENOSYS|EPERM|EACCES  *      | unknown unknown not_supported
    *       EMFILE|ENFILE        *      | unknown unknown no_descriptors
    *       *                    *      | unknown unknown look_failed";

/// One that was: the state in stat or the error of reading it, and whether the pidfd says that it has ended.
const OPENED: &str = "
    asked      stat                     ended | answer  meaning reason
    *          *                        EIO   | unknown unknown look_failed
    other      R|S|D|Z|T|t|X|x|K|W|P|I  *     | no      dead    pid_reused
    *          R|S|D|Z|T|t|X|x|K|W|P|I  yes   | no      dead    zombie
    start_0    R|S|D|Z|T|t|X|x|K|W|P|I  no    | unknown unknown start_unknown
    *          T|t                      no    | yes     alive   stopped
    *          R|S|D|Z|X|x|K|W|P|I      no    | yes     alive   running
    *          *                        yes   | no      dead    no_such_process
    *          ENOENT|ESRCH             no    | unknown unknown hidden
    *          EMFILE|ENFILE            no    | unknown unknown no_descriptors
    *          EACCES|EPERM|EIO|bad     no    | unknown unknown look_failed";

const ASKED: [&str; 4] = ["number", "same", "other", "start_0"];
const ERRNOS: [&str; 11] =
    ["ESRCH", "EINVAL", "ENOENT", "ENOSYS", "EPERM", "EACCES", "EMFILE", "ENFILE", "EIO", "ENOMEM", "ENODEV"];
const STATS: [&str; 20] = [
    "R", "S", "D", "Z", "T", "t", "X", "x", "K", "W", "P", "I", "ENOENT", "ESRCH", "EACCES", "EPERM", "EMFILE",
    "ENFILE", "EIO", "bad",
];

fn errno(name: &str) -> Errno {
    match name {
        "ESRCH" => Errno::SRCH,
        "EINVAL" => Errno::INVAL,
        "ENOENT" => Errno::NOENT,
        "ENOSYS" => Errno::NOSYS,
        "EPERM" => Errno::PERM,
        "EACCES" => Errno::ACCESS,
        "EMFILE" => Errno::MFILE,
        "ENFILE" => Errno::NFILE,
        "EIO" => Errno::IO,
        "ENOMEM" => Errno::NOMEM,
        "ENODEV" => Errno::NODEV,
        other => panic!("{other}"),
    }
}

/// The place and the recorded identity that a cell names.
fn place_of([machine, boot, pid_ns, time_ns, proc]: [&str; 5]) -> Option<Life> {
    let pair = |word: &str, unknown: &str| match word {
        "same" => ("a".to_owned(), "a".to_owned()),
        "other" => ("a".to_owned(), "b".to_owned()),
        "theirs_empty" => ("a".to_owned(), String::new()),
        "ours_empty" => (String::new(), "a".to_owned()),
        "both_empty" => (String::new(), String::new()),
        _ => panic!("{unknown}: {word}"),
    };
    let namespaces = |word: &str, initial| match word {
        "same" => (7, 7),
        "other" => (7, 8),
        "initial" => (7, initial),
        "theirs_unknown" => (7, 0),
        "ours_unknown" => (0, 7),
        "both_unknown" => (0, 0),
        _ => panic!("{word}"),
    };
    let (our_machine, machine) = pair(machine, "machine");
    let (our_boot, boot) = pair(boot, "boot");
    let (our_pid_ns, pid_ns) = namespaces(pid_ns, INITIAL_PID_NS);
    let (our_time_ns, time_ns) = namespaces(time_ns, INITIAL_TIME_NS);
    let foreign_proc = proc == "foreign";
    let here = Place { machine: our_machine, boot: our_boot, pid_ns: our_pid_ns, time_ns: our_time_ns, foreign_proc };
    place(&here, &Identity { machine, boot, pid_ns, time_ns, pid: 42, start_ticks: 9 })
}

fn asked_of(asked: &str, life: Life) -> Life {
    if asked == "number" { of_a_number(life) } else { life }
}

fn unopened_of([asked, error, thread]: [&str; 3]) -> Life {
    asked_of(asked, unopened(errno(error), thread == "yes"))
}

fn opened_of([asked, stat, ended]: [&str; 3]) -> Life {
    let found = 9;
    let meant = match asked {
        "number" => Match::Same,
        "same" => Match::of(9, found),
        "other" => Match::of(8, found),
        _ => Match::of(0, found),
    };
    let read = match stat {
        "bad" => Err(io::Error::new(io::ErrorKind::InvalidData, "malformed")),
        error if error.starts_with('E') => Err(io::Error::from(errno(error))),
        state => {
            let state = state.as_bytes()[0];
            Ok(Stat {
                name: "a".into(),
                name_lossy: false,
                state,
                parent: 1,
                foreground: -1,
                terminal: 0,
                start_ticks: found,
                wait_status: 0,
            })
        }
    };
    let ended = if ended == "EIO" { Err(io::Error::from(Errno::IO)) } else { Ok(ended == "yes") };
    let meant = read.as_ref().ok().map(|_| meant);
    asked_of(asked, opened(&read, &ended, meant))
}

fn words(life: Option<Life>) -> String {
    life.map_or("looked at here".to_owned(), |life| {
        let found = Finding::from(sight::of_process(life));
        assert_eq!(found.answer == Answer::Unknown, matches!(life, Life::Unknown(_)));
        format!("{} {} {}", found.answer, found.meaning, found.reason)
    })
}

/// The lines of a table: the patterns of its cells, and the finding.
fn lines(table: &'static str) -> Vec<(Vec<&'static str>, String)> {
    let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
    let rows = table.lines().skip(2).map(|line| line.rsplit_once(" | ").unwrap());
    rows.map(|(cells, finding)| (words(cells), words(finding).join(" "))).collect()
}

/// Holds every cell against the first line that fits, and wants every line to be needed. How many cells there are.
fn hold<const N: usize>(
    table: &'static str,
    words_of: [&[&'static str]; N],
    found: impl Fn([&'static str; N]) -> String,
) -> usize {
    let lines = lines(table);
    let mut needed = BTreeSet::new();
    let count: usize = words_of.iter().map(|words| words.len()).product();
    for number in 0..count {
        let mut rest = number;
        let cell = words_of.map(|words| {
            let word = words[rest % words.len()];
            rest /= words.len();
            word
        });
        let fits = |(patterns, _): &&(Vec<&str>, String)| {
            patterns.len() == N
                && patterns
                    .iter()
                    .zip(cell)
                    .all(|(pattern, word)| *pattern == "*" || pattern.split('|').any(|one| one == word))
        };
        let line = lines.iter().find(fits).unwrap_or_else(|| panic!("no line for {cell:?}"));
        assert_eq!(found(cell), line.1, "{cell:?}");
        needed.insert(line.0.clone());
    }
    assert_eq!(needed.len(), lines.len(), "a line of the table fits no cell");
    count
}

#[test]
fn every_condition_and_every_reading_has_its_finding() {
    let machines = ["same", "other", "theirs_empty", "ours_empty", "both_empty"];
    let boots = ["same", "other", "theirs_empty", "ours_empty"];
    let pid_ns = ["same", "other", "initial", "theirs_unknown", "ours_unknown"];
    let time_ns = ["same", "other", "initial", "theirs_unknown", "ours_unknown", "both_unknown"];
    let places =
        hold(PLACES, [&machines, &boots, &pid_ns, &time_ns, &["own", "foreign"]], |cell| words(place_of(cell)));
    let unopened = hold(UNOPENED, [&ASKED, &ERRNOS, &["yes", "no"]], |cell| words(Some(unopened_of(cell))));
    let opened = hold(OPENED, [&ASKED, &STATS, &["yes", "no", "EIO"]], |cell| words(Some(opened_of(cell))));
    say(&format!(
        "{} cells: {places} of the place, {unopened} without and {opened} with a pidfd",
        places + unopened + opened
    ));
}

/// The one errno that is a death, and the one way in which another one is: a thread has the number.
#[test]
fn no_error_of_the_instrument_is_a_death() {
    for raw in 1..=133 {
        let error = Errno::from_raw_os_error(raw);
        let dead = |life| matches!(life, Life::Dead(_));
        assert_eq!(dead(unopened(error, false)), error == Errno::SRCH, "{error:?}");
        for ended in [Ok(false), Err(io::Error::from(error))] {
            assert!(!dead(opened(&Err(io::Error::from(error)), &ended, None)), "{error:?}");
        }
    }
}
