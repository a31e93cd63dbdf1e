//! `turn conform`: reads a captured stream with a runtime's description, and says what a turn would conclude from it.
//! The reading is `runtime`'s and the verdict is `judge`'s, as in a turn: nothing here is a rule.

use std::io::{ErrorKind, Read};
use std::path::Path;

use refloat::cli::Context;
use refloat::clock::Tick;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish::{Stderr, told};
use refloat::id::TurnId;
use refloat::judge::outcome::{Ended, conclude};
use refloat::model::{EndedBy, Resume, Turn};
use refloat::observe::{STDERR, STREAM};
use refloat::record::{self, UnknownLine, count};
use refloat::runtime::{Description, Line, LineKind, Reading, Splitter};
use refloat::runtimes::{self, Origin};
use refloat::seam::exit_record::ExitRecord;
use refloat::seam::follow::Follow;
use refloat::state::{State, turn};

use crate::args::Conform;
use crate::events::Source;

/// So many of the lines that no rule knows are shown,
const SAMPLES: usize = 20;
/// by so many characters.
const TEXT: usize = 200;

/// A stream, and what is known of its process.
struct Capture {
    name: String,
    lossy: bool,
    stream: Box<dyn Read>,
    stderr: Stderr,
    description: Description,
    from: Origin,
    ended: Ended,
    resumed: bool,
}

pub(crate) fn run(cx: &mut Context, args: &Conform) -> Result<Exit> {
    let mut capture = match args.file.to_str().and_then(|name| name.parse::<TurnId>().ok()) {
        Some(id) => of_turn(cx, args, id)?,
        None => of_file(cx, args)?,
    };
    let record = conform(&mut capture)?;
    cx.out.emit(&record)?;
    Ok(Exit::Done)
}

fn of_file(cx: &Context, args: &Conform) -> Result<Capture> {
    let Some(name) = &args.runtime else {
        return Err(Failure::usage("a file needs --runtime NAME").hint("a turn has its own: turn conform t83"));
    };
    let known = runtimes::find(name)?;
    let stream: Box<dyn Read> = if args.file == Path::new("-") {
        cx.note_stdin("the stream");
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(&args.file).map_err(|error| unreadable(&args.file, error))?)
    };
    let stderr = args.stderr.as_deref().map_or_else(|| Ok(Stderr::default()), stderr)?;
    Ok(Capture {
        name: args.file.to_string_lossy().into_owned(),
        lossy: args.file.to_str().is_none(),
        stream,
        stderr,
        from: known.origin(),
        description: known.description,
        ended: given(args).unwrap_or(Ended::Code(0)),
        resumed: args.resumed,
    })
}

/// A turn has all of it, as far as nothing else is given.
fn of_turn(cx: &Context, args: &Conform, id: TurnId) -> Result<Capture> {
    let place = cx.place()?;
    let turn: Turn =
        State::open_for_reading(&place)?.read("look for the turn", |view| turn::by_id(view, id))?.ok_or_else(|| {
            Failure::not_found(format!("no turn {id}")).hint(format!("see: turn list; a file of this name is ./{id}"))
        })?;
    let (description, from) = match &args.runtime {
        Some(name) => {
            runtimes::find(name).map(|known| (known.origin(), known.description)).map(|(from, of)| (of, from))?
        }
        None => ((*turn.description).clone(), Origin::Turn),
    };
    let folder = place.log_dir(turn.id);
    let exit = ExitRecord::read(&folder, id).ok().flatten().filter(|exit| exit.started);
    let bytes = exit.as_ref().map_or(u64::MAX, |exit| exit.stream_bytes);
    let path = folder.join(STREAM);
    let stream = Follow::open(&path).map_err(|error| unreadable(&path, error))?;
    let stream = stream.ok_or_else(|| Failure::not_found(format!("{id} has no stream: {}", path.display())))?;
    let stream = Source::of(stream).take(bytes);
    let own = exit.as_ref().and_then(|exit| exit.code.map(Ended::Code).or(exit.signal.map(Ended::Signal)));
    let stderr = match &args.stderr {
        Some(file) => stderr(file)?,
        None => {
            let bytes = exit.as_ref().map_or(u64::MAX, |exit| exit.stderr_bytes);
            Stderr::read(&folder.join(STDERR), bytes).ok().flatten().unwrap_or_default()
        }
    };
    Ok(Capture {
        name: id.to_string(),
        lossy: false,
        stream: Box::new(stream),
        stderr,
        description,
        from,
        ended: given(args).or(own).unwrap_or(Ended::Code(0)),
        resumed: args.resumed || turn.resume != Resume::Fresh,
    })
}

fn given(args: &Conform) -> Option<Ended> {
    args.ended_code.map(Ended::Code).or(args.ended_signal.map(Ended::Signal))
}

/// The file that was named, or that a link names.
fn stderr(file: &Path) -> Result<Stderr> {
    let read = std::fs::canonicalize(file).and_then(|file| Stderr::read(&file, u64::MAX));
    let seen = read.map_err(|error| unreadable(file, error))?;
    seen.ok_or_else(|| Failure::new(Exit::Malformed, format!("cannot read {}: it is no regular file", file.display())))
}

fn unreadable(file: &Path, error: std::io::Error) -> Failure {
    let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::Malformed };
    Failure::io(format!("cannot read {}", file.display()), error).exit(exit)
}

/// Reads the whole stream and judges it as the end of a turn that nobody ended.
fn conform(capture: &mut Capture) -> Result<record::Conform> {
    let mut tally = Tally::new(capture);
    let mut splitter = Splitter::new(0);
    let what = format!("cannot read {}", capture.name);
    let failed = |error| Failure::io(&what, error).exit(Exit::Malformed);
    while splitter.fill(&mut capture.stream).map_err(failed)? > 0 {
        while let Some(line) = splitter.next_line() {
            tally.line(&line);
        }
    }
    if let Some(line) = splitter.finish() {
        tally.line(&line);
    }
    Ok(tally.close(capture))
}

/// What is counted while the stream is read.
struct Tally {
    reading: Reading,
    now: Tick,
    record: record::Conform,
    verdict_line: Option<i64>,
    type_field: String,
}

impl Tally {
    fn new(capture: &Capture) -> Self {
        let (exit_code, signal) = match capture.ended {
            Ended::Code(code) => (Some(code), None),
            Ended::Signal(signal) => (None, Some(signal)),
        };
        let record = record::Conform::blank(capture.name.clone(), &capture.description.name, capture.from);
        Self {
            reading: Reading::new(capture.description.clone()),
            now: Tick::now(),
            verdict_line: None,
            record: record::Conform {
                file_lossy: capture.lossy,
                exit_code,
                signal,
                resumed: capture.resumed,
                ..record
            },
            type_field: capture.description.type_field.clone(),
        }
    }

    fn line(&mut self, line: &Line<'_>) {
        let (ends, verdicts) = (self.reading.facts().terminals, self.reading.facts().verdicts);
        let kind = self.reading.line(line, self.now);
        self.record.lines += 1;
        self.record.bytes = count(line.end);
        *self.record.count(kind) += 1;
        if self.reading.facts().terminals > ends {
            self.record.terminal_line = Some(self.record.lines);
        }
        if self.reading.facts().verdicts > verdicts {
            self.verdict_line = Some(self.record.lines);
        }
        let unknown = matches!(kind, LineKind::Unknown | LineKind::NotJson | LineKind::NotUtf8 | LineKind::Oversize);
        if unknown && self.record.unknown_lines.len() < SAMPLES {
            self.record.unknown_lines.push(self.sample(kind, line.bytes));
        }
    }

    fn sample(&self, kind: LineKind, bytes: &[u8]) -> UnknownLine {
        let value: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
        let name = value.as_ref().and_then(|value| value.get(&self.type_field)?.as_str());
        UnknownLine {
            line: self.record.lines,
            kind,
            line_type: name.map(|name| name.chars().take(TEXT).collect()),
            text: String::from_utf8_lossy(bytes).chars().take(TEXT).collect(),
        }
    }

    fn close(self, capture: &Capture) -> record::Conform {
        let facts = self.reading.facts();
        let of = &capture.description;
        let code = if let Ended::Code(code) = capture.ended { Some(code) } else { None };
        let end = of.end(facts, code);
        let standing = facts.verdict.is_some() && end.is_some() && of.terminal.as_ref().is_some_and(|of| of.at_end);
        let exit = Some((capture.ended, EndedBy::Agent));
        let conclusion = conclude(&told(of, facts, end.as_ref(), capture.stderr.head(), exit, capture.resumed));
        let said = end.as_ref().and_then(|end| end.message.clone());
        let failed = end.as_ref().is_none_or(|end| !end.clean);
        let last = || capture.stderr.last_words().filter(|_| of.stderr_message && failed);
        let limit = end.as_ref().and_then(|end| end.limit.clone());
        record::Conform {
            outcome: conclusion.outcome,
            cause: conclusion.cause,
            outcome_source: conclusion.source,
            message: said.or_else(last),
            clean_result: end.as_ref().is_some_and(|end| end.clean),
            answer_cut: end.as_ref().is_some_and(|end| end.cut),
            terminal_line: if standing { self.verdict_line } else { self.record.terminal_line },
            http_status: end.as_ref().and_then(|end| end.http_status).map(i64::from),
            limit_kind: limit.as_ref().and_then(|limit| limit.kind.clone()),
            limit_resets_at: limit.as_ref().and_then(|limit| limit.resets_at),
            limit_retry_after_ms: limit.and_then(|limit| i64::try_from(limit.retry_after?.as_millis()).ok()),
            session: facts.session.clone(),
            open_tools: i64::try_from(facts.open_tools).unwrap_or(i64::MAX),
            tokens_in: facts.usage.tokens_in.map(count),
            tokens_out: facts.usage.tokens_out.map(count),
            tokens_cached: facts.usage.tokens_cached.map(count),
            num_turns: facts.usage.num_turns.map(count),
            cost_usd: facts.usage.cost_usd,
            events: count(facts.events),
            ignored_lines: count(facts.ignored.total()),
            ..self.record
        }
    }
}
