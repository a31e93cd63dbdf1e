//! What the questions of a turn cost must not grow with what has ended: counted in steps of SQLite's machine,
//! in a file with little history and in one with much.

use std::path::Path;
use std::time::Duration;

use super::turn::{Descriptions, Wanted};
use super::write::work;
use super::{Place, State, Tx, dead_letter, expectation, mail, mark, retry, run, turn, worker};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{MarkId, RunId};
use crate::judge::sequel::Sequel;
use crate::model::{
    Again, AttributedBy, Capability, Containment, DeadCause, HOLD, Limits, MailType, NewMail, NewMark, NewRun, NewTurn,
    OnStall, Outcome, Priority, PromptFrom, Resume, Run, RunState, Turn,
};
use crate::runtime::builtin;
use crate::seam::process;

const NOW: Stamp = Stamp::from_millis(1_800_000_000_000);

/// A turn of this agent, begun in a new run.
fn begin(tx: &Tx<'_>, agent: &str, token: &str) -> Result<(Run, Turn)> {
    let capability = Capability::Builder;
    let new = NewRun { agent, task: None, parent: Some("lead"), capability, max_attempts: 1, session: None };
    let id = run::open(tx, &new, NOW)?;
    let epoch = run::next_epoch(tx, id, "plain")?.unwrap();
    let run = run::by_id(tx, id)?.unwrap();
    let limits = Limits {
        first_event: None,
        stall: None,
        stall_tool: None,
        grace: Duration::from_secs(1),
        on_stall: OnStall::Kill,
    };
    let new = NewTurn {
        run: id,
        agent,
        attempt: 1,
        token,
        description: &builtin("plain").unwrap().unwrap(),
        command: &[],
        command_lossy: false,
        cwd: "/",
        cwd_lossy: false,
        limits,
        deadline: Duration::from_secs(1),
        session_asked: None,
        resume: Resume::Fresh,
        contained_by: Containment::Subreaper,
        cgroup: None,
        supervisor: &process::me(),
        before: run.standing(),
        again: &Again { options: vec![], prompt: PromptFrom::None, arguments: vec![], lossy: false },
    };
    let turn = turn::begin(tx, &new, epoch, NOW)?;
    run::enter_turn(tx, id, epoch, NOW)?;
    Ok((run::by_id(tx, id)?.unwrap(), turn::by_id(tx, turn)?.unwrap()))
}

fn send(tx: &Tx<'_>, run: &Run, turn: &Turn, recipient_run: Option<RunId>) -> Result<()> {
    let new = NewMail {
        sender: &run.agent,
        recipient: "lead",
        recipient_run,
        kind: MailType::Status,
        priority: Priority::Normal,
        subject: "s",
        body: "b",
        payload: None,
        reply_to: None,
        from: Some((Some(turn.id), run.id)),
        attributed_by: AttributedBy::Turn,
        dead_reason: recipient_run.map(|_| DeadCause::StaleGeneration),
    };
    mail::send(tx, &new, NOW).map(drop)
}

/// A hold on this agent that ends with the turn.
fn hold(tx: &Tx<'_>, turn: &Turn, name: &str) -> Result<MarkId> {
    let new = NewMark {
        kind: HOLD,
        name,
        scope: Path::new("/"),
        nonce: "n",
        owner: Some(&process::me()),
        host: "",
        run: Some(turn.run),
        turn: Some(turn.id),
        bound: true,
        set_by: &turn.agent,
        ttl: None,
        until: None,
        data: None,
    };
    mark::set(tx, &new, &process::moment())
}

/// A run that was given up, with all that such an end leaves.
fn past(tx: &Tx<'_>, agent: &str, token: &str) -> Result<()> {
    let (run, turn) = begin(tx, agent, token)?;
    send(tx, &run, &turn, None)?;
    send(tx, &run, &turn, Some(run.id))?;
    hold(tx, &turn, agent)?;
    mark::end_with_turn(tx, turn.id, NOW)?;
    assert!(turn::end(tx, &turn, Outcome::Failed, "{}", NOW)?);
    dead_letter::give_up(tx, &run, &turn, (DeadCause::MaxAttempts, 1), "it failed", NOW)?;
    assert!(run::settle(tx, run.id, run.epoch, &Sequel::plain(RunState::Failed, 1, None), false, NOW)?);
    Ok(())
}

/// Steps of each question, in a file with so many ended runs of the agent, and of another with its name.
fn costs(runs: usize) -> Vec<(&'static str, i64)> {
    let folder = tempfile::tempdir().unwrap();
    let mut state =
        State::open_for_writing(&Place { file: folder.path().join("state.db"), hints: vec![], by_option: false })
            .unwrap();
    let fill = |tx: &Tx<'_>| {
        (0..runs).try_for_each(|one| {
            past(tx, "worker", &format!("w{one}")).and_then(|()| past(tx, "other", &format!("o{one}")))
        })
    };
    state.write("fill", fill).unwrap();
    let ask = |tx: &Tx<'_>| {
        let mut costs = Vec::new();
        let mut done = |what| costs.push((what, work::taken()));
        work::taken();
        let (mine, now) = begin(tx, "me", "m")?;
        done("begin a turn");
        turn::latest_of(tx, "worker")?;
        run::latest_of(tx, "worker")?;
        run::open_of(tx, "worker")?;
        done("look at an agent");
        run::open_children(tx, "lead")?;
        run::is_known(tx, "lead")?;
        run::open_names(tx)?;
        done("look at a family");
        mail::terminal_of(tx, now.id, 0, "lead", &[MailType::Result])?;
        mail::terminal_of_worker(tx, mine.id, "lead", &[MailType::Result])?;
        expectation::of_run(tx, mine.id)?;
        // A baseline from before all of it: others have written while the run went on.
        expectation::mail_of(tx, mine.id, MailType::Result, 0)?;
        retry::taken_by(tx, now.id)?;
        done("look at what a turn has done");
        dead_letter::resolve(tx, &mine, now.id, NOW)?;
        done("resolve what was given up");
        dead_letter::of_run(tx, mine.id)?;
        dead_letter::of_turn(tx, now.id)?;
        retry::of_run(tx, mine.id)?;
        super::crash::of_run(tx, mine.id)?;
        done("show a run");
        run::all_open(tx)?;
        turn::newest_of_run(tx, mine.id, &mut Descriptions::or(builtin("plain").unwrap().unwrap().into()))?;
        mail::open_questions(tx, mine.id)?;
        mail::waiting_for(tx, "worker", mine.id, &process::moment())?;
        done("look at what a pass looks at");
        let open = Wanted { open: true, ..Wanted::default() };
        turn::newest(tx, &open, 20)?;
        turn::newest(tx, &Wanted { task: Some("t"), ..open }, 20)?;
        turn::newest(tx, &Wanted { task: Some("t"), ..Wanted::default() }, 20)?;
        turn::newest(tx, &Wanted { agent: Some("worker"), since: Some(NOW), ..open }, 20)?;
        turn::newest(tx, &Wanted::default(), 1)?;
        worker::open(tx, None)?;
        done("list what is open");
        mark::holds(tx, "worker")?;
        mark::of_run(tx, mine.id)?;
        done("look at what is marked");
        retry::queue(tx, None, None)?;
        retry::list(tx, &retry::Filter { agent: None, run: None, all: false, limit: 20 })?;
        dead_letter::list(tx, &dead_letter::Filter { agent: None, run: Some(mine.id), all: true, limit: 20 })?;
        turn::latest_of_run(tx, mine.id)?;
        super::reopening::of_run(tx, mine.id)?;
        done("look at what is to be settled");
        hold(tx, &now, "me")?;
        mark::end_with_turn(tx, now.id, NOW)?;
        mark::end_with_run(tx, mine.id, NOW)?;
        done("end what is bound to a turn");
        turn::end(tx, &now, Outcome::Completed, "{}", NOW)?;
        run::settle(tx, mine.id, mine.epoch, &Sequel::plain(RunState::Completed, 0, None), false, NOW)?;
        done("end a turn");
        Ok(costs)
    };
    state.write("ask", ask).unwrap()
}

#[test]
fn no_question_of_a_turn_costs_more_for_what_has_ended() {
    let (little, much) = (costs(10), costs(300));
    let pairs = little.iter().zip(&much).map(|((what, before), (_, after))| (what, *before, *after));
    let grown: Vec<_> = pairs.filter(|(_, before, after)| *before == 0 || *after > before + 50).collect();
    assert!(grown.is_empty(), "steps with little history and with much: {grown:?}");
}
