//! `turn yield`: an agent says, inside its turn, that it ends on purpose and waits. Only the word is stored: the turn's end
//! makes the run `waiting` if it is clean.

use clap::Args;
use refloat::cli::{Context, duration};
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::judge::sequel::WAIT_LIMIT;
use refloat::model::YieldNote;
use refloat::record::TurnYielded;
use refloat::state::{State, turn};
use refloat::token::{self, Bearer};

use crate::adopted::args::line;

/// Inside a turn: say that it ends on purpose, and waits
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn yield --for 'three builders'                # for at most 24 h
  turn yield --for 'the nightly build' --until 2h
  turn yield --on-mail

The turn then has to end by itself, well: its run is waiting, not done. Its terminal mail goes before it.")]
pub(crate) struct Yield {
    /// What it waits for, in a line
    #[arg(long = "for", value_name = "REASON", value_parser = line)]
    reason: Option<String>,
    /// At most until then, or so long: within 24 h [default: 24h]
    #[arg(long, value_name = "TIME|DURATION", value_parser = until)]
    until: Option<Stamp>,
    /// Until mail comes; at most 24 h
    #[arg(long, conflicts_with = "until")]
    on_mail: bool,
}

pub(crate) fn run(cx: &mut Context, args: &Yield) -> Result<Exit> {
    let Some(token) = token::of_environment() else {
        return Err(Failure::usage("this is no turn: REFLOAT_TOKEN is not set")
            .hint("an agent calls it in its turn; from outside: turn stop, mail send"));
    };
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let yielded = state.write("yield a turn", |tx| {
        let turn = match token::bearer(tx, &token)? {
            Bearer::Turn(turn) => turn,
            Bearer::Worker(worker) => {
                return Err(Failure::refused(format!("run {} is adopted: it has no turn to end", worker.0.id))
                    .hint(format!("say that it is done: turn end {}", worker.0.agent)));
            }
        };
        let now = Stamp::now();
        let until = args.until.unwrap_or_else(|| now.plus(WAIT_LIMIT));
        let note = YieldNote { at: now, reason: args.reason.clone(), until, on_mail: args.on_mail };
        if !turn::yield_now(tx, turn.id, &note)? {
            return Err(Failure::refused(format!("{} has ended", turn.id)));
        }
        Ok(TurnYielded::of((turn.id, turn.run), &turn.agent, &note))
    })?;
    cx.out.emit(&yielded)?;
    Ok(Exit::Done)
}

/// A time or a duration from now, within the limit of all waits.
fn until(text: &str) -> Result<Stamp, String> {
    let now = Stamp::now();
    let until = match duration(text) {
        Ok(span) => now.plus(span),
        Err(_) => text
            .parse()
            .map_err(|_| format!("'{text}' is neither a duration like 2h nor a time like 2026-11-20T07:31:02Z"))?,
    };
    match until {
        _ if until <= now => Err(format!("'{text}' is not in the future")),
        _ if until > now.plus(WAIT_LIMIT) => Err(format!("'{text}' is more than 24 h away")),
        _ => Ok(until),
    }
}
