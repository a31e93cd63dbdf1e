//! The steps of a script, parsed before the first of them runs, so that a typing error is not half a play.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::offspring::Kind;
use crate::script::{block, unescape};
use crate::signals::named;
use crate::stream::{Bulk, Flood};
use crate::zoo::Member;

/// One step. The words of the script language stand in `Step::parse`, their meaning in `README.md`.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Line(String),
    Raw(Vec<u8>),
    Err(String),
    Init(Option<String>),
    Say(String),
    Result { text: String, is_error: bool },
    Flood(Flood),
    Long(Bulk, usize),
    Replay { prefix: PathBuf, speed: f64 },
    ReplayLate { prefix: PathBuf, speed: f64, parent: i32 },
    Sleep(Duration),
    Exit(i32),
    Die(Signal),
    Hang,
    Ignore(Vec<Signal>),
    Default(Vec<Signal>),
    On(Signal, Vec<Step>),
    Repeat(usize, Vec<Step>),
    StopSelf,
    CloseStdin,
    CloseStdout,
    CloseStderr,
    CloseAll,
    WaitFile(PathBuf),
    Touch(PathBuf),
    Write(PathBuf, String),
    Append(PathBuf, String),
    Record(Note, PathBuf),
    ReadStdin,
    ReadLine,
    Hold(PathBuf),
    Fifo(PathBuf),
    LeakFds(usize),
    Setenv(String, String),
    Chdir(PathBuf),
    Run(String),
    Exec(String),
    Setsid,
    Setpgid,
    Subreaper,
    Ready,
    Spawn { kinds: Vec<Kind>, steps: Vec<String> },
    ForkBurst(usize),
    ForkStorm { count: usize, per_second: u32 },
    ForkChain(usize),
    ForkLink(usize),
    Exponential(u32),
    KillGroup,
    KillParent,
    Zoo(Member),
}

/// What a process can note down about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    Pid,
    Args,
    Env,
    Stdin,
    Fds,
    Signals,
}

impl Step {
    /// The steps of these texts.
    pub(crate) fn parse_all(texts: &[String]) -> Result<Vec<Self>> {
        texts.iter().map(|text| Self::parse(text).with_context(|| format!("step '{text}'"))).collect()
    }

    fn parse(text: &str) -> Result<Self> {
        let text = text.trim_start();
        let (word, rest) = text.split_once([' ', '\t', '\n']).unwrap_or((text, ""));
        let args = Args(rest);
        Ok(match word {
            "line" => Self::Line(rest.into()),
            "raw" => Self::Raw(unescape(rest)?),
            "err" => Self::Err(rest.into()),
            "init" => Self::Init(args.optional(0)?),
            "say" => Self::Say(rest.into()),
            "result" => Self::Result { text: rest.into(), is_error: false },
            "result-error" => Self::Result { text: rest.into(), is_error: true },
            "flood" => Self::Flood(Flood {
                bytes: args.at(0)?,
                line: args.or(1, 8192)?,
                write: args.or::<usize>(2, 65536)?.max(1),
            }),
            "longline" => Self::Long(Bulk::Plain, args.at(0)?),
            "longsay" => Self::Long(Bulk::Assistant, args.at(0)?),
            "longresult" => Self::Long(Bulk::Result, args.at(0)?),
            "replay" => Self::Replay { prefix: args.at(0)?, speed: args.or(1, 0.0)? },
            "replay-late" => Self::ReplayLate { prefix: args.at(0)?, speed: args.at(1)?, parent: args.at(2)? },
            "sleep" => Self::Sleep(Duration::from_millis(args.at(0)?)),
            "exit" => Self::Exit(args.or(0, 0)?),
            "die" => Self::Die(named(rest.trim())?),
            "hang" => Self::Hang,
            "ignore" => Self::Ignore(args.signals()?),
            "default" => Self::Default(args.signals()?),
            "on" => {
                let (signal, steps) = args.head()?;
                Self::On(named(signal)?, Self::parse_all(&block(steps)?)?)
            }
            "repeat" => {
                let (times, steps) = args.head()?;
                Self::Repeat(times.parse().context("a number of times")?, Self::parse_all(&block(steps)?)?)
            }
            "stop-self" => Self::StopSelf,
            "close-stdin" => Self::CloseStdin,
            "close-stdout" => Self::CloseStdout,
            "close-stderr" => Self::CloseStderr,
            "close-all" => Self::CloseAll,
            "wait-file" => Self::WaitFile(args.at(0)?),
            "touch" => Self::Touch(args.at(0)?),
            "write" => args.file_and_text(Self::Write)?,
            "append" => args.file_and_text(Self::Append)?,
            "pid" => Self::Record(Note::Pid, args.at(0)?),
            "record-args" => Self::Record(Note::Args, args.at(0)?),
            "record-env" => Self::Record(Note::Env, args.at(0)?),
            "record-stdin" => Self::Record(Note::Stdin, args.at(0)?),
            "record-fds" => Self::Record(Note::Fds, args.at(0)?),
            "record-signals" => Self::Record(Note::Signals, args.at(0)?),
            "read-stdin" => Self::ReadStdin,
            "read-line" => Self::ReadLine,
            "hold" => Self::Hold(args.at(0)?),
            "fifo" => Self::Fifo(args.at(0)?),
            "leak-fds" => Self::LeakFds(args.or(0, 200)?),
            "setenv" => {
                let (name, value) = args.head().unwrap_or((rest, ""));
                Self::Setenv(name.into(), value.into())
            }
            "cd" => Self::Chdir(args.at(0)?),
            "run" => Self::Run(rest.into()),
            "exec" => Self::Exec(rest.into()),
            "setsid" => Self::Setsid,
            "setpgid" => Self::Setpgid,
            "subreaper" => Self::Subreaper,
            "ready" => Self::Ready,
            "spawn" => args.spawn()?,
            "fork-burst" => Self::ForkBurst(args.upto(0, 100, 2000)?),
            "fork-storm" => {
                Self::ForkStorm { count: args.upto(0, 300, 2000)?, per_second: args.or::<u32>(1, 200)?.max(1) }
            }
            "fork-chain" => Self::ForkChain(args.upto(0, 1000, 100_000)?),
            "fork-link" => Self::ForkLink(args.upto(0, 0, 100_000)?),
            "exponential" => Self::Exponential(args.upto(0, 5, 10)?),
            "kill-group" => Self::KillGroup,
            "kill-parent" => Self::KillParent,
            "zoo" => Self::Zoo(args.zoo()?),
            _ => bail!("no such step; --help lists them"),
        })
    }
}

/// What follows the word of a step.
struct Args<'a>(&'a str);

impl<'a> Args<'a> {
    fn optional<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&self, index: usize) -> Result<Option<T>> {
        let word = self.0.split_whitespace().nth(index);
        word.map(|word| word.parse().with_context(|| format!("'{word}'"))).transpose()
    }

    fn or<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&self, index: usize, default: T) -> Result<T> {
        Ok(self.optional(index)?.unwrap_or(default))
    }

    fn at<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&self, index: usize) -> Result<T> {
        self.optional(index)?.with_context(|| format!("argument {} is missing", index + 1))
    }

    /// A number with a cap: no script may ask for more processes than a machine can take.
    fn upto<T>(&self, index: usize, default: T, most: T) -> Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static> + PartialOrd + std::fmt::Display,
    {
        let number = self.or(index, default)?;
        if number > most { bail!("{number} is more than {most}") } else { Ok(number) }
    }

    /// The first word, and the text after it.
    fn head(&self) -> Result<(&'a str, &'a str)> {
        self.0.trim_start().split_once([' ', '\t', '\n']).context("something is missing after the first word")
    }

    fn file_and_text(&self, step: fn(PathBuf, String) -> Step) -> Result<Step> {
        let (file, text) = self.head()?;
        Ok(step(file.into(), text.into()))
    }

    fn signals(&self) -> Result<Vec<Signal>> {
        self.0.split_whitespace().map(named).collect()
    }

    fn spawn(&self) -> Result<Step> {
        let (kinds, steps) = match self.0.split_once('{') {
            Some((kinds, _)) => (kinds, block(self.0.get(kinds.len()..).unwrap_or_default())?),
            None => (self.0, vec!["hang".into()]),
        };
        Step::parse_all(&steps)?;
        let kinds: Result<Vec<Kind>> = kinds.trim().split('+').map(Kind::named).collect();
        Ok(Step::Spawn { kinds: kinds?, steps })
    }

    fn zoo(&self) -> Result<Member> {
        let mut words = self.0.split_whitespace();
        let name = words.next().context("which member? fake-agent zoo list")?;
        Member::named(name, words.next())
    }
}
