//! Agent command-line tools described as data: how to start one, how to read its stream, what ends it.
//! Used by `turn` (start, follow, finish) and by whoever finishes a turn later. Pure: no processes, no clock
//! reads, no database; bytes are handed in.
//!
//! [`builtin`] or [`Description::from_toml`] gives a [`Description`]; [`Description::command`] the command line;
//! [`Splitter`] the lines of the stream; [`Reading`] folds them into [`Facts`], on which a judge decides.

mod catalog;
mod command;
mod description;
mod facts;
mod json;
mod lines;
mod matching;
mod reading;
mod rules;
mod shorten;
mod terminal;
#[cfg(test)]
mod tests;

pub use catalog::{Invalid, NAMES, builtin};
pub use command::Session;
pub use description::{
    Clocks, Description, LineKind, LineRule, Output, PromptBy, RefusedRule, Says, SessionBy, StopSignal, TerminalRules,
    TextRule, ToolRule, UsageRules,
};
pub use facts::{Facts, Ignored, Limit, Source, Terminal, Usage};
pub use lines::{BUFFER, Fit, Line, Splitter};
pub use matching::{AnyOf, Contains, Exists, Pointer, Test, When};
pub use reading::Reading;
