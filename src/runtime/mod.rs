//! Agent command-line tools described as data: how to start one, how to read its stream, what ends it.
//! Used by `turn` (start, follow, finish) and by whoever finishes a turn later. Pure: no processes, no clock
//! reads, no database; bytes are handed in.
//!
//! [`builtin`] or [`Description::from_toml`] gives a [`Description`]; [`Description::command`] the command line;
//! [`Splitter`] the lines of the stream; [`Reading`] folds them into [`Facts`], on which a judge decides.

mod catalog;
mod command;
mod contradiction;
mod description;
mod end;
mod facts;
mod json;
mod lines;
mod matching;
mod own;
mod reading;
mod rules;
mod shorten;
mod terminal;
#[cfg(test)]
mod tests;
mod times;

pub use catalog::{Invalid, NAMES, builtin};
pub use command::Session;
pub use description::{
    Clocks, Description, ExitCodes, LineKind, LineRule, Output, PromptBy, Refused, RefusedRule, Says, SessionBy,
    StopSignal, TerminalRules, TextRule, ToolRule, UsageRules, Verdict,
};
pub use facts::{Facts, Ignored, Limit, Source, Terminal, Usage};
pub use lines::{BUFFER, Fit, Line, Splitter};
pub use matching::{AnyOf, Contains, Exists, Pointer, Test, When};
pub use own::{Mistake, own};
pub use reading::Reading;
