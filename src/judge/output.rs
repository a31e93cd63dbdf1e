//! What a look at a file that a monitor or an agent should write says: of the monitor, never of the work behind it.
//! Called by `probe output`; `probe result` shares what is true of any file.

use std::time::Duration;

use crate::clock::Stamp;
use crate::model::{Content, Earlier, Finding, Form, Glimpse, Meaning, NotFile, Reading, Reason, Stand};

/// The kernel stamps files by its last tick (up to 10 ms ago): what is older by less may be newer.
const TICK: Duration = Duration::from_millis(10);

/// What a file's time is held against.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Since then it has to be written, to be of this attempt.
    pub since: Option<Stamp>,
    /// Now.
    pub now: Stamp,
}

/// What is true of any file before its content counts; a file, and what was read of it, where nothing is.
pub(super) fn place<T>(glimpse: &Glimpse<T>, times: Times, missing: Meaning) -> Result<(&Stand, &T), Finding> {
    let (stand, read) = match glimpse {
        Glimpse::Absent => return Err(Finding::no(missing, Reason::NoFile)),
        Glimpse::NotFile(kind) => return Err(Finding::no(missing, not_file(*kind))),
        Glimpse::Loop => return Err(Finding::unknown(Reason::LinkLoop)),
        Glimpse::Denied => return Err(Finding::unknown(Reason::PermissionDenied)),
        Glimpse::Failed => return Err(Finding::unknown(Reason::LookFailed)),
        Glimpse::File(stand, read) => (stand, read),
    };
    match times.since {
        _ if stand.modified > times.now => Err(Finding::unknown(Reason::ClockSkew)),
        Some(since) if stand.modified.plus(TICK) < since => Err(Finding::no(missing, Reason::NotOfThisAttempt)),
        _ => Ok((stand, read)),
    }
}

const fn not_file(kind: NotFile) -> Reason {
    match kind {
        NotFile::Folder => Reason::IsFolder,
        NotFile::Fifo => Reason::IsFifo,
        NotFile::Socket => Reason::IsSocket,
        NotFile::Device => Reason::IsDevice,
    }
}

/// Whether the file is there, is what it should be, and is of this attempt; with an earlier look also whether it grows.
#[must_use]
pub fn find(glimpse: &Glimpse<Content>, earlier: Option<&Earlier>, times: Times) -> Finding {
    let (stand, content) = match place(glimpse, times, Meaning::Absent) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match content {
        Content::Denied => Finding::unknown(Reason::PermissionDenied),
        Content::Failed => Finding::unknown(Reason::LookFailed),
        Content::Empty if was_empty(earlier) => Finding::no(Meaning::Silent, Reason::MonitorSuspect),
        Content::Empty => Finding::unknown(Reason::Empty),
        Content::Read(reading) => match form(reading) {
            Ok(reason) => growth(stand, earlier).unwrap_or(Finding::yes(Meaning::Present, reason)),
            Err(finding) => finding,
        },
    }
}

fn was_empty(earlier: Option<&Earlier>) -> bool {
    matches!(earlier, Some(Earlier::File(Stand { size: 0, .. })))
}

/// Whether it can be used, and how far.
fn form(reading: &Reading) -> Result<Reason, Finding> {
    let damaged = |reason| Err(Finding::no(Meaning::Damaged, reason));
    match (reading.form, reading.restless) {
        // Half of one content and half of another is neither.
        (form, true) if form.may_be_torn() => Err(Finding::unknown(Reason::BeingWritten)),
        (Form::Good, _) => Ok(Reason::Readable),
        (Form::LastCut, _) => Ok(Reason::CutOff),
        (Form::SomeBad, _) => Ok(Reason::BadLines),
        (Form::TooLong, _) => Err(Finding::unknown(Reason::TooBig)),
        (Form::Cut, _) => Err(Finding::unknown(Reason::CutOff)),
        (Form::Other, _) => damaged(Reason::Unparsable),
        (Form::Several, _) => damaged(Reason::SeveralDocuments),
        (Form::Binary, _) => damaged(Reason::NotText),
    }
}

/// What two looks say together; one alone says nothing of growth.
fn growth(now: &Stand, earlier: Option<&Earlier>) -> Option<Finding> {
    let grows = |reason| Finding::yes(Meaning::Growing, reason);
    Some(match earlier? {
        Earlier::Absent => grows(Reason::Appeared),
        Earlier::File(before) if before.inode != now.inode => grows(Reason::Replaced),
        Earlier::File(before) if before.size < now.size => grows(Reason::Grown),
        Earlier::File(before) if before != now => grows(Reason::Rewritten),
        Earlier::File(_) => Finding::no(Meaning::Silent, Reason::Unchanged),
    })
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
