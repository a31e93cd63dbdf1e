//! `probe run`: everything that bears on what is true of a run, and what follows from it. It does nothing about it.

use clap::Args;
use refloat::cli::{Context, agent_or_id};
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::gather::{self, Gathered, Rows, Unread};
use refloat::judge::finding::observed;
use refloat::judge::judgement::{answer, is_alarming};
use refloat::judge::verdict::{Policy, Verdict, verdict};
use refloat::record::Judgement;
use refloat::state::{Place, State};

use crate::args::Asked;
use crate::tell::Teller;

/// Everything that bears on a run, and what follows from it
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe run lead
  probe run r17 --format table
  probe run --all | jq -r 'select(.type == \"judgement\" and .alarming) | (.command | @sh)'
  probe run --all --record --exit-code")]
pub(crate) struct Run {
    /// The ids of runs or of turns, or agents, whose newest run is meant
    #[arg(value_name = "RUN|AGENT", value_parser = agent_or_id, required_unless_present = "all", conflicts_with = "all")]
    subjects: Vec<String>,
    /// Every open run
    #[arg(long)]
    all: bool,
    /// Store the evidence, in place of what was stored of these runs before
    #[arg(long)]
    record: bool,
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn run(cx: &mut Context, args: &Run) -> Result<Exit> {
    let place = cx.place()?;
    let (found, unread) = look(&place, args)?;
    unread.iter().for_each(|one| cx.say(one));
    let mut teller = Teller::new(cx, args.asked);
    for gathered in &found {
        gathered.evidence.iter().try_for_each(|evidence| teller.mention(evidence))?;
        let verdict = verdict(&gathered.case, &Policy::default(), Stamp::now());
        teller.answer(answer(&verdict));
        let command = gathered.next_command(&place, &verdict);
        teller.conclude(&judgement(gathered, &verdict, command))?;
    }
    if found.is_empty() {
        // No run is open: nothing is wrong.
        return teller.end_of_several().map(|_| if unread.is_empty() { Exit::Done } else { Exit::Io });
    }
    let exit = if args.all || args.subjects.len() > 1 { teller.end_of_several()? } else { teller.end() };
    Ok(if unread.is_empty() { exit } else { Exit::Io })
}

fn look(place: &Place, args: &Run) -> Result<(Vec<Gathered>, Vec<Unread>)> {
    if !args.record {
        let state = State::open_for_looking(place)?;
        let (rows, unread) = read(&state, args)?;
        // Whoever restores the file waits for those who have it open.
        drop(state);
        return Ok((gather::gather(place, rows), unread));
    }
    let mut state = State::open_existing(place)?;
    let (rows, unread) = read(&state, args)?;
    let mut found = gather::gather(place, rows);
    gather::keep(&mut state, &mut found)?;
    Ok((found, unread))
}

fn read(state: &State, args: &Run) -> Result<(Vec<Rows>, Vec<Unread>)> {
    if args.all { gather::read_open(state) } else { Ok((gather::read(state, &args.subjects)?, Vec::new())) }
}

fn judgement(gathered: &Gathered, verdict: &Verdict, command: Vec<String>) -> Judgement {
    let (run, case) = (&gathered.run, &gathered.case);
    Judgement {
        run: run.id,
        agent: run.agent.clone(),
        turn: gathered.turn,
        attempt: case.attempt,
        recorded: run.state,
        hold: run.hold,
        held_until: run.held_until,
        observed: observed(case),
        verdict: verdict.verdict,
        cause: verdict.cause,
        rule: verdict.rule,
        action: verdict.action,
        not_before: verdict.not_before,
        outcome: verdict.outcome,
        state_after: verdict.state_after,
        command,
        because: verdict.because.clone(),
        rests_on: gathered.evidence.iter().filter_map(|evidence| evidence.evidence).collect(),
        alarming: is_alarming(verdict),
        looks: verdict.looks,
    }
}
