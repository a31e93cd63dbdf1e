//! Prints evidence as it is found, and answers with the exit code where that was asked for.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::model::Answer;
use refloat::record::evidence::Here;
use refloat::record::{Evidence, Judgement, ProbeEnded};
use refloat::seam::process;

use crate::args::Asked;
use crate::whose::{Bearing, Whose};

/// Tells what is found, one record after the other.
pub(crate) struct Teller<'c> {
    cx: &'c mut Context,
    asked: Asked,
    here: Here,
    bearing: Option<Bearing>,
    count: ProbeEnded,
    /// What the exit code answers.
    answers: ProbeEnded,
    malformed: bool,
}

impl<'c> Teller<'c> {
    pub(crate) fn new(cx: &'c mut Context, asked: Asked) -> Self {
        let (here, none) = (Here::from(&process::me()), ProbeEnded::default());
        Self { cx, asked, here, bearing: None, count: none, answers: none, malformed: false }
    }

    /// The same for what bears on one run.
    pub(crate) fn of(cx: &'c mut Context, asked: Asked, whose: &Whose) -> Result<Self> {
        let bearing = whose.find(cx)?;
        Ok(Self { bearing, ..Self::new(cx, asked) })
    }

    /// When the attempt that it bears on began.
    pub(crate) fn began(&self) -> Option<Stamp> {
        self.bearing.and_then(|bearing| bearing.began)
    }

    /// Where it is observed.
    pub(crate) const fn here(&self) -> &Here {
        &self.here
    }

    /// A look that is an answer by itself.
    pub(crate) fn tell(&mut self, evidence: &Evidence) -> Result<()> {
        self.answer(evidence.finding);
        self.mention(evidence)
    }

    /// A look that an answer rests on.
    pub(crate) fn mention(&mut self, evidence: &Evidence) -> Result<()> {
        self.count.evidence += 1;
        count(&mut self.count, evidence.finding);
        match &self.bearing {
            Some(bearing) => self.cx.out.emit_at(&bearing.name(evidence.clone()), evidence.observed_at),
            None => self.cx.out.emit_at(evidence, evidence.observed_at),
        }
    }

    /// An answer that rests on more than one look.
    pub(crate) fn answer(&mut self, answer: Answer) {
        self.answers.evidence += 1;
        count(&mut self.answers, answer);
    }

    /// What follows from the looks.
    pub(crate) fn conclude(&mut self, judgement: &Judgement) -> Result<()> {
        self.cx.out.emit(judgement)
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
        match self.answers {
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

const fn count(of: &mut ProbeEnded, answer: Answer) {
    match answer {
        Answer::Yes => of.yes += 1,
        Answer::No => of.no += 1,
        Answer::Unknown => of.unknown += 1,
    }
}
