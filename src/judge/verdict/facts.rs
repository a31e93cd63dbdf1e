//! What was seen of a run, in words: for the verdict's record. It decides nothing, and names no ages, so that a plan and
//! its result say the same.

use super::told::Testimony;
use super::{Case, Held, Left, TurnCase, Work, WorkerCase};
use crate::judge::outcome::{Ended, Ending, Terminal};
use crate::model::Sight;

/// What was seen, and what of others' evidence counts; always in the same order.
pub(super) fn because(case: &Case, told: &Testimony) -> Vec<String> {
    let mut words = vec![format!("state {}", case.standing.state)];
    words.extend(case.outcome.map(|outcome| format!("outcome {outcome}")));
    match &case.work {
        Work::Turn(turn) if case.outcome.is_none() => of_turn(&mut words, turn),
        Work::Worker(worker) => of_worker(&mut words, worker),
        Work::None | Work::Turn(_) => {}
    }
    words.extend(told.owed.iter().map(|owed| {
        let why = owed.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("owed {} {}{why}", owed.kind, owed.reach)
    }));
    words.extend(case.conflicts.iter().map(|conflict| format!("conflict: {conflict}")));
    words.extend(
        told.counted
            .iter()
            .map(|told| format!("told {} {} {} ({})", told.kind, told.subject, told.meaning, told.reason)),
    );
    words
}

fn of_turn(words: &mut Vec<String>, turn: &TurnCase) {
    words.push(format!("turn lock {}", held(turn.turn_lock)));
    words.push(format!("supervisor lock {}", held(turn.supervisor_lock)));
    words.push(format!("supervisor {}", sight(turn.supervisor)));
    words.extend(turn.shim.map(|shim| format!("shim {}", sight(shim))));
    words.extend(turn.agent.map(|agent| format!("agent {}", sight(agent))));
    words.extend(left(turn.left));
    match &turn.ending {
        Some(ending) => words.extend(ended(ending)),
        None => words.push("its end cannot be read".to_owned()),
    }
    words.extend(
        turn.silence
            .map(|silence| format!("silent in phase {} for longer than {} ms", silence.phase, silence.limit_ms)),
    );
}

fn of_worker(words: &mut Vec<String>, worker: &WorkerCase) {
    words.push(format!("worker {}", sight(worker.sight)));
    words.extend(worker.exit.map(|exit| format!("exit {}", exit_word(exit))));
    words.extend(worker.skewed.then(|| "a beat lies in the future".to_owned()));
}

fn sight(sight: Sight) -> String {
    format!("{} ({})", sight.observed, sight.why)
}

const fn held(held: Held) -> &'static str {
    match held {
        Held::Yes => "held",
        Held::No => "free",
        Held::Unknown => "unknown",
    }
}

fn left(left: Left) -> Option<String> {
    match left {
        Left::Nothing => Some("nothing of its tree is left".to_owned()),
        Left::Some(count) => Some(format!("{count} of its tree are left")),
        Left::Unknown(why) => Some(format!("what is left of its tree is unknown ({why})")),
        Left::Held => None,
    }
}

fn ended(ending: &Ending) -> Vec<String> {
    let terminal = ending.terminal.map(|terminal| match terminal {
        Terminal::Clean => "terminal event clean".to_owned(),
        Terminal::ResumeRefused(_) => "terminal event resume refused".to_owned(),
        Terminal::Auth(_) => "terminal event auth".to_owned(),
        Terminal::Limited(_) => "terminal event limited".to_owned(),
        Terminal::Error => "terminal event error".to_owned(),
    });
    let exit = ending.exit.map(|(exit, by)| format!("exit record {} by {by}", exit_word(exit)));
    let wish = ending.wish.map(|wish| format!("wish {wish}"));
    terminal.into_iter().chain(exit).chain(wish).collect()
}

fn exit_word(ended: Ended) -> String {
    match ended {
        Ended::Code(code) => format!("code {code}"),
        Ended::Signal(signal) => format!("signal {signal}"),
    }
}
