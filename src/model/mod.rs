//! What refloat thinks in: the words of the design, and runs, turns and mail as they are.
//! Plain data. `state` stores it, `judge` decides over it, `record` has the wire types.

mod evidence;
mod expectation;
mod glimpse;
mod health;
mod key;
mod ledger;
mod lock;
mod mail;
mod mark;
mod marker;
mod reason;
mod run;
mod sight;
mod status;
mod truth;
mod turn;
mod verdict;
mod wait;
mod wanted;
mod words;
mod worker;

/// What a stored turn was run by.
pub use crate::runtime::Description;
pub use evidence::{Answer, Finding, Instrument, Kept, Meaning, Stored, SubjectKind};
pub use expectation::{ExpectKind, Expectation, FileSeen, Found, Fulfilment, Look, Milestone, Owed, Reach, Said};
pub use glimpse::*;
pub use health::{Health, StateCheck, StateFolder, StateHeader};
pub use key::{Pick, StoryKey, StoryName};
pub use ledger::*;
pub use lock::{Holder, HolderBy, LockFamily, LockKind, LockLook, LockMode, Role};
pub use mail::{Mail, MailState, NewMail, Terms};
pub use mark::{
    BREADCRUMB, EVERYBODY, EndNote, FoundMark, HOLD, Mark, MarkEnd, MarkLabel, MarkState, NewMark, Taken, UnreadMark,
    mark_label,
};
pub use marker::{Entry, Held, InFile, Marker, MarkerForm, Told, Unfit};
pub use reason::Reason;
pub use run::{NewRun, Run, Standing};
pub use sight::{Observed, Sight};
pub use status::{shown, typed_status};
pub use truth::*;
pub use turn::{Again, Counters, Limits, NewTurn, PromptFrom, StallNote, Turn, WishNote, YieldNote};
pub use verdict::{Action, Ground, Rule, Skipped, VerdictWord, Why};
pub use wait::{Awaited, WaitEnd, WokenBy};
pub use wanted::Wanted;
pub use words::*;
pub use worker::{FoundSession, NewWorker, Pulse, TmuxSession, Worker};
