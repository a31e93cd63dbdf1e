//! The prompt of a turn: where it comes from, and whether there is anything to say.

use std::io::Read;
use std::path::Path;

use refloat::cli::Context;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::runtime::{Description, PromptBy};

use crate::launch::args::Run;

/// What is to be said to the agent.
pub(crate) enum Prompt {
    /// Nothing, and nothing is needed.
    None,
    /// Something was given, and there is nothing in it.
    Empty,
    /// This.
    Text(Vec<u8>),
    /// The mail that waits when the turn begins.
    Mail,
}

/// Whether the prompt is waited for: who writes it may take long.
pub(crate) fn is_stdin(args: &Run) -> bool {
    args.prompt_file.as_deref() == Some(Path::new("-"))
}

/// Reads the prompt. White space alone says nothing.
pub(crate) fn read(cx: &Context, args: &Run, runtime: &Description) -> Result<Prompt> {
    if runtime.prompt == PromptBy::None && (args.mail || args.prompt.is_some() || args.prompt_file.is_some()) {
        return Err(Failure::usage(format!("the runtime {} takes no prompt", runtime.name)));
    }
    if args.mail {
        return Ok(Prompt::Mail);
    }
    let text = match (&args.prompt, &args.prompt_file) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(file)) => read_file(cx, file)?,
        (None, None) if runtime.prompt_required => {
            return Err(Failure::usage(format!("the runtime {} needs a prompt", runtime.name))
                .hint("give it as --prompt TEXT, --prompt-file FILE or --mail"));
        }
        (None, None) => return Ok(Prompt::None),
    };
    Ok(if text.trim_ascii().is_empty() { Prompt::Empty } else { Prompt::Text(text) })
}

fn read_file(cx: &Context, file: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    if file == Path::new("-") {
        cx.note_stdin("the prompt");
        std::io::stdin().read_to_end(&mut text).or_fail(|| "cannot read the prompt from standard input".into())?;
        return Ok(text);
    }
    let what = || format!("cannot read prompt file {}", file.display());
    text = std::fs::read(file).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        Failure::io(what(), error).exit(if missing { Exit::NotFound } else { Exit::Io })
    })?;
    Ok(text)
}
