//! `probe sprint`: whether a story, or another key of the sprint file, has reached a status there.

use std::path::PathBuf;

use clap::Args;
use refloat::bmad;
use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge::truth;
use refloat::model::{Before, Instrument, StoryKey, SubjectKind, typed_status};

use crate::args::Asked;
use crate::tell::Teller;
use crate::truth::{Compared, Root, evidence, from_here};
use crate::whose::Whose;

/// Whether a story has reached a status, by the sprint file
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe sprint 1-2 --exit-code && echo done
  probe sprint 1-2 1-3 epic-1 --file sprint-status.yaml --target review")]
pub(crate) struct Sprint {
    /// Keys of the sprint file: 1-2-login, or its beginning 1-2; epic-1
    #[arg(value_name = "KEY", required = true, value_parser = StoryKey::typed)]
    keys: Vec<StoryKey>,
    /// The sprint file; without it those in the usual places
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The status that it is to have
    #[arg(long, value_name = "STATUS", default_value = "done", value_parser = typed_status)]
    target: String,
    /// The status that it had when the step began. What is as it was proves nothing
    #[arg(long, value_name = "STATUS", value_parser = before)]
    baseline: Option<Before>,
    #[command(flatten)]
    root: Root,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

fn before(text: &str) -> Result<Before, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a sprint file has many stories, and its hash says nothing of one: give the status".to_owned());
    }
    typed_status(text).map(Before::Status)
}

pub(crate) fn run(cx: &mut Context, args: &Sprint) -> Result<Exit> {
    let root = args.root.folder()?;
    let file = args.file.as_deref().map(from_here).transpose()?;
    let compared = Compared { target: &args.target, baseline: args.baseline.as_ref() };
    let mut teller = Teller::of(cx, args.asked, &args.whose)?;
    for key in &args.keys {
        let found = bmad::sprint(key, file.as_deref(), &root);
        let finding = truth::sprint(&found.reading.says, None, compared.target, compared.baseline);
        let subject = (SubjectKind::Sprint, key.text.as_str());
        let told = evidence(subject, Instrument::SprintFile, finding, &found, &compared, &teller);
        teller.tell(&told)?;
    }
    if args.keys.len() > 1 { teller.end_of_several() } else { Ok(teller.end()) }
}
