//! What a result file says of the work: done, not done, failed, or nothing that can be understood.
//! Called by `probe result`. The words of a status are those that `--expect result:` goes by.

use super::output::{Times, place};
use super::owed::{Word, word};
use crate::model::{Claim, Finding, Glimpse, Lack, Meaning, Reason, Unsaid};

/// Whether the work is done by its result.
#[must_use]
pub fn find(glimpse: &Glimpse<Claim>, times: Times) -> Finding {
    match place(glimpse, times, Meaning::NotDone) {
        Ok((_, claim)) => said(claim),
        Err(finding) => finding,
    }
}

fn said(claim: &Claim) -> Finding {
    match claim {
        Claim::Denied => Finding::unknown(Reason::PermissionDenied),
        Claim::Failed => Finding::unknown(Reason::LookFailed),
        Claim::TooLong => Finding::unknown(Reason::TooBig),
        Claim::Restless => Finding::unknown(Reason::BeingWritten),
        Claim::Nothing(why) => Finding::unknown(unsaid(*why)),
        // As good as none: it is the result of something else.
        Claim::Without(_, Lack::Other) => Finding::no(Meaning::NotDone, Reason::OtherValue),
        // A failure owes nothing more.
        Claim::Without(status, Lack::Missing) if word(status) == Word::Bad => ended(status),
        Claim::Without(_, Lack::Missing) => Finding::unknown(Reason::MissingKey),
        Claim::Status(status) => ended(status),
    }
}

fn ended(status: &str) -> Finding {
    match word(status) {
        Word::Good => Finding::yes(Meaning::Done, Reason::StatusDone),
        Word::Bad => Finding::no(Meaning::Failed, Reason::StatusFailed),
        Word::Neither => Finding::unknown(Reason::StatusUnclear),
    }
}

const fn unsaid(why: Unsaid) -> Reason {
    match why {
        Unsaid::Empty => Reason::Empty,
        Unsaid::CutOff => Reason::CutOff,
        Unsaid::Several => Reason::SeveralDocuments,
        Unsaid::NotJson => Reason::Unparsable,
        Unsaid::NotAnObject => Reason::NotAnObject,
        Unsaid::StatusNotText => Reason::StatusUnclear,
        Unsaid::NoStatus => Reason::NoStatus,
    }
}

#[cfg(test)]
#[path = "result_tests.rs"]
mod tests;
