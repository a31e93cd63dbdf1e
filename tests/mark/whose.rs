//! Whose a mark is that has no owner: what the operator, another agent or another worker has said is not taken for one's own.

use super::seen::{how, id};
use crate::stage::{Call, Stage};

const MARK: &str = env!("CARGO_BIN_EXE_mark");

impl Stage {
    /// `mark` as the worker with this token calls it.
    fn mark_of(&self, token: &str, args: &[&str]) -> Call {
        let mut command = self.command(MARK);
        command.args(args).env("REFLOAT_TOKEN", token);
        self.call(command)
    }

    /// A worker whose session has still to come: no process is known of it.
    fn awaited(&self, agent: &str) -> String {
        let socket = self.name("no-server");
        let call = self.turn(&["adopt", "--agent", agent, "--tmux", agent, "--socket", &socket]);
        call.records[0]["token"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
fn refused(call: &Call, code: i32, words: &str) {
    assert_eq!((call.code, call.records.len()), (code, 0), "{call:?}");
    assert!(call.stderr.contains(words), "{words}: {call:?}");
}

#[test]
fn two_workers_without_a_process_never_have_the_same_claim() {
    let stage = Stage::new();
    let (first, second) = (stage.awaited("w1"), stage.awaited("w2"));
    let set = ["set", "dispatch", "b"];
    let mark = stage.mark_of(&first, &set).records.remove(0);
    assert_eq!((how(&mark).as_str(), &mark["bound"]), ("live within_clock", &true.into()), "{mark}");
    refused(&stage.mark_of(&second, &set), 75, "k1 (dispatch b) is live: w1 set it\n");
    refused(&stage.mark(&set), 75, "k1 (dispatch b) is live: w1 set it\n");
    for verb in ["beat", "clear"] {
        refused(&stage.mark_of(&second, &[verb, "dispatch", "b"]), 76, "k1 (dispatch b) is not ours: w1 set it\n");
        refused(&stage.mark(&[verb, "dispatch", "b"]), 76, "k1 (dispatch b) is not ours: w1 set it\n");
    }
    assert_eq!(stage.mark_of(&first, &set).records[0]["already_set"], true);
    assert_eq!(stage.mark_of(&first, &["clear", "dispatch", "b"]).records[0]["removed_by"], "w1");
}

#[test]
fn a_worker_takes_no_mark_of_the_operator_for_its_own() {
    let stage = Stage::new();
    let worker = stage.awaited("w1");
    for words in [["dispatch", "b"], ["hold", "w1"]] {
        let on = |verb: &str| [&[verb], &words[..]].concat().iter().map(ToString::to_string).collect::<Vec<_>>();
        let call = |verb: &str| stage.mark_of(&worker, &on(verb).iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(stage.mark(&["set", words[0], words[1], "--ttl", "9h"]).code, 0);
        refused(&call("set"), 75, "is live: operator set it\n");
        refused(&call("clear"), 76, "is not ours: operator set it\n");
        let again = stage.mark(&["set", words[0], words[1], "--ttl", "8h"]);
        assert_eq!(again.records[0]["already_set"], true, "its own: {again:?}");
    }
}

/// "Not before six" is not over because an agent was told "not before ten past two".
#[test]
fn an_agent_neither_shortens_nor_lifts_a_hold_of_the_operator_by_its_name() {
    let stage = Stage::new();
    assert_eq!(stage.mark(&["set", "hold", "@all", "--until", "9h"]).code, 0);
    let script = format!("{MARK} set hold @all --until 1s >&2; {MARK} clear hold @all >&2; {MARK} set hold b >&2");
    let call = stage.turn(&["run", "--agent", "a", "--now", "--", "sh", "-c", &script]);
    assert_eq!(call.code, 0, "{call:?}");
    let standing = stage.mark(&["list"]).records;
    assert_eq!((id(&standing[0]), &standing[0]["beats"], standing.len()), ("k1", &0.into(), 2), "{standing:?}");
    let named_so = stage.turn(&["run", "--agent", "operator", "--now", "--", MARK, "clear", "hold", "@all"]);
    assert_eq!((named_so.code, stage.mark(&["list"]).records.len()), (1, 2), "{named_so:?}");
    // What the same agent has said it may say anew, in a later turn too.
    let again = stage.turn(&["run", "--agent", "a", "--now", "--", MARK, "clear", "hold", "b"]);
    assert_eq!((again.code, stage.mark(&["list"]).records.len()), (0, 1), "{again:?}");
}

/// It is there for whoever comes.
#[test]
fn a_breadcrumb_is_everybodys() {
    let stage = Stage::new();
    let left = stage.turn(&["run", "--agent", "a", "--", MARK, "set", "breadcrumb", "login"]);
    assert_eq!(left.code, 0, "{left:?}");
    for verb in ["beat", "set", "clear"] {
        let taken = stage.turn(&["run", "--agent", "b", "--", MARK, verb, "breadcrumb", "login"]);
        assert_eq!(taken.code, 0, "{taken:?}");
    }
    assert_eq!(stage.mark(&["show", "k1"]).records[0]["removed_by"], "b");
}

#[test]
fn what_is_handed_over_in_a_turn_outlasts_it() {
    let stage = Stage::new();
    let heir = stage.background("heir", &["hang"]);
    let script = format!(
        "{MARK} set dispatch b >&2; {MARK} set dispatch b --owner-pid {heir} >&2; \
         {MARK} set dispatch c >&2; {MARK} set dispatch c >&2"
    );
    let call = stage.turn(&["run", "--agent", "a", "--", "sh", "-c", &script]);
    assert_eq!(call.code, 0, "{call:?}");
    let mark = stage.mark(&["show", "k1"]).records.remove(0);
    assert_eq!(
        (how(&mark).as_str(), &mark["owner_pid"], &mark["bound"]),
        ("live running", &heir.into(), &false.into())
    );
    assert_eq!(stage.mark(&["show", "k2"]).records[0]["removed_how"], "turn_ended");
}
