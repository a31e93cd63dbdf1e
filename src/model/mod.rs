//! What refloat thinks in: the words of the design, and runs, turns and mail as they are.
//! Plain data. `state` stores it, `judge` decides over it, `record` has the wire types.

mod evidence;
mod expectation;
mod ledger;
mod mail;
mod run;
mod sight;
mod turn;
mod verdict;
mod wait;
mod words;
mod worker;

/// What a stored turn was run by.
pub use crate::runtime::Description;
pub use evidence::{Answer, Finding, Instrument, Kept, Meaning, Reason, Stored, SubjectKind};
pub use expectation::{ExpectKind, Expectation, FileSeen, Found, Fulfilment, Look, Owed, Reach, Said, Wanted};
pub use ledger::*;
pub use mail::{Mail, MailState, NewMail, Terms};
pub use run::{NewRun, Run, Standing};
pub use sight::{Observed, Sight};
pub use turn::{Again, Counters, NewTurn, PromptFrom, StallNote, Turn, WishNote, YieldNote};
pub use verdict::{Action, Ground, Rule, Skipped, VerdictWord, Why};
pub use wait::{WaitEnd, WokenBy};
pub use words::*;
pub use worker::{FoundSession, NewWorker, Pulse, TmuxSession, Worker};
