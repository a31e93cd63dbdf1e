//! `turn runtimes`: what can be named after `--runtime`, and where each comes from.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::RuntimeRecord;
use refloat::runtimes;

use crate::args::Runtimes;

/// Lists them. A file with a mistake is listed with it; asked for by name it is an error, as in `turn run`.
pub(crate) fn run(cx: &mut Context, args: &Runtimes) -> Result<Exit> {
    if let Some(name) = &args.name {
        cx.out.emit(&RuntimeRecord::of(&runtimes::find(name)?))?;
        return Ok(Exit::Done);
    }
    for name in runtimes::names() {
        let record = match runtimes::find(&name) {
            Ok(known) => RuntimeRecord::of(&known),
            Err(failure) => RuntimeRecord::mistaken(&name, failure.to_string()),
        };
        cx.out.emit(&record)?;
    }
    Ok(Exit::Done)
}
