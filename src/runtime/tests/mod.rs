//! Tests of the room as a whole: the captures, the traps, the speed.

mod captures;
mod page;
mod programs;
mod speed;
mod traps;

use std::io::Read;
use std::time::Duration;

use super::{Facts, LineKind, Reading, Splitter, builtin};
use crate::clock::Tick;

/// A reading of a compiled-in runtime.
fn reading(runtime: &str) -> Reading {
    Reading::new(builtin(runtime).unwrap().unwrap())
}

/// Reads a whole stream, the n-th line at n seconds, and says what each line was.
fn read_all(reading: &mut Reading, mut stream: impl Read) -> Vec<LineKind> {
    let mut splitter = Splitter::new(0);
    let mut kinds = Vec::new();
    let mut take = |reading: &mut Reading, line: &super::Line<'_>| {
        let now = Tick::from_boot(Duration::from_secs(kinds.len() as u64 + 1));
        kinds.push(reading.line(line, now));
    };
    while splitter.fill(&mut stream).unwrap() > 0 {
        while let Some(line) = splitter.next_line() {
            take(reading, &line);
        }
    }
    if let Some(line) = splitter.finish() {
        take(reading, &line);
    }
    kinds
}

/// The facts of a whole stream.
fn facts_of(runtime: &str, stream: &[u8]) -> Facts {
    let mut reading = reading(runtime);
    read_all(&mut reading, stream);
    reading.facts().clone()
}
