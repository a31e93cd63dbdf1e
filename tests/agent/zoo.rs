//! The zoo: badly behaved agents, ready made, in the step language itself.
//! Each tale says what stays behind and how the agent itself ends.

use anyhow::{Context, Result};

use crate::script::split;

/// A member of the zoo, with its one argument.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    steps: &'static str,
    argument: String,
}

struct Row {
    name: &'static str,
    /// Stands for `$1`; empty where the member takes no argument.
    default: &'static str,
    tale: &'static str,
    steps: &'static str,
}

macro_rules! zoo {
    ($($name:literal $default:literal: $tale:literal => $steps:literal;)+) => {
        const ZOO: &[Row] = &[$(Row { name: $name, default: $default, tale: $tale, steps: $steps },)+];
    };
}

zoo! {
    "setsid" "": "leaves a child in a session of its own; result, exit 0"
        => "init; spawn setsid; result done";
    "double-fork" "": "leaves an orphan in a session of its own; result, exit 0"
        => "init; spawn double-fork+setsid; result done";
    "ignore-term" "": "leaves a child that only KILL ends; result, exit 0"
        => "init; spawn ignore-term; result done";
    "ignores-term" "": "only KILL ends it and its child, in a session of its own; hangs after its first line"
        => "ignore HUP INT QUIT TERM; init; spawn setsid+ignore-term; hang";
    "no-env" "": "leaves an orphan in a session of its own without the agent's environment; result, exit 0"
        => "init; spawn double-fork+setsid+no-env; result done";
    "stopped" "": "leaves a stopped child (SIGSTOP) in a session of its own; result, exit 0"
        => "init; spawn stopped; result done";
    "stopped-agent" "": "stops itself after its first line; then hangs"
        => "init; stop-self; hang";
    "holds-stdout" "": "leaves a child, in a session of its own, that holds its stdout and stderr; result, exit 0"
        => "init; spawn setsid+holds-stdout; result done";
    "fork-storm" "300": "leaves a child that makes $1 children, 200 a second; result, exit 0"
        => "init; spawn setsid { fork-storm $1 200; hang }; result done";
    "fork-burst" "100": "leaves $1 children, made at once; result, exit 0"
        => "init; fork-burst $1; result done";
    "fork-chain" "2000": "leaves a chain of $1 processes, each of which makes the next and goes; result, exit 0"
        => "init; fork-chain $1; result done";
    "exponential" "5": "leaves two children, each of which makes two, $1 levels deep; result, exit 0"
        => "init; exponential $1; result done";
    "respawn" "3": "leaves a child that meets TERM with $1 children in sessions of their own; result, exit 0"
        => "init; spawn setsid { on TERM { repeat $1 { spawn setsid+ignore-term } }; ready; hang }; result done";
    "leak-fds" "200": "leaves a child with $1 descriptors too many, from an agent that has them too; result, exit 0"
        => "init; leak-fds $1; spawn plain; result done";
    "subreaper" "": "leaves a child, TERM-proof and its own subreaper, with an orphan below it; result, exit 0"
        => "init; spawn subreaper+ignore-term { spawn double-fork+ignore-term; ready; hang }; result done";
    "closes-all" "": "leaves a child, in a session of its own, without a single descriptor; result, exit 0"
        => "init; spawn closes-all; result done";
    "close-stdout" "": "closes its stdout and stderr after its first line and lives on; hangs"
        => "init; close-stdout; close-stderr; hang";
    "no-stdin" "": "never reads its stdin; result, exit 0"
        => "init; say I was not listening; result done";
    "gib" "1073741824": "writes $1 bytes of good lines; result, exit 0"
        => "init; flood $1; result done";
    "one-line" "104857600": "writes one line of $1 bytes that is not JSON; result, exit 0"
        => "init; longline $1; result done";
    "one-result" "104857600": "writes a result line of $1 bytes; exit 0"
        => "init; longresult $1";
    "no-newline" "104857600": "writes $1 bytes of good lines and a start of one without its end; no result, exit 0"
        => "init; flood $1; raw \\x7b\"type\":\"assistant\"";
    "after-result" "": "prints its result and lives on"
        => "init; say done; result done; hang";
    "silent" "": "never prints anything; hangs"
        => "hang";
    "kill-group" "": "kills its process group (kill -9 0) after its first line; dies of SIGKILL itself"
        => "init; kill-group; hang";
    "kill-parent" "": "kills its parent with -9 after its first line; then hangs"
        => "init; kill-parent; hang";
}

impl Member {
    pub(crate) fn named(name: &str, argument: Option<&str>) -> Result<Self> {
        let row = ZOO.iter().find(|row| row.name == name);
        let row = row.with_context(|| format!("no member '{name}'; fake-agent zoo list"))?;
        Ok(Self { steps: row.steps, argument: argument.unwrap_or(row.default).into() })
    }

    pub(crate) fn steps(&self) -> Result<Vec<String>> {
        split(&self.steps.replace("$1", &self.argument))
    }
}

/// Prints the members: name, argument and its default, how it behaves.
pub(crate) fn list() {
    for Row { name, default, tale, .. } in ZOO {
        println!("{name:14}{default:12}{}", tale.replace("$1", default));
    }
}
