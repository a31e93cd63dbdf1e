//! `mail send -`: one JSON object per line, all or nothing. The lines are read and checked to their end before the
//! first is stored, so that a slow writer holds nobody up; they wait in a file without a name, not in memory.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use refloat::cli::{Context, agent_name, duration};
use refloat::clock::Stamp;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::id::MailId;
use refloat::model::{MailType, Priority};
use refloat::record::MailSent;
use refloat::state::{Place, Tx};
use refloat::token;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::args::Send;
use crate::draft::Draft;
use crate::{address, caller};

/// A body and a payload of full size, with every character escaped, are shorter.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// One line. Other keys are passed over.
#[derive(Deserialize)]
struct Line {
    to: String,
    subject: String,
    #[serde(default)]
    body: String,
    #[serde(rename = "type")]
    kind: Option<MailType>,
    priority: Option<Priority>,
    payload: Option<Map<String, Value>>,
    from: Option<String>,
    reply_to: Option<MailId>,
    expires: Option<String>,
    #[serde(default)]
    queue: bool,
}

pub(crate) fn run(cx: &mut Context, args: &Send) -> Result<Exit> {
    let token = token::of_environment();
    let place = cx.place()?;
    let mut state = token::open_for_writing(&place)?;
    cx.note_stdin("mails, one JSON object per line,");
    let spool = spool(&place, args, token.is_some())?;
    let sent = nameless(&place)?;
    state.write("send mail", |tx| store_all(tx, args, token.as_deref(), &spool, &sent))?;
    for line in from_start(&sent)?.lines() {
        let line = line.or_fail(|| "cannot read what was sent".into())?;
        let (at, sent): (Stamp, MailSent) = serde_json::from_str(&line)
            .map_err(|error| Failure::new(Exit::Bug, format!("a spooled record: {error}")))?;
        cx.out.emit_at(&sent, at)?;
    }
    Ok(Exit::Done)
}

/// Reads standard input to its end, and keeps what is sound in itself.
fn spool(place: &Place, args: &Send, in_turn: bool) -> Result<File> {
    let file = nameless(place)?;
    let mut keep = BufWriter::new(&file);
    let mut input = BufReader::new(std::io::stdin());
    let mut text = Vec::new();
    for number in 1_u64.. {
        text.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text);
        if read.or_fail(|| "cannot read standard input".into())? == 0 {
            break;
        }
        let (draft, from) = draft(&text, args).map_err(|failure| at_line(number, failure))?;
        draft.check().map_err(|failure| at_line(number, failure))?;
        if !in_turn && from.is_none() {
            return Err(at_line(number, malformed("nobody sends it: 'from' is missing")));
        }
        keep.write_all(text.trim_ascii()).and_then(|()| keep.write_all(b"\n")).or_fail(|| spooling(place))?;
    }
    keep.flush().or_fail(|| spooling(place))?;
    drop(keep);
    Ok(file)
}

/// Stores every line, and notes what was stored.
fn store_all(tx: &Tx<'_>, args: &Send, token: Option<&str>, spool: &File, sent: &File) -> Result<()> {
    let mut keep = BufWriter::new(sent);
    for (line, number) in from_start(spool)?.split(b'\n').zip(1_u64..) {
        let line = line.or_fail(|| "cannot read the lines again".into())?;
        let (draft, from) = draft(&line, args)?;
        let stored = caller::sender(tx, from.as_deref(), token).and_then(|sender| draft.store(tx, &sender));
        for one in stored.map_err(|failure| failure.context(format!("stdin:{number}")))? {
            let text = tx.text_of(&(Stamp::now(), one))?;
            writeln!(keep, "{text}").or_fail(|| "cannot note what was sent".into())?;
        }
    }
    keep.flush().or_fail(|| "cannot note what was sent".into())
}

/// A line as a draft, and who it says sends it.
fn draft(text: &[u8], args: &Send) -> Result<(Draft, Option<String>)> {
    if text.len() as u64 >= LONGEST_LINE {
        return Err(malformed(format!("the line is longer than {LONGEST_LINE} bytes")));
    }
    // An array would be taken for the values of the keys, in their order.
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(malformed("not a JSON object"));
    }
    let line: Line = serde_json::from_slice(text).map_err(malformed)?;
    let from = line.from.or_else(|| args.from.clone());
    if let Some(name) = &from {
        agent_name(name).map_err(|why| malformed(format!("from: {why}")))?;
    }
    let payload = line.payload.map(|fields| Value::Object(fields).to_string());
    let expires =
        line.expires.as_deref().map(duration).transpose().map_err(|why| malformed(format!("expires: {why}")))?;
    let draft = Draft {
        to: address::parse(&line.to)?,
        subject: line.subject,
        body: line.body,
        kind: line.kind.unwrap_or(args.kind),
        priority: line.priority.unwrap_or(args.priority),
        payload,
        reply_to: line.reply_to,
        expires: expires.or(args.expires),
        queue: line.queue || args.queue,
    };
    Ok((draft, from))
}

fn malformed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Malformed, why)
}

/// What is wrong with a line in itself makes the input malformed, whatever it would be on a command line.
fn at_line(number: u64, failure: Failure) -> Failure {
    failure.exit(Exit::Malformed).context(format!("stdin:{number}")).hint("nothing was stored")
}

fn spooling(place: &Place) -> String {
    format!("cannot keep the lines in {}", place.folder().display())
}

/// A file on the state's disk that has no name, and is gone with us.
fn nameless(place: &Place) -> Result<File> {
    let path = place.companion(&format!("spool-{}", Uuid::new_v4().simple()));
    let open = || File::options().read(true).write(true).create_new(true).mode(0o600).open(&path);
    let file = open().and_then(|file| std::fs::remove_file(&path).map(|()| file));
    file.or_fail(|| format!("cannot create {}", path.display()))
}

fn from_start(mut file: &File) -> Result<BufReader<&File>> {
    file.rewind().or_fail(|| "cannot read the lines again".into())?;
    Ok(BufReader::new(file))
}
