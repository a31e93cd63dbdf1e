//! `turn log`: a turn's stream, as records or as it is, once or until the turn has ended.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::Tick;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::model::Turn;
use refloat::observe::STREAM;
use refloat::record::TurnEvent;
use refloat::runtime::{Fit, Line, LineKind, Reading, Splitter};
use refloat::seam::follow::{Follow, Grown, Watch};
use refloat::seam::wait;
use refloat::state::{Place, State, turn};

use crate::args::Log;
use crate::finishing::log_dir;

/// A longer line is shown by its beginning.
const LONGEST_EVENT: usize = 64 * 1024;
/// So many characters of it.
const TEXT: usize = 4096;
/// Without a notice the turn's end is looked for so often.
const BACKSTOP: Duration = Duration::from_secs(1);

pub(crate) fn run(cx: &mut Context, args: &Log) -> Result<Exit> {
    let place = cx.place()?;
    let turn = look(&place, args)?;
    let folder = log_dir(&place, &turn);
    let path = folder.join(STREAM);
    let what = || format!("cannot read {}", path.display());
    let Some(follow) = Follow::open(&path).or_fail(what)? else {
        return Err(Failure::not_found(format!("{} has no stream at {}", turn.id, path.display())));
    };
    let mut printer = Printer::new(&turn, follow);
    if args.raw {
        return printer.raw(cx).map(|()| Exit::Done);
    }
    printer.events(cx)?;
    if args.follow && turn.outcome.is_none() {
        printer.follow(cx, &place, args, &path)?;
    }
    printer.last(cx)?;
    if args.follow
        && let Some(finished) = finish::recorded(&look(&place, args)?)?
    {
        cx.out.emit_at(&finished.ended, finished.at)?;
    }
    Ok(Exit::Done)
}

fn look(place: &Place, args: &Log) -> Result<Turn> {
    let state = State::open_for_reading(place)?;
    state
        .read("look for the turn", |view| turn::by_id(view, args.turn))?
        .ok_or_else(|| Failure::not_found(format!("no turn {}", args.turn)).hint("see: turn list"))
}

/// Prints a stream from its beginning.
struct Printer<'t> {
    turn: &'t Turn,
    follow: Follow,
    splitter: Splitter,
    reading: Reading,
    lines: i64,
}

impl<'t> Printer<'t> {
    fn new(turn: &'t Turn, follow: Follow) -> Self {
        let reading = Reading::new(&turn.description);
        Self { turn, follow, splitter: Splitter::new(0), reading, lines: 0 }
    }

    fn raw(&mut self, cx: &mut Context) -> Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        while !cx.out.is_closed() {
            match (Source(&mut self.follow)).read(&mut buffer).or_fail(|| "cannot read the stream".into())? {
                0 => break,
                read => cx.out.raw(&buffer[..read])?,
            }
        }
        Ok(())
    }

    fn events(&mut self, cx: &mut Context) -> Result<()> {
        while !cx.out.is_closed()
            && self.splitter.fill(&mut Source(&mut self.follow)).or_fail(|| "cannot read the stream".into())? > 0
        {
            while let Some(line) = self.splitter.next_line() {
                self.lines += 1;
                let kind = self.reading.line(&line, Tick::now());
                cx.out.emit(&event(self.turn, self.lines, kind, &line))?;
            }
        }
        Ok(())
    }

    /// A last line without its end.
    fn last(&mut self, cx: &mut Context) -> Result<()> {
        if let Some(line) = self.splitter.finish() {
            let kind = self.reading.line(&line, Tick::now());
            cx.out.emit(&event(self.turn, self.lines + 1, kind, &line))?;
        }
        Ok(())
    }

    /// Goes on until the turn has an outcome, woken by the file and by the bell of the state.
    fn follow(&mut self, cx: &mut Context, place: &Place, args: &Log, path: &Path) -> Result<()> {
        let bell: PathBuf = place.companion("bell");
        let notices = Watch::on(&[path, &bell]).ok();
        while !cx.out.is_closed() {
            let ended = look(place, args)?.outcome.is_some();
            self.events(cx)?;
            cx.out.finish()?;
            if ended {
                return Ok(());
            }
            let deadline = Tick::now().plus(BACKSTOP);
            match &notices {
                Some(notices) => {
                    wait::readable(notices.as_fd(), deadline).or_fail(|| "cannot wait for the stream".into())?;
                    notices.drain().or_fail(|| "cannot read notices".into())?;
                }
                None => wait::pause(BACKSTOP),
            }
        }
        Ok(())
    }
}

/// The stream as a reader.
struct Source<'f>(&'f mut Follow);

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer)? {
                Grown::Bytes(read) => return Ok(read),
                Grown::Nothing => return Ok(0),
                // Cut by its writer: on from its new end.
                Grown::Truncated { length } => self.0.seek(length),
            }
        }
    }
}

fn event(turn: &Turn, number: i64, kind: LineKind, line: &Line<'_>) -> TurnEvent {
    let whole = line.fit == Fit::Whole && line.bytes.len() <= LONGEST_EVENT;
    let event = if whole { serde_json::from_slice(line.bytes).ok() } else { None };
    let text = String::from_utf8_lossy(line.bytes);
    let shown: String = text.chars().take(TEXT).collect();
    let lossy = event.is_none() && (line.fit != Fit::Whole || shown.as_bytes() != line.bytes);
    TurnEvent {
        turn: turn.id,
        line: number,
        kind,
        offset: i64::try_from(line.start).unwrap_or(i64::MAX),
        bytes: i64::try_from(line.end - line.start).unwrap_or(i64::MAX),
        text: if event.is_some() { None } else { Some(shown) },
        event,
        text_lossy: lossy,
    }
}
