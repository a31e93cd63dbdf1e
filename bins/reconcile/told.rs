//! Evidence from standard input: read one line at a time, put beside what is seen of the runs it belongs to. What counts of
//! it is for `judge` to say.

use std::io::{BufRead, BufReader, Read};

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{IoContext, Result};
use refloat::exit::Exit;
use refloat::gather::{self, Gathered, Which};
use refloat::id::{RunId, TurnId};
use refloat::judge::verdict::{About, Told};
use refloat::model::{Answer, Instrument, Meaning, Reason, SubjectKind};
use refloat::record::evidence::{Here, Role, RunDetail};
use refloat::seam::process;
use refloat::state::{Place, State, run};
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
pub(crate) fn gather(cx: &Context, state: &State, place: &Place) -> Result<(Vec<Gathered>, Exit)> {
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
    let mut rows = gather::read(state, Which::Named(&named))?;
    if lines.iter().any(|(_, line)| line.run.is_none()) {
        // Whose it is, is known by what the runs have registered.
        let open = gather::read(state, Which::Open)?;
        rows.extend(open.into_iter().filter(|open| !named.contains(&open.run.id.to_string())));
    }
    let here = Here::from(&process::me());
    let mut found = gather::gather(place, rows);
    for gathered in &mut found {
        gathered.case.told = lines.iter().filter_map(|(_, line)| told(line, gathered, &here)).collect();
    }
    found.retain(|gathered| named.contains(&gathered.run.id.to_string()) || !gathered.case.told.is_empty());
    Ok((found, exit))
}

fn read(cx: &Context) -> Result<(Vec<(u64, Line)>, Exit)> {
    let mut input = BufReader::new(std::io::stdin());
    let (mut lines, mut exit) = (Vec::new(), Exit::Done);
    let mut text = Vec::new();
    for number in 1_u64.. {
        text.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text);
        if read.or_fail(|| "cannot read standard input".into())? == 0 {
            break;
        }
        match parse(&text) {
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
fn parse(text: &[u8]) -> serde_json::Result<Option<Line>> {
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let kind: Kind = serde_json::from_slice(text)?;
    if kind.kind == "evidence" { serde_json::from_slice(text).map(Some) } else { Ok(None) }
}

/// What a line tells of a run; none: it is about another one.
fn told(line: &Line, gathered: &Gathered, here: &Here) -> Option<Told> {
    if line.run.is_some_and(|run| run != gathered.run.id) {
        return None;
    }
    let registered = registered(line, gathered);
    let known = line.run.is_some() && (line.attempt.is_some() || line.turn.is_some());
    let about = match (registered, line.subject_kind) {
        (Some(about), _) => about,
        (None, _) if line.run.is_none() => return None,
        // Nothing of the run's own: what a monitor wrote, or lived in.
        (None, SubjectKind::Output | SubjectKind::Session | SubjectKind::Pane | SubjectKind::Process) if known => {
            About::Monitor
        }
        (None, SubjectKind::Story | SubjectKind::Sprint | SubjectKind::Result) if known => About::Named,
        (None, _) => About::Other,
    };
    let foreign = line.turn.is_some() && line.turn != gathered.turn;
    let (host, boot) = (line.host.as_ref(), line.boot_id.as_ref());
    let differs = |theirs: Option<&String>, ours: Option<&String>| theirs.is_some() && theirs != ours;
    let age = Some(Stamp::now().millis() - line.observed_at.millis()).filter(|age| *age >= 0);
    Some(Told {
        about: if foreign { About::Other } else { about },
        kind: line.subject_kind,
        subject: line.subject.clone(),
        attempt: line.attempt,
        answer: line.finding,
        meaning: line.meaning,
        reason: line.reason,
        age_ms: age,
        changed_ms: age.zip(line.age_ms.filter(|age| *age >= 0)).map(|(observed, changed)| observed + changed),
        compared: line.detail.baseline.is_some(),
        elsewhere: differs(host, here.host.as_ref()) || differs(boot, here.boot.as_ref()),
    })
}

/// What of the run this is, as our own looks at it name it.
fn registered(line: &Line, gathered: &Gathered) -> Option<About> {
    let mut owed = 0..;
    gathered.evidence.iter().find_map(|piece| {
        let place = if piece.instrument == Instrument::Baseline { owed.next() } else { None };
        let same = piece.subject_kind == line.subject_kind && piece.subject == line.subject;
        let about = match (piece.detail.of_run(), place) {
            (_, Some(at)) => About::Owed(at),
            (Some(RunDetail::Process(process)), _) => match process.role {
                Role::Agent | Role::Worker => About::Work,
                Role::Shim => About::Shim,
                Role::Supervisor => About::Monitor,
                Role::Server => About::Other,
            },
            (Some(RunDetail::Session(_)), _) => About::Work,
            // Registered, and neither the work nor its monitor: a file of theirs.
            (Some(_), _) => About::Other,
            (None, _) => return None,
        };
        same.then_some(about)
    })
}
