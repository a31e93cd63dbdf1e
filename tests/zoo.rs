//! The zoo in turns: badly behaved agents end as they are labelled, and nothing of them is left.
//! Who is left is counted here, by a FIFO, a lock and a mark that every process of an agent inherits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_macros, clippy::print_stdout, reason = "a test says what it saw")]

use std::fs::File;

use serde_json::json;

use crate::stage::{Call, Stage, until};
use crate::support::Witness;

/// A member with what its turn comes to.
struct Member {
    play: &'static str,
    outcome: &'static str,
    code: i32,
    /// What else the turn needs.
    args: &'static [&'static str],
    /// How many rounds of it fit into the time of one quick member's twenty.
    rounds: u32,
}

const fn quick(play: &'static str) -> Member {
    Member { play, outcome: "completed", code: 0, args: &[], rounds: 20 }
}

const fn heavy(play: &'static str, rounds: u32) -> Member {
    Member { rounds, ..quick(play) }
}

/// One that hangs: ended by this clock.
const fn hangs(play: &'static str, args: &'static [&'static str], rounds: u32) -> Member {
    Member { play, outcome: "stalled", code: 124, args, rounds }
}

const STALL: &[&str] = &["--stall", "150ms", "--kill-after", "50ms"];
const SILENCE: &[&str] = &["--first-event", "150ms", "--kill-after", "50ms"];
const GRACE: &[&str] = &["--grace", "150ms", "--kill-after", "50ms"];

const ZOO: &[Member] = &[
    quick("setsid"),
    quick("double-fork"),
    quick("ignore-term"),
    quick("no-env"),
    quick("stopped"),
    quick("holds-stdout"),
    quick("leak-fds"),
    quick("subreaper"),
    quick("closes-all"),
    quick("no-stdin"),
    quick("respawn"),
    heavy("fork-storm", 2),
    heavy("fork-burst", 2),
    heavy("fork-chain", 2),
    heavy("exponential", 2),
    Member { args: GRACE, ..heavy("after-result", 2) },
    hangs("ignores-term", STALL, 2),
    hangs("stopped-agent", STALL, 2),
    hangs("close-stdout", STALL, 2),
    hangs("silent", SILENCE, 2),
    Member { outcome: "killed", code: 137, ..heavy("kill-group", 5) },
];

/// Those that write much. What holds their processes together makes no difference.
const WRITERS: &[Member] = &[
    heavy("gib", 1),
    heavy("one-line", 1),
    heavy("one-result", 1),
    Member { outcome: "no_result", code: 1, ..heavy("no-newline", 1) },
];

/// Children that are still being made when the agent ends: how, and after how many milliseconds.
const IN_FULL_SWING: [(&str, u32); 4] = [
    ("spawn setsid { fork-storm 300 1000; hang }", 60),
    ("spawn double-fork+setsid { fork-chain 2000; hang }", 40),
    ("spawn setsid { exponential 7 }", 5),
    ("spawn setsid+ignore-term+no-env { repeat 100 { spawn double-fork+setsid+no-env; sleep 1 } }", 30),
];

/// Rounds of a quick member; the slow ones get their part of it.
fn rounds() -> u32 {
    std::env::var("REFLOAT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// Every process of the agent inherits these two, but for those that close them; those are found by their mark.
struct Watchers {
    witness: Witness,
    hold: File,
    steps: String,
}

impl Watchers {
    fn set(stage: &Stage, round: &str) -> Self {
        let (fifo, hold) = (stage.path(&format!("witness.{round}")), stage.path(&format!("hold.{round}")));
        let steps = format!("fifo {}; hold {}", fifo.display(), hold.display());
        Self { witness: Witness::new(&fifo), hold: File::create(hold).unwrap(), steps }
    }

    /// How many of the three ways to be seen still show somebody.
    fn see(&mut self, stage: &Stage) -> usize {
        let alive = stage.family.alive();
        usize::from(!self.witness.everyone_gone()) + usize::from(self.hold.try_lock().is_err()) + alive.len()
    }
}

/// Plays a member once, and says what was wrong.
fn play(stage: &Stage, member: &Member, contain: &str, round: u32) -> Option<String> {
    let agent = format!("{}-{round}", member.play);
    let mut watchers = Watchers::set(stage, &agent);
    let script = format!("{}; zoo {}", watchers.steps, member.play);
    let play = stage.play(&agent, &script).with(&["--contain", contain]).with(member.args);
    let call = play.call();
    let left = watchers.see(stage);
    let ended = call.ended();
    let right = (call.word("outcome"), call.code) == (member.outcome, member.code)
        && ended["children_left"] == 0
        && call.word("contained_by") == contain;
    (left > 0 || !right).then(|| format!("{} under {contain}: {left} left, {call:#?}", member.play))
}

fn visit(members: &[Member], contain: &str) {
    let mut played = 0;
    for member in members {
        let stage = Stage::new();
        let times = (rounds() * member.rounds).div_ceil(20).max(1);
        for round in 0..times {
            let wrong = play(&stage, member, contain, round);
            assert_eq!(wrong, None, "round {round}");
        }
        played += times;
        assert_eq!(stage.groups_left(), Vec::<String>::new(), "{}", member.play);
    }
    println!("{played} bad agents of {} kinds under {contain}: 0 left", members.len());
}

/// B8, B9
#[test]
fn the_zoo_leaves_nothing_behind_under_a_subreaper() {
    visit(ZOO, "subreaper");
}

/// B8, B9
#[test]
fn the_zoo_leaves_nothing_behind_in_a_cgroup() {
    if no_cgroup() {
        println!("skipped: no cgroup can be made here");
        return;
    }
    visit(ZOO, "cgroup");
}

#[test]
fn agents_that_write_a_gigabyte_or_one_endless_line_end_as_they_say() {
    visit(WRITERS, "subreaper");
}

#[test]
fn children_that_are_still_being_made_are_ended_too() {
    for contain in ["subreaper", "cgroup"] {
        if contain == "cgroup" && no_cgroup() {
            println!("skipped: no cgroup can be made here");
            continue;
        }
        for round in 0..rounds().div_ceil(8) {
            for (spawn, ms) in IN_FULL_SWING {
                let stage = Stage::new();
                let mut watchers = Watchers::set(&stage, "swing");
                let script = format!("{}; init; {spawn}; sleep {}; result done", watchers.steps, ms + round % 7);
                let call = stage.play("a", &script).with(&["--contain", contain]).call();
                assert_eq!(watchers.see(&stage), 0, "{spawn} under {contain}: {call:#?}");
                call.assert_end("completed", 0);
                assert_eq!(call.ended()["children_left"], json!(0), "{spawn} under {contain}");
            }
        }
    }
}

fn no_cgroup() -> bool {
    let stage = Stage::new();
    stage.play("a", "init; result done").with(&["--contain", "cgroup"]).call().code == 69
}

/// Killing its parent, the agent kills the shim: nobody is left who could tell how it ended.
#[test]
fn an_agent_that_kills_its_shim_is_lost_and_leaves_nothing() {
    for contain in ["subreaper", "cgroup"] {
        if contain == "cgroup" && no_cgroup() {
            continue;
        }
        let stage = Stage::new();
        let mut watchers = Watchers::set(&stage, "lost");
        let script = format!("{}; spawn setsid; zoo kill-parent", watchers.steps);
        let call: Call = stage.play("a", &script).with(&["--contain", contain]).call();
        assert_eq!(watchers.see(&stage), 0, "{call:#?}");
        assert_eq!(stage.groups_left(), Vec::<String>::new());
        call.assert_end("lost", 125);
        assert_eq!(call.ended()["children_left"], json!(0));
    }
}

/// The count above is a count: somebody who is left is seen in each of the three ways.
#[test]
fn who_is_left_is_seen() {
    let stage = Stage::new();
    let mut watchers = Watchers::set(&stage, "left");
    let steps: Vec<&str> = watchers.steps.split("; ").chain(["spawn setsid"]).collect();
    assert!(stage.family.agent(&steps).status().unwrap().success());
    assert_eq!(watchers.see(&stage), 3);
    stage.family.kill();
    until("the end", || stage.family.alive().is_empty());
    assert_eq!(watchers.see(&stage), 0);
}
