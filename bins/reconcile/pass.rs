//! A pass over runs: what is true of each, and what is done about it where that was asked for. One run's failure is said
//! and counted, and the pass goes on. It starts no turn.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::gather::{self, Gathered, Unread};
use refloat::judge::judgement::{Outlook, outlook};
use refloat::judge::verdict::{Policy, Verdict, verdict};
use refloat::model::{Answer, Meaning, Skipped, VerdictWord};
use refloat::prospect;
use refloat::record::evidence::{Role, RunDetail};
use refloat::record::{ReconcileEnded, VerdictRecord};
use refloat::state::{Place, State};

use crate::args::Pass;
use crate::repair::{Repair, repair};
use crate::told;

/// Looks at runs, and repairs them where `--apply` says so.
pub(crate) fn run(cx: &mut Context, args: &Pass) -> Result<Exit> {
    if args.exit_code && (args.subjects.len() != 1 || args.subjects[0] == "-") {
        return Err(Failure::usage("--exit-code answers for one run").hint("name the run or its agent"));
    }
    let place = cx.place()?;
    let policy = args.policy();
    if !args.apply {
        let state = State::open_for_reading(&place)?;
        let Looked { found, exit, unread } = look(cx, &state, args)?;
        // Whoever restores the file waits for those who have it open.
        drop(state);
        let mut count = Count::over(&found, unread);
        let mut last = None;
        for gathered in &found {
            let judged = verdict(&gathered.case, &policy, Stamp::now());
            count.judged(gathered, &judged);
            cx.out.emit(&record(gathered, &judged, None, gathered.next_command(&place, &judged)))?;
            last = Some(judged);
        }
        return end(cx, args, count, exit, last.as_ref());
    }
    let mut state = State::open_existing(&place)?;
    refloat::crash::take_in(&mut state).iter().for_each(|line| cx.say(line));
    let Looked { found, exit, unread } = look(cx, &state, args)?;
    let mut count = Count::over(&found, unread);
    let mut last = None;
    for gathered in &found {
        let (judged, done) = settle(cx, &mut state, gathered, &policy)?;
        count.done(&judged, done);
        let command = match done {
            Done::Repaired => next_turn(&state, gathered, &judged)?,
            Done::Nothing | Done::Skipped(_) => gathered.next_command(&place, &judged),
        };
        cx.out.emit(&record(gathered, &judged, Some(done), command))?;
        last = Some(judged);
    }
    end(cx, args, count, exit, last.as_ref())
}

/// What was looked at for a pass.
pub(crate) struct Looked {
    /// The runs.
    pub(crate) found: Vec<Gathered>,
    /// The code, by what could not be read of the input.
    pub(crate) exit: Exit,
    /// Runs of which a row cannot be read.
    pub(crate) unread: i64,
}

/// What was asked for, gathered in one go; with what others tell of it. The code is that of what could not be read of theirs.
fn look(cx: &Context, state: &State, args: &Pass) -> Result<Looked> {
    let place: Place = state.place().clone();
    match args.subjects.as_slice() {
        [] => {
            let (rows, unread) = gather::read_open(state)?;
            Ok(Looked { found: gather::gather(&place, rows), exit: Exit::Done, unread: say_unread(cx, &unread) })
        }
        [dash] if dash == "-" => told::gather(cx, state, &place),
        subjects if subjects.iter().any(|one| one == "-") => {
            Err(Failure::usage("'-' stands alone: evidence names its runs itself"))
        }
        subjects => {
            Ok(Looked { found: gather::gather(&place, gather::read(state, subjects)?), exit: Exit::Done, unread: 0 })
        }
    }
}

/// Says of which runs a row cannot be read, and how many they are: nobody judges them, and the pass goes on (74 at its end).
pub(crate) fn say_unread(cx: &Context, unread: &[Unread]) -> i64 {
    unread.iter().for_each(|one| cx.say(one));
    i64::try_from(unread.len()).unwrap_or(i64::MAX)
}

/// What became of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing was to be done.
    Nothing,
    /// It was done.
    Repaired,
    /// It was to be done, and was not.
    Skipped(Skipped),
}

/// Judges a run and does what is to be done. What fails is said; only where nobody can write the pass is over, for the next
/// run would wait as long.
fn settle(cx: &Context, state: &mut State, gathered: &Gathered, policy: &Policy) -> Result<(Verdict, Done)> {
    let judged = verdict(&gathered.case, policy, Stamp::now());
    if !judged.repairs(gathered.run.state) {
        return Ok((judged, Done::Nothing));
    }
    cx.works_on(&gathered.run.agent, gathered.turn);
    Ok(match repair(state, gathered, &judged, policy) {
        Ok(Repair::Done(applied)) => (applied, Done::Repaired),
        Ok(Repair::MovedOn(now)) => (now, Done::Skipped(Skipped::MovedOn)),
        Ok(Repair::Busy) => (judged, Done::Skipped(Skipped::Busy)),
        Err(failure) if failure.exit == Exit::Busy => return Err(failure),
        Err(failure) => {
            cx.say(format_args!("{} of {}: {:#}", gathered.run.id, gathered.run.agent, failure.cause));
            if let Some(hint) = &failure.hint {
                cx.hint(hint);
            }
            (judged, Done::Skipped(Skipped::Failed))
        }
    })
}

/// The words of the next turn of a run that was repaired, as its rows tell them now; none where there is none.
fn next_turn(state: &State, gathered: &Gathered, judged: &Verdict) -> Result<Vec<String>> {
    if !judged.leaves_a_turn() {
        return Ok(Vec::new());
    }
    if let Some(held) = &gathered.held {
        return Ok(held.clone());
    }
    let place = state.place();
    state.read("look for the next turn", |view| Ok(prospect::next(view, place, &gathered.run)?.1))
}

/// The verdict as it is printed; `done` is none in a plan.
pub(crate) fn record(gathered: &Gathered, judged: &Verdict, done: Option<Done>, command: Vec<String>) -> VerdictRecord {
    let (run, case) = (&gathered.run, &gathered.case);
    VerdictRecord {
        run: run.id,
        agent: run.agent.clone(),
        turn: gathered.turn,
        attempt: case.attempt,
        state_before: run.state,
        verdict: judged.verdict,
        cause: judged.cause,
        rule: judged.rule,
        action: judged.action,
        applied: done == Some(Done::Repaired),
        skipped: if let Some(Done::Skipped(why)) = done { Some(why) } else { None },
        outcome: judged.outcome,
        state_after: judged.state_after,
        retry: judged.retry,
        not_before: judged.not_before,
        command,
        because: judged.because.clone(),
        looks: judged.looks,
    }
}

/// What a pass counts.
struct Count(ReconcileEnded);

impl Count {
    fn over(found: &[Gathered], errors: i64) -> Self {
        let runs = i64::try_from(found.len()).unwrap_or(i64::MAX).saturating_add(errors);
        Self(ReconcileEnded { runs, errors, servers_lost: servers_lost(found), ..ReconcileEnded::default() })
    }

    fn judged(&mut self, gathered: &Gathered, judged: &Verdict) {
        match judged.repairs(gathered.run.state) {
            true => self.0.planned += 1,
            false => self.done(judged, Done::Nothing),
        }
    }

    fn done(&mut self, judged: &Verdict, done: Done) {
        let count = match done {
            Done::Repaired => &mut self.0.repaired,
            Done::Skipped(Skipped::Busy) => &mut self.0.skipped_busy,
            Done::Skipped(Skipped::Failed) => &mut self.0.errors,
            _ if judged.verdict == VerdictWord::Unknown => &mut self.0.unknown,
            Done::Nothing | Done::Skipped(Skipped::MovedOn) => &mut self.0.unchanged,
        };
        *count += 1;
    }
}

/// Servers that are gone take all their sessions with them: each is one event.
fn servers_lost(found: &[Gathered]) -> i64 {
    let pieces = found.iter().flat_map(|gathered| &gathered.evidence);
    let lost = pieces.filter_map(|piece| match piece.detail.of_run() {
        Some(RunDetail::Process(process)) if process.role == Role::Server => {
            let gone = piece.finding == Answer::No && piece.meaning == Meaning::Dead;
            gone.then(|| (process.pid, process.start_ticks, process.recorded_boot.clone()))
        }
        _ => None,
    });
    i64::try_from(lost.collect::<std::collections::BTreeSet<_>>().len()).unwrap_or(i64::MAX)
}

fn end(cx: &mut Context, args: &Pass, count: Count, exit: Exit, last: Option<&Verdict>) -> Result<Exit> {
    cx.out.emit(&count.0)?;
    Ok(match last {
        _ if count.0.errors > 0 => Exit::Io,
        Some(judged) if args.exit_code && exit == Exit::Done => match outlook(judged) {
            Outlook::Finished => Exit::Done,
            Outlook::GoesOn => Exit::Busy,
            Outlook::Stuck => Exit::No,
            Outlook::Untold => Exit::Unknown,
        },
        _ => exit,
    })
}
