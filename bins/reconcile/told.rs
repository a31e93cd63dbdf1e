//! Evidence from standard input: read one line at a time, put beside what is seen of the runs it belongs to. What counts of
//! it is for `judge` to say.

use std::io::{BufRead, BufReader, Read};

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{IoContext, Result};
use refloat::exit::Exit;
use refloat::gather::{self, Gathered};
use refloat::id::{RunId, TurnId};
use refloat::judge::verdict::{self, About, Told};
use refloat::model::{Answer, Instrument, Meaning, Reason, SubjectKind};
use refloat::record::evidence::{Here, ProcessDetail, Role, RunDetail};
use refloat::seam::process;
use refloat::state::{Place, State, run};

use crate::pass::{self, Looked};
use serde::Deserialize;

/// No honest record is longer.
const LONGEST_LINE: u64 = 1 << 20;

/// A piece of evidence as another host, a script or a test writes it. Other keys are passed over.
#[derive(Deserialize)]
struct Line {
    subject_kind: SubjectKind,
    subject: String,
    run: Option<RunId>,
    turn: Option<TurnId>,
    attempt: Option<i64>,
    finding: Answer,
    meaning: Meaning,
    reason: Reason,
    observed_at: Stamp,
    age_ms: Option<i64>,
    #[serde(default)]
    detail: Facts,
    host: Option<String>,
    boot_id: Option<String>,
}

/// What of the raw facts bears on what counts.
#[derive(Default, Deserialize)]
struct Facts {
    /// How it was when the step began, where whoever looked was told.
    #[serde(default)]
    baseline: Option<String>,
}

/// What every record says of itself.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// The runs that evidence belongs to, with it. A line that cannot be read is said, and the others count (65 at the end).
pub(crate) fn gather(cx: &Context, state: &State, place: &Place) -> Result<Looked> {
    cx.note_stdin("evidence, one JSON object per line,");
    let (lines, mut exit) = read(cx)?;
    let mut named = Vec::new();
    for (number, line) in &lines {
        let Some(id) = line.run else { continue };
        match state.read("look for the run", |view| run::by_id(view, id))? {
            Some(_) if named.contains(&id.to_string()) => {}
            Some(_) => named.push(id.to_string()),
            None => {
                cx.say(format_args!("stdin:{number}: no run {id}"));
                exit = Exit::Malformed;
            }
        }
    }
    let mut rows = gather::read(state, &named)?;
    let mut unread = 0;
    if lines.iter().any(|(_, line)| line.run.is_none()) {
        // Whose it is, is known by what the runs have registered.
        let (open, unreadable) = gather::read_open(state)?;
        unread = pass::say_unread(cx, &unreadable);
        rows.extend(open.into_iter().filter(|open| !named.contains(&open.run.id.to_string())));
    }
    let here = Here::from(&process::me());
    let mut found = gather::gather(place, rows);
    for gathered in &mut found {
        gathered.case.told = lines.iter().filter_map(|(_, line)| told(line, gathered, &here)).collect();
    }
    found.retain(|gathered| named.contains(&gathered.run.id.to_string()) || !gathered.case.told.is_empty());
    Ok(Looked { found, exit, unread })
}

fn read(cx: &Context) -> Result<(Vec<(u64, Line)>, Exit)> {
    let mut input = BufReader::new(std::io::stdin());
    let (mut lines, mut exit) = (Vec::new(), Exit::Done);
    let mut text = Vec::new();
    for number in 1_u64.. {
        text.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text);
        let read = read.or_fail(|| "cannot read standard input".into())?;
        if read == 0 {
            break;
        }
        let cut = read as u64 == LONGEST_LINE && text.last() != Some(&b'\n');
        // What follows it is its end, and no line of its own.
        if cut {
            input.skip_until(b'\n').or_fail(|| "cannot read standard input".into())?;
        }
        match if cut { Err(format!("longer than {LONGEST_LINE} bytes")) } else { parse(&text) } {
            Ok(line) => lines.extend(line.map(|line| (number, line))),
            Err(why) => {
                cx.say(format_args!("stdin:{number}: {why}"));
                exit = Exit::Malformed;
            }
        }
    }
    Ok((lines, exit))
}

/// A line; none of what is no evidence.
fn parse(text: &[u8]) -> std::result::Result<Option<Line>, String> {
    let said = |error: serde_json::Error| error.to_string();
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let kind: Kind = serde_json::from_slice(text).map_err(said)?;
    if kind.kind == "evidence" { serde_json::from_slice(text).map(Some).map_err(said) } else { Ok(None) }
}

/// What a line tells of a run; none: it is about another one.
fn told(line: &Line, gathered: &Gathered, here: &Here) -> Option<Told> {
    if line.run.is_some_and(|run| run != gathered.run.id) {
        return None;
    }
    let registered = registered(line, gathered);
    let known = line.run.is_some() && (line.attempt.is_some() || line.turn.is_some());
    let about = match (registered, line.subject_kind) {
        (Some(known), _) => known.about,
        (None, _) if line.run.is_none() => return None,
        // Nothing of the run's own: what a monitor wrote, or lived in.
        (None, SubjectKind::Output | SubjectKind::Session | SubjectKind::Pane | SubjectKind::Process) if known => {
            About::Monitor
        }
        (None, SubjectKind::Story | SubjectKind::Sprint | SubjectKind::Result) if known => About::Named,
        (None, _) => About::Other,
    };
    let foreign = line.turn.is_some() && line.turn != gathered.turn;
    let changed = line.age_ms.filter(|age| *age >= 0);
    Some(Told {
        about: if foreign { About::Other } else { about },
        kind: line.subject_kind,
        subject: line.subject.clone(),
        attempt: line.attempt,
        answer: line.finding,
        meaning: line.meaning,
        reason: line.reason,
        age_ms: verdict::age_ms(line.observed_at, Stamp::now()),
        changed_at: changed.map(|age| Stamp::from_millis(line.observed_at.millis().saturating_sub(age))),
        compared: line.detail.baseline.is_some(),
        elsewhere: registered.is_some_and(|known| known.there && is_elsewhere(line, here)),
    })
}

/// Whether a line was observed on another host or in another boot.
fn is_elsewhere(line: &Line, here: &Here) -> bool {
    let differs = |theirs: Option<&String>, ours: Option<&String>| theirs.is_some() && theirs != ours;
    differs(line.host.as_ref(), here.host.as_ref()) || differs(line.boot_id.as_ref(), here.boot.as_ref())
}

/// What of a run a line is about.
#[derive(Clone, Copy)]
struct Registered {
    about: About,
    /// It was observed where this is, as far as that is recorded.
    there: bool,
}

/// What of the run this is, as our own looks at it name it. Numbers and names of another host are other processes and
/// sessions.
fn registered(line: &Line, gathered: &Gathered) -> Option<Registered> {
    let mut owed = 0..;
    let home = gathered.evidence.iter().find_map(|piece| match piece.detail.of_run() {
        Some(RunDetail::Process(process)) if process.role != Role::Supervisor => Some(process),
        _ => None,
    });
    gathered.evidence.iter().find_map(|piece| {
        let place = if piece.instrument == Instrument::Baseline { owed.next() } else { None };
        let same = piece.subject_kind == line.subject_kind && piece.subject == line.subject;
        let (about, home) = match (piece.detail.of_run(), place) {
            (_, Some(at)) => (About::Owed(at), None),
            (Some(RunDetail::Process(process)), _) => match process.role {
                Role::Agent | Role::Worker => (About::Work, Some(process)),
                Role::Shim => (About::Shim, Some(process)),
                Role::Supervisor => (About::Monitor, Some(process)),
                Role::Server => (About::Other, Some(process)),
            },
            (Some(RunDetail::Session(_)), _) => (About::Work, home),
            // Registered, and neither the work nor its monitor: a file of theirs.
            (Some(_), _) => (About::Other, None),
            (None, _) => return None,
        };
        match home.map(|home| seen_at(line, home)) {
            _ if !same => None,
            None => Some(Registered { about, there: true }),
            Some(Some(there)) => Some(Registered { about, there }),
            Some(None) => line.run.map(|_| Registered { about: About::Other, there: false }),
        }
    })
}

/// Whether a line was observed where this process is; false where the line does not say where, none where it was
/// elsewhere. A host is known by its machine-id; without one only the boot tells.
fn seen_at(line: &Line, home: &ProcessDetail) -> Option<bool> {
    match (line.host.as_deref(), home.recorded_host.as_str()) {
        (None, "") => Some(line.boot_id.as_ref() == Some(&home.recorded_boot)),
        (None, _) => Some(false),
        (Some(theirs), recorded) => (theirs == recorded).then_some(true),
    }
}
