//! `probe wait`: sleeps until something is so. Which instrument tells it, and when, is `refloat::wait`'s.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use refloat::cli::{Context, Limit, agent_name, agent_or_id, limit, tmux_socket, work_folder};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::id::TurnId;
use refloat::identity::Named;
use refloat::wait::{self, FileAwaited, WorkAwaited};

/// Sleep until something is so
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    before_help = "\
Examples:
  probe wait pid-exit 4711 --timeout 5m
  probe wait mail lead --timeout none
  probe wait run r17 ended && turn show r17
  probe wait file result.json exists --timeout 10m
  probe wait tmux build gone --socket ci

What is so already ends it at once. 75 at the timeout, 69 when it can never be told from here, 66 no such run or turn."
)]
pub(crate) struct Wait {
    #[command(subcommand)]
    condition: Condition,
    /// At most so long; none: for ever
    #[arg(long, value_name = "TIME", default_value = "60s", global = true, value_parser = limit)]
    timeout: Limit,
}

#[derive(Subcommand, Debug)]
enum Condition {
    PidExit(PidExit),
    Mail(Mail),
    Run(Run),
    Turn(Turn),
    File(File),
    Tmux(Tmux),
}

/// Until a process has ended: a zombie has, a stopped one has not
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe wait pid-exit 4711 --timeout 5m
  long-job & probe wait pid-exit $! --timeout none")]
struct PidExit {
    /// A number, PID:START_TICKS, or an identity, as text or as JSON, which no other process can take over
    #[arg(value_name = "PID|IDENTITY", value_parser = who)]
    who: (String, Named),
}

/// Until a turn could take mail of this agent
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe wait mail lead --timeout none

As mail wait: not what is leased or delayed, and not while the agent is held. 76 when the agent is stopped.")]
struct Mail {
    /// Whose mail
    #[arg(value_name = "AGENT", value_parser = agent_name)]
    agent: String,
    /// Where the turn would work: a hold mark for that folder keeps it [default: here]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
}

/// Until a run has ended, or stands differently
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe wait run r17 ended --timeout none
  probe wait run lead changed

An agent's newest run at the beginning, and no later one. 69 when nobody works on its open turn or watches it.")]
struct Run {
    /// A run by its id, or the newest run of an agent
    #[arg(value_name = "RUN|AGENT", value_parser = run_or_agent)]
    run: String,
    /// What of it
    what: RunWord,
}

/// Until a turn has its outcome
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe wait turn t83 ended --timeout 2h

69 when nobody works on it or watches it: turn attach finishes it.")]
struct Turn {
    /// A turn by its id
    turn: TurnId,
    /// What of it
    what: TurnWord,
}

/// Until a file is another, is there, or is not
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe wait file result.json exists --timeout 10m
  probe wait file sprint-status.yaml changed
  probe wait file build.lock gone

Its folder may come later. Changed is: written, replaced, created or removed since the beginning.")]
struct File {
    /// Whatever is at this path, behind its links
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What of it
    what: FileWord,
}

/// Until a tmux session, or a pane, is gone
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe wait tmux build gone --timeout none
  probe wait tmux %7 gone --socket ci

A session by its exact name or id ($3), a pane by its id (%7). A server that does not answer is not gone.")]
struct Tmux {
    /// A session by its exact name or id, a pane by its id
    #[arg(value_parser = session)]
    name: String,
    /// What of it
    what: TmuxWord,
    /// The tmux server: the path of its socket, or its name (tmux -L) [default: that of tmux]
    #[arg(long, value_name = "PATH|NAME", value_parser = tmux_socket)]
    socket: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RunWord {
    /// It has ended, however
    Ended,
    /// Its state, what holds it, a new turn, an attempt used up
    Changed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TurnWord {
    /// It has an outcome
    Ended,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileWord {
    /// It is another, or has another content, than at the beginning
    Changed,
    /// It is there
    Exists,
    /// It is not there
    Gone,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TmuxWord {
    /// It is not listed any more, or all its panes are dead
    Gone,
}

pub(crate) fn run(cx: &mut Context, args: Wait) -> Result<Exit> {
    let limit = args.timeout.0;
    match args.condition {
        Condition::PidExit(PidExit { who: (name, who) }) => wait::run(cx, &mut wait::Process::of(&who, &name), limit),
        Condition::Mail(Mail { agent, cwd }) => {
            let place = cx.place()?;
            wait::run(cx, &mut wait::Mail::of(agent, work_folder(cwd.as_deref())?, place), limit)
        }
        Condition::Run(Run { run, what }) => {
            let awaited = match what {
                RunWord::Ended => WorkAwaited::RunEnded,
                RunWord::Changed => WorkAwaited::RunChanged,
            };
            work(cx, awaited, &run, limit)
        }
        Condition::Turn(Turn { turn, what: TurnWord::Ended }) => {
            work(cx, WorkAwaited::TurnEnded, &turn.to_string(), limit)
        }
        Condition::File(File { file, what }) => {
            let awaited = match what {
                FileWord::Changed => FileAwaited::Changed,
                FileWord::Exists => FileAwaited::Exists,
                FileWord::Gone => FileAwaited::Gone,
            };
            wait::run(cx, &mut wait::File::at(awaited, &file)?, limit)
        }
        Condition::Tmux(Tmux { name, what: TmuxWord::Gone, socket }) => {
            wait::run(cx, &mut wait::Session::of(&name, socket.as_deref()), limit)
        }
    }
}

fn work(cx: &mut Context, awaited: WorkAwaited, name: &str, limit: Option<std::time::Duration>) -> Result<Exit> {
    let place = cx.place()?;
    wait::run(cx, &mut wait::Work::of(awaited, name, place), limit)
}

fn who(text: &str) -> Result<(String, Named), String> {
    text.parse().map(|named| (text.to_owned(), named))
}

fn run_or_agent(text: &str) -> Result<String, String> {
    if text.parse::<TurnId>().is_ok() {
        return Err(format!("'{text}' is a turn: probe wait turn {text} ended"));
    }
    agent_or_id(text)
}

fn session(text: &str) -> Result<String, String> {
    match text.chars().next() {
        None => Err("a session has a name".into()),
        Some('@') => Err("a window is not waited for: name its session, or its pane (%7)".into()),
        _ if text.chars().any(char::is_control) => Err("a name has no control characters".into()),
        _ => Ok(text.to_owned()),
    }
}
