use super::*;
use crate::clock::Stamp;
use crate::judge::owed::{BAD, GOOD};
use crate::model::{NotFile, Stand};

const TIMES: Times = Times { since: None, now: Stamp::from_millis(1_000_000) };

fn of(claim: Claim) -> Glimpse<Claim> {
    Glimpse::File(Stand { size: 1, modified: Stamp::from_millis(900_000), inode: "1:2".into() }, claim)
}

#[test]
fn no_file_is_not_done_and_one_that_cannot_be_looked_at_is_unknown() {
    let not_done = |reason| Finding::no(Meaning::NotDone, reason);
    let rows = [
        (Glimpse::Absent, not_done(Reason::NoFile)),
        (Glimpse::NotFile(NotFile::Folder), not_done(Reason::IsFolder)),
        (Glimpse::NotFile(NotFile::Fifo), not_done(Reason::IsFifo)),
        (Glimpse::NotFile(NotFile::Socket), not_done(Reason::IsSocket)),
        (Glimpse::NotFile(NotFile::Device), not_done(Reason::IsDevice)),
        (Glimpse::Loop, Finding::unknown(Reason::LinkLoop)),
        (Glimpse::Denied, Finding::unknown(Reason::PermissionDenied)),
        (Glimpse::Failed, Finding::unknown(Reason::LookFailed)),
    ];
    for (glimpse, wanted) in rows {
        assert_eq!(find(&glimpse, TIMES), wanted, "{glimpse:?}");
    }
    let done = of(Claim::Status("done".into()));
    let since = |millis| Times { since: Some(Stamp::from_millis(millis)), ..TIMES };
    assert_eq!(find(&done, since(950_000)), not_done(Reason::NotOfThisAttempt));
    assert_eq!(find(&done, since(900_000)), Finding::yes(Meaning::Done, Reason::StatusDone));
    let early = Times { since: None, now: Stamp::from_millis(899_999) };
    assert_eq!(find(&done, early), Finding::unknown(Reason::ClockSkew));
}

#[test]
fn the_table_of_claims() {
    let unknown = Finding::unknown;
    let failed = Finding::no(Meaning::Failed, Reason::StatusFailed);
    let rows = [
        (Claim::Denied, unknown(Reason::PermissionDenied)),
        (Claim::Failed, unknown(Reason::LookFailed)),
        (Claim::TooLong, unknown(Reason::TooBig)),
        (Claim::Restless, unknown(Reason::BeingWritten)),
        (Claim::Nothing(Unsaid::Empty), unknown(Reason::Empty)),
        (Claim::Nothing(Unsaid::CutOff), unknown(Reason::CutOff)),
        (Claim::Nothing(Unsaid::Several), unknown(Reason::SeveralDocuments)),
        (Claim::Nothing(Unsaid::NotJson), unknown(Reason::Unparsable)),
        (Claim::Nothing(Unsaid::NotAnObject), unknown(Reason::NotAnObject)),
        (Claim::Nothing(Unsaid::StatusNotText), unknown(Reason::StatusUnclear)),
        (Claim::Nothing(Unsaid::NoStatus), unknown(Reason::NoStatus)),
        (Claim::Status("Done".into()), Finding::yes(Meaning::Done, Reason::StatusDone)),
        (Claim::Status("timed out".into()), failed),
        (Claim::Status("running".into()), unknown(Reason::StatusUnclear)),
        (Claim::Status(String::new()), unknown(Reason::StatusUnclear)),
        (Claim::Without("done".into(), Lack::Missing), unknown(Reason::MissingKey)),
        (Claim::Without("running".into(), Lack::Missing), unknown(Reason::MissingKey)),
        (Claim::Without("failed".into(), Lack::Missing), failed),
        (Claim::Without("done".into(), Lack::Other), Finding::no(Meaning::NotDone, Reason::OtherValue)),
        (Claim::Without("failed".into(), Lack::Other), Finding::no(Meaning::NotDone, Reason::OtherValue)),
    ];
    for (claim, wanted) in rows {
        assert_eq!(find(&of(claim.clone()), TIMES), wanted, "{claim:?}");
    }
    for why in Unsaid::ALL {
        let found = find(&of(Claim::Nothing(*why)), TIMES);
        assert_eq!(found.answer, crate::model::Answer::Unknown, "{why}");
    }
    for (words, meaning) in [(GOOD, Meaning::Done), (BAD, Meaning::Failed)] {
        for word in words {
            assert_eq!(find(&of(Claim::Status((*word).to_owned())), TIMES).meaning, meaning, "{word}");
        }
    }
}
