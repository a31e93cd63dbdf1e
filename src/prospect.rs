//! What may become of a retry: whether it may be taken up now, and by which words. Asked by `reconcile` and `turn show`.
//! It starts nothing, and writes nothing.

use std::path::Path;

use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::judge::due::{Around, held_by};
use crate::model::{PromptFrom, Prospect, Retry, RetryState, Run, Turn};
use crate::sight::marks::holding;
use crate::state::{PROMPT, Place, View, agent, mark, run, turn};

/// What may become of this retry; `place` is where the files of its turns are.
///
/// # Errors
/// Those of the state file.
pub fn of(view: &View<'_>, place: &Place, retry: &Retry, now: Stamp) -> Result<Prospect> {
    let id = retry.run;
    let run = run::by_id(view, id)?.ok_or_else(|| Failure::not_found(format!("run {id} is gone")))?;
    if retry.state != RetryState::Open {
        return Ok(Prospect { run_state: run.state, held_by: None, session: None, command: Vec::new() });
    }
    let last = turn::latest_of_run(view, id)?;
    let holding = holding(&mark::holds(view, &run.agent)?, workplace(last.as_ref()));
    let around = Around {
        run: &run,
        open_turn: turn::open_of(view, &run.agent)?.map(|turn| turn.id),
        stopped: agent::is_stopped(view, &run.agent)?,
        mark: holding.map(|holding| holding.id()),
        now,
    };
    let held_by = held_by(retry, &around);
    let (session, command) = after(place, &run, last.as_ref());
    Ok(Prospect { run_state: run.state, held_by, session, command })
}

/// Where the next turn works, as this one did; of a run that had none that may be anywhere.
#[must_use]
pub fn workplace(last: Option<&Turn>) -> &Path {
    Path::new(last.map_or("/", |turn| &turn.cwd))
}

/// The session that the next turn of a run resumes, and the words of that turn.
///
/// # Errors
/// Those of the state file.
pub fn next(view: &View<'_>, place: &Place, run: &Run) -> Result<(Option<String>, Vec<String>)> {
    Ok(after(place, run, turn::latest_of_run(view, run.id)?.as_ref()))
}

/// A turn that nobody let go of has done nothing; its words are as good as any.
fn after(place: &Place, run: &Run, last: Option<&Turn>) -> (Option<String>, Vec<String>) {
    last.map_or((None, Vec::new()), |last| (run.session.clone(), once_more(place, run, last)))
}

/// The words of a turn that is once more what this one was, the newest of its run: with its prompt.
#[must_use]
pub fn once_more(place: &Place, run: &Run, last: &Turn) -> Vec<String> {
    place.addressed(command(run, last, &place.log_dir(last.id)))
}

/// The words of a turn that goes on where the run's newest has waited: with the mail that has come, or a word to go on.
#[must_use]
pub fn going_on(place: &Place, run: &Run, last: &Turn, unread: i64) -> Vec<String> {
    place.addressed(match (last.again.prompt, unread) {
        (PromptFrom::None, _) => words(run, last, &[]),
        (_, 1..) => words(run, last, &["--mail"]),
        _ => words(run, last, &["--prompt", "go on"]),
    })
}

/// `turn run`, with the words of the run's last turn and its prompt.
fn command(run: &Run, last: &Turn, log_dir: &Path) -> Vec<String> {
    let kept = log_dir.join(PROMPT);
    match (last.again.prompt, kept.to_str()) {
        (PromptFrom::None, _) => words(run, last, &[]),
        (PromptFrom::Mail, _) => words(run, last, &["--mail"]),
        (PromptFrom::Kept, Some(kept)) => words(run, last, &["--prompt-file", kept]),
        (PromptFrom::Kept, None) => Vec::new(),
    }
}

/// The session is the run's own where one is known to be good.
fn words(run: &Run, last: &Turn, prompt: &[&str]) -> Vec<String> {
    let again = &last.again;
    if again.lossy {
        return Vec::new();
    }
    let id = run.id.to_string();
    let begin = ["turn", "run", "--agent", &run.agent, "--run", &id];
    let mut words: Vec<String> = begin.iter().chain(prompt).map(|word| (*word).to_owned()).collect();
    words.extend(again.options.iter().cloned());
    if !again.arguments.is_empty() {
        words.push("--".to_owned());
        words.extend(again.arguments.iter().cloned());
    }
    words
}
