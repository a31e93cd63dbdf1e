//! The prompt of a turn: where it comes from, and whether there is anything to say.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use refloat::cli::Context;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::runtime::{Description, PromptBy};

use crate::launch::args::Run;

/// No prompt is longer: it is held in memory, and what never ends would fill that.
const LONGEST_MIB: u64 = 64;

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
    if file == Path::new("-") {
        cx.note_stdin("the prompt");
        return whole(std::io::stdin())?.or_fail(|| "cannot read the prompt from standard input".into());
    }
    let text = File::open(file).map_or_else(|error| Ok(Err(error)), whole)?;
    text.map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let what = format!("cannot read prompt file {}", file.display());
        Failure::io(what, error).exit(if missing { Exit::NotFound } else { Exit::Io })
    })
}

/// All of a prompt, if it is not too long.
fn whole(from: impl Read) -> Result<std::io::Result<Vec<u8>>> {
    let most = LONGEST_MIB << 20;
    let mut text = Vec::new();
    let read = from.take(most + 1).read_to_end(&mut text);
    if text.len() as u64 > most {
        return Err(Failure::new(Exit::Malformed, format!("the prompt is longer than {LONGEST_MIB} MiB"))
            .hint("put it into files, and let the prompt name them"));
    }
    Ok(read.map(|_| text))
}
