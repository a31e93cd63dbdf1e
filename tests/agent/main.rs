//! `fake-agent`: a scriptable stand-in for a coding agent, for the tests and the quick start.
//! It plays any stream and any misbehaviour; `README.md` beside this file is its manual.
//! It must never use the library it helps to test, and never leave a process that lives for ever.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::exit,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test tool apart from the library: it misbehaves on purpose and has no entry, emitter or clock to share"
)]

mod agent;
mod capture;
mod life;
mod notes;
mod offspring;
mod replay;
mod script;
mod signals;
mod step;
mod stream;
mod zoo;

use anyhow::{Context, Result, bail};

use crate::agent::Agent;
use crate::step::Step;

/// Where the script comes from when argv belongs to the program that is stood in for.
const SCRIPT: &str = "FAKE_AGENT_SCRIPT";
/// The exit code of a wrong script or a step that could not be done: no agent and no command of ours uses it.
const BROKEN: i32 = 99;

fn main() {
    let code = match play() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("fake-agent: {error:#}");
            BROKEN
        }
    };
    std::process::exit(code);
}

fn play() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let lines = match std::env::var(SCRIPT) {
        Ok(source) => script::read(&source).with_context(|| format!("{SCRIPT}={source}"))?,
        Err(_) => match args.as_slice() {
            [] => bail!("no script: give steps as arguments, or {SCRIPT}; --help tells the steps"),
            [word] if word == "--help" => {
                println!("{}", include_str!("README.md"));
                return Ok(());
            }
            [zoo, list] if zoo == "zoo" && list == "list" => {
                zoo::list();
                return Ok(());
            }
            [zoo, member @ ..] if zoo == "zoo" => vec![format!("zoo {}", member.join(" "))],
            steps => steps.to_vec(),
        },
    };
    let steps = Step::parse_all(&lines)?;
    let mut agent = Agent::new(args, life::begin()?);
    agent.run(&steps)
}
