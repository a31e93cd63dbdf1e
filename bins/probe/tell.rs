//! Prints evidence as it is found, and answers with the exit code where that was asked for.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::model::Answer;
use refloat::record::evidence::Here;
use refloat::record::{Evidence, ProbeEnded};
use refloat::seam::process;

use crate::args::Asked;

/// Tells what is found, one record after the other.
pub(crate) struct Teller<'c> {
    cx: &'c mut Context,
    asked: Asked,
    here: Here,
    count: ProbeEnded,
    malformed: bool,
}

impl<'c> Teller<'c> {
    pub(crate) fn new(cx: &'c mut Context, asked: Asked) -> Self {
        let (here, count) = (Here::from(&process::me()), ProbeEnded::default());
        Self { cx, asked, here, count, malformed: false }
    }

    /// Where it is observed.
    pub(crate) const fn here(&self) -> &Here {
        &self.here
    }

    pub(crate) fn tell(&mut self, evidence: &Evidence) -> Result<()> {
        self.count.evidence += 1;
        match evidence.finding {
            Answer::Yes => self.count.yes += 1,
            Answer::No => self.count.no += 1,
            Answer::Unknown => self.count.unknown += 1,
        }
        self.cx.out.emit_at(evidence, evidence.observed_at)
    }

    /// A line of standard input that names no subject: nothing is looked at for it, and the end says so.
    pub(crate) fn refuse(&mut self, line: u64, why: &str) {
        self.malformed = true;
        self.cx.say(format_args!("stdin:{line}: {why}"));
    }

    /// Whether anybody still reads what is told.
    pub(crate) const fn is_heard(&self) -> bool {
        !self.cx.out.is_closed()
    }

    /// The end of a look at one subject.
    pub(crate) fn end(self) -> Exit {
        match self.count {
            _ if self.malformed => Exit::Malformed,
            _ if !self.asked.exit_code => Exit::Done,
            // Of nothing that was looked at nothing is known.
            ProbeEnded { unknown: 1.., .. } | ProbeEnded { evidence: 0, .. } => Exit::Unknown,
            ProbeEnded { no: 1.., .. } => Exit::No,
            _ => Exit::Done,
        }
    }

    /// The end of a look at several subjects: a reader can tell it from a stream that was cut off.
    pub(crate) fn end_of_several(self) -> Result<Exit> {
        self.cx.out.emit(&self.count)?;
        Ok(self.end())
    }
}
