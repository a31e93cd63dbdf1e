//! `probe story`: whether a story has reached a status, by its own file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use refloat::bmad::{self, Found};
use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge::truth;
use refloat::model::{Before, Instrument, StoryName, SubjectKind, typed_status};
use refloat::record::Evidence;

use crate::args::Asked;
use crate::tell::Teller;
use crate::truth::{Compared, Root, evidence, from_here};
use crate::whose::Whose;

/// Whether a story has reached a status, by its own file
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe story 1-2 --exit-code && echo done
  probe story docs/stories/1-2-login.md --target review --baseline in-progress")]
pub(crate) struct Story {
    /// A story's file (a path with a `/`, or that ends in .md), or its key: 1-2, 1.2, 1-2-login
    #[arg(value_name = "FILE|KEY", required = true, value_parser = OsStringValueParser::new().try_map(name))]
    stories: Vec<(OsString, StoryName)>,
    /// The status that it is to have
    #[arg(long, value_name = "STATUS", default_value = "done", value_parser = typed_status)]
    target: String,
    /// How it was when the step began: a status, or the SHA-256 of its file. What is as it was proves nothing
    #[arg(long, value_name = "STATUS|HASH", value_parser = before)]
    baseline: Option<Before>,
    #[command(flatten)]
    root: Root,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

fn name(text: OsString) -> Result<(OsString, StoryName), String> {
    let name = StoryName::typed(&text)?;
    Ok((text, name))
}

fn before(text: &str) -> Result<Before, String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(Before::Content(text.to_lowercase())) } else { typed_status(text).map(Before::Status) }
}

pub(crate) fn run(cx: &mut Context, args: &Story) -> Result<Exit> {
    let root: PathBuf = args.root.folder()?;
    let mut teller = Teller::of(cx, args.asked, &args.whose)?;
    for (text, name) in &args.stories {
        let found = match name {
            StoryName::File(path) => bmad::story(&StoryName::File(from_here(path)?), &root),
            StoryName::Key(_) => bmad::story(name, &root),
        };
        let told = look(&text.to_string_lossy(), &found, args, &teller);
        teller.tell(&told)?;
    }
    if args.stories.len() > 1 { teller.end_of_several() } else { Ok(teller.end()) }
}

fn look(subject: &str, found: &Found, args: &Story, teller: &Teller<'_>) -> Evidence {
    let hash = found.files.first().and_then(|file| file.sha256.as_deref());
    let finding = truth::story(&found.reading.says, hash, &args.target, args.baseline.as_ref());
    let compared = Compared { target: &args.target, baseline: args.baseline.as_ref() };
    evidence((SubjectKind::Story, subject), Instrument::StoryFile, finding, found, &compared, teller)
}
