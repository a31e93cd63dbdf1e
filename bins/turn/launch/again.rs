//! The words by which a turn is run once more: what was given for the turn itself. Not what its run keeps (task, parent,
//! what it owes) or what was meant for one call (waiting, `--now`, what is printed). They end up in `reconcile retry`.

use std::ffi::OsStr;
use std::time::Duration;

use refloat::model::{Again, OnStall, PromptFrom};

use super::args::{Clocks, Contain, Limit};
use super::plan::Plan;

/// Of this turn; `prompted` says whether it has a prompt that is kept.
pub(super) fn of(plan: &Plan<'_>) -> Again {
    let args = plan.args;
    let mut words = Words::default();
    if args.runtime != "plain" {
        words.option("--runtime", &args.runtime);
    }
    if let Some(program) = &args.program {
        words.option("--program", program);
    }
    words.option("--cwd", &plan.cwd);
    clocks(&mut words, &args.clocks);
    match args.contain {
        Contain::Auto => {}
        Contain::Cgroup => words.option("--contain", "cgroup"),
        Contain::Subreaper => words.option("--contain", "subreaper"),
    }
    let prompt = match (args.mail, &plan.prompt) {
        (true, _) => PromptFrom::Mail,
        (false, Some(_)) => PromptFrom::Kept,
        (false, None) => PromptFrom::None,
    };
    let arguments = args.arguments.iter().map(|word| words.text(word)).collect();
    Again { options: words.all, prompt, arguments, lossy: words.lossy }
}

fn clocks(words: &mut Words, clocks: &Clocks) {
    let soft = [("--first-event", clocks.first_event), ("--stall", clocks.stall), ("--stall-tool", clocks.stall_tool)];
    for (name, limit) in soft {
        match limit {
            None => {}
            Some(Limit(None)) => words.option(name, "none"),
            Some(Limit(Some(time))) => words.option(name, millis(time)),
        }
    }
    words.option("--grace", millis(clocks.grace));
    words.option("--deadline", millis(clocks.deadline));
    if clocks.on_stall != OnStall::Kill {
        words.option("--on-stall", clocks.on_stall.word());
    }
    if let Some(time) = clocks.kill_after {
        words.option("--kill-after", millis(time));
    }
}

/// As [`refloat::cli::duration`] reads it.
fn millis(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

#[derive(Default)]
struct Words {
    all: Vec<String>,
    lossy: bool,
}

impl Words {
    fn option(&mut self, name: &str, value: impl AsRef<OsStr>) {
        let value = self.text(value.as_ref());
        // One that begins with a dash would be taken for an option.
        self.all.push(format!("{name}={value}"));
    }

    fn text(&mut self, word: &OsStr) -> String {
        self.lossy |= word.to_str().is_none();
        word.to_string_lossy().into_owned()
    }
}
