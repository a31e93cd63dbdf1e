//! Files that are being written while they are read: an answer is one that stood there, or it is unknown.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use refloat::bmad;
use refloat::model::{Reason, Says, StoryKey, StoryName};

use super::sprint;
use crate::contract::Home;

/// Reads of each writer: 10,000 in all.
const READS: usize = 5_000;
const READERS: usize = 50;

/// A shell that writes until it is killed.
struct Writer(Child);

impl Writer {
    fn start(folder: &Path, script: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(folder).stdin(Stdio::null());
        Self(shell.spawn().unwrap())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Two contents of each file, of different length, in which only the end differs: the beginning of one, or a mixture of both,
/// would tell a status that neither has.
fn contents(folder: &Path) {
    let stories = |status: &str, more: &str| {
        let text = "Text that goes on for a while.\n\n".repeat(80);
        format!("---\nstatus: {status}\n---\n\n# Story\n\n{text}{more}## Status: {status}\n")
    };
    std::fs::write(folder.join("s1"), stories("review", "")).unwrap();
    std::fs::write(folder.join("s2"), stories("done", "More.\n\n")).unwrap();
    let sprints = |status: &str, more: &str| {
        let other: String = (0..80).map(|number| format!("  9-{number}-x: backlog\n")).collect();
        sprint(&format!("{other}{more}  1-2-tides: {status}\n  1-3-next: blocked\n  1-4-more: drafted\n"))
    };
    std::fs::write(folder.join("y1"), sprints("review", "")).unwrap();
    std::fs::write(folder.join("y2"), sprints("done", "  8-1-x: open\n")).unwrap();
    for (from, to) in [("s1", "1-2.md"), ("y1", "sprint.yaml")] {
        std::fs::copy(folder.join(from), folder.join(to)).unwrap();
    }
}

/// How often each answer was given.
fn read(folder: &Path, may_be_silent: fn(Reason) -> bool) -> (usize, usize, usize) {
    let one = |number: usize| -> Says {
        if number.is_multiple_of(2) {
            bmad::story(&StoryName::File("1-2.md".into()), folder).reading.says
        } else {
            bmad::sprint(&StoryKey::of("1-2"), Some(Path::new("sprint.yaml")), folder).reading.says
        }
    };
    let several = |_: usize| {
        let mut count = (0, 0, 0);
        for number in 0..READS / READERS {
            match one(number) {
                Says::Status(status) if status.word == "review" => count.0 += 1,
                Says::Status(status) if status.word == "done" => count.1 += 1,
                Says::Nothing(silence) if may_be_silent(silence.reason) => count.2 += 1,
                other => panic!("{number}: {other:?}"),
            }
        }
        count
    };
    let add = |a: (usize, usize, usize), b: (usize, usize, usize)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|number| scope.spawn(move || several(number))).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).fold((0, 0, 0), add)
    })
}

/// bmad 95: written in place, as an editor or an agent's tool does it: cut to nothing, then written part by part, in bursts.
#[test]
fn a_file_that_is_written_in_place_never_tells_what_it_does_not_say() {
    let home = Home::new();
    let folder = home.path("home");
    contents(&folder);
    let part = "for n in 1 2 3 4 5; do for c in 1 2; do : >1-2.md; head -c 1500 s$c >>1-2.md; tail -c +1501 s$c >>1-2.md; \
                : >sprint.yaml; head -c 900 y$c >>sprint.yaml; tail -c +901 y$c >>sprint.yaml; done; done";
    let _writer = Writer::start(
        &folder,
        &format!("while :; do {part}; sleep 0.06; cat s1 >1-2.md; cat y1 >sprint.yaml; sleep 0.06; done"),
    );
    // On a busy machine the writer may stop between two parts for longer than a file has to be at rest. Then half a file is
    // what there is, and it says nothing; it never tells what the whole does not.
    let (review, done, writing) = read(&folder, |_| true);
    println!("in place: {review} review, {done} done, {writing} unknown");
    assert!(review > 0 && done > 0 && review + done + writing == READS, "{review} {done} {writing}");
}

/// The same by rename: every read is whole, and none is lost.
#[test]
fn a_file_that_is_replaced_always_tells_what_one_of_them_says() {
    let home = Home::new();
    let folder = home.path("home");
    contents(&folder);
    let turn = "for c in 1 2; do cp s$c new; mv new 1-2.md; cp y$c new; mv new sprint.yaml; done";
    let _writer = Writer::start(&folder, &format!("while :; do {turn}; done"));
    let (review, done, writing) = read(&folder, |reason| reason == Reason::BeingWritten);
    println!("by rename: {review} review, {done} done, {writing} unknown");
    assert!(review > 0 && done > 0 && review + done + writing == READS, "{review} {done} {writing}");
}
