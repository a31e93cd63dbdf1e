//! Supervisor and shim are killed at their system calls that touch the outside, one by one, and their writes fail
//! with a full or a broken disk. After each the state is whole, the agent's next turn works, and nobody is left.
//! `REFLOAT_EVERY=1` visits every point; without it a sample is taken that fits into a minute.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it saw")]

mod cleanups;
mod disk;
mod full;
mod ledger;
mod mail;
mod marks;
mod passes;
mod reconcile;
mod shim;
mod supervisor;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::scene::{Stage, Witness};
use crate::support::can_trace;

/// System calls that touch the outside.
const CALLS: &str = "mkdir,openat,flock,fcntl,pread64,pwrite64,write,sendto,read,recvfrom,ftruncate,fsync,fdatasync,\
    mmap,munmap,rename,unlink,rmdir,close,statx,newfstatat,lseek,dup,dup3,fchmod,prctl,setsid,pipe2,socketpair,clone,\
    clone3,vfork,pidfd_open,pidfd_send_signal,kill,wait4,waitid,poll,ppoll,inotify_init1,inotify_add_watch,\
    signalfd4,rt_sigprocmask,getdents64,accept4,execve,statfs,faccessat2";

/// strace with what all uses share. `what` are its options.
fn strace(stage: &Stage, log: &Path, what: &[&str]) -> Command {
    let mut command = stage.command("strace");
    command.args(["-qq", "-o"]).arg(log).args(what);
    command
}

/// The calls in a log of strace and how often each was made, in the order of the first.
fn calls(log: &Path) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(log).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ');
        if let Some((name, _)) = line.split_once('(')
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts.into_iter().collect()
}

/// All points of a campaign, or a sample of about `sample`: steps that meet every call sooner or later.
fn points(calls: &[(String, usize)], sample: usize) -> Vec<(String, usize)> {
    let all: Vec<(String, usize)> =
        calls.iter().flat_map(|(name, count)| (1..=*count).map(|number| (name.clone(), number))).collect();
    let every = std::env::var("REFLOAT_EVERY").ok().and_then(|text| text.parse().ok());
    let every = every.unwrap_or_else(|| all.len().div_ceil(sample).max(1));
    all.into_iter().step_by(every).collect()
}

/// A tree that outlives its agent unless it is ended, and holds the witness; and a mark that ends with the turn.
fn script(stage: &Stage) -> Vec<String> {
    let mark = format!("run {} set dispatch here --ttl 9h >&2", env!("CARGO_BIN_EXE_mark"));
    vec![format!("fifo {}", stage.word("witness")), "spawn setsid+ignore-term".into(), mark, "exit 0".into()]
}

/// What must hold after any death: the next turn works and leaves nobody, and the record is one.
fn survives(stage: &Stage, witness: &mut Witness, point: &str) -> Vec<Value> {
    let told = stage.settle("a");
    assert!(witness.everyone_gone(), "{point}: something of the tree lives on");
    stage.assert_whole();
    told
}

/// The outcomes that a campaign has met.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    /// Counts how the turn before the last one ended.
    fn count(&mut self, stage: &Stage) {
        let outcomes = stage.texts("SELECT outcome FROM turn ORDER BY id DESC LIMIT 1 OFFSET 1");
        *self.0.entry(outcomes.first().cloned().unwrap_or_else(|| "no turn".into())).or_default() += 1;
    }
}

/// A command behind strace.
fn traced(stage: &Stage, log: &str, inject: &[&str], traced: &Command, input: Option<&str>) -> Command {
    let mut command = strace(stage, &stage.path(log), inject);
    command.arg(traced.get_program()).args(traced.get_args());
    if let Some(name) = input {
        command.stdin(std::fs::File::open(stage.path(name)).unwrap());
    }
    command
}

/// Kills a command at a sample of its calls, each time on what `prepare` has made; `after` looks at what is left.
fn campaign(
    what: &str,
    stage: &Stage,
    command: &dyn Fn(&[&str]) -> Command,
    mut prepare: impl FnMut() -> Vec<String>,
    input: Option<&str>,
    mut after: impl FnMut(&Output, &str),
) {
    let trace = format!("trace={CALLS}");
    let mut next = || {
        let words = prepare();
        command(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let whole = traced(stage, "log", &["-e", &trace], &next(), input).output().unwrap();
    assert!(whole.status.success(), "{what}: {whole:?}");
    after(&whole, "unharmed");
    let (mut hit, points) = (0, points(&calls(&stage.path("log")), 40));
    for (name, number) in &points {
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let inject = ["-e", &format!("trace={name}"), "-e", &inject];
        let killed = traced(stage, "none", &inject, &next(), input).output().unwrap();
        hit += usize::from(killed.status.signal() == Some(9));
        assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"], "{what} at {name} {number}");
        after(&killed, &format!("{what} at {name} {number}"));
    }
    println!("{what}: killed at {hit} of {} points", points.len());
    assert!(hit * 10 > points.len() * 8, "{what}: {hit} of {}", points.len());
}
