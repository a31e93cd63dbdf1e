//! `turn log`: what the agent wrote, as records or as it is, once or until the turn has ended.

use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::Tick;
use refloat::emit::Emitter;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::model::Turn;
use refloat::observe::{STDERR, STREAM};
use refloat::seam::follow::{Follow, Watch};
use refloat::seam::wait;
use refloat::state::{State, turn};

use crate::args::Log;
use crate::events::{Events, Source};

/// Without a notice the turn's end is looked for so often.
const BACKSTOP: Duration = Duration::from_secs(1);

pub(crate) fn run(cx: &mut Context, args: &Log) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let turn = look(&state, args)?;
    let path = place.log_dir(turn.id).join(if args.stderr { STDERR } else { STREAM });
    let mut printer = Printer::open(&turn, args, &path)?
        .ok_or_else(|| Failure::not_found(format!("{} has no {}", turn.id, path.display())))?;
    printer.print(&mut cx.out)?;
    if args.follow && turn.outcome.is_none() {
        follow(cx, &state, args, &mut printer, &path)?;
    }
    let Printer::Events(mut events) = printer else { return Ok(Exit::Done) };
    events.print_last(&mut cx.out)?;
    if args.follow
        && let Some(finished) = finish::recorded(&look(&state, args)?)?
    {
        cx.out.emit_at(&finished.ended, finished.at)?;
    }
    Ok(Exit::Done)
}

fn look(state: &State, args: &Log) -> Result<Turn> {
    state
        .read("look for the turn", |view| turn::by_id(view, args.turn))?
        .ok_or_else(|| Failure::not_found(format!("no turn {}", args.turn)).hint("see: turn list"))
}

/// Goes on until the turn has an outcome, woken by the file and by the bell of the state.
fn follow(cx: &mut Context, state: &State, args: &Log, printer: &mut Printer, path: &Path) -> Result<()> {
    let bell = state.place().companion("bell");
    let notices = Watch::on(&[path, &bell]).ok();
    while !cx.out.is_closed() {
        let ended = look(state, args)?.outcome.is_some();
        printer.print(&mut cx.out)?;
        cx.out.finish()?;
        if ended {
            return Ok(());
        }
        match &notices {
            Some(notices) => {
                let deadline = Tick::now().plus(BACKSTOP);
                wait::readable(notices.as_fd(), deadline).or_fail(|| "cannot wait for the stream".into())?;
                notices.drain().or_fail(|| "cannot read notices".into())?;
            }
            None => wait::pause(BACKSTOP),
        }
    }
    Ok(())
}

/// Prints a file from its beginning.
enum Printer {
    Events(Box<Events>),
    Raw { source: Source, buffer: Vec<u8> },
}

impl Printer {
    fn open(turn: &Turn, args: &Log, path: &Path) -> Result<Option<Self>> {
        if !args.raw && !args.stderr {
            let folder = path.parent().unwrap_or(path);
            return Ok(Events::open(turn, folder)?.map(|events| Self::Events(Box::new(events))));
        }
        let follow = Follow::open(path).or_fail(|| format!("cannot read {}", path.display()))?;
        Ok(follow.map(|follow| Self::Raw { source: Source::of(follow), buffer: vec![0; 256 * 1024] }))
    }

    /// What has come since.
    fn print(&mut self, out: &mut Emitter) -> Result<()> {
        match self {
            Self::Events(events) => events.print(out),
            Self::Raw { source, buffer } => {
                while !out.is_closed() {
                    match source.read(buffer).or_fail(|| "cannot read what the agent wrote".into())? {
                        0 => break,
                        read => out.raw(&buffer[..read])?,
                    }
                }
                Ok(())
            }
        }
    }
}
