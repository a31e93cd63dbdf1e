use super::*;
use crate::model::ContentKind;

const NOW: Stamp = Stamp::from_millis(1_000_000);
const ANY: Times = Times { since: None, now: NOW };

fn stand(size: u64) -> Stand {
    Stand { size, modified: Stamp::from_millis(900_000), inode: "1:2".into() }
}

fn reading(form: Form, restless: bool) -> Content {
    let kind = ContentKind::Jsonl;
    Content::Read(Reading { kind, form, records: None, bad_lines: 0, columns: None, last_line_whole: true, restless })
}

fn good() -> Glimpse<Content> {
    Glimpse::File(stand(9), reading(Form::Good, false))
}

fn earlier() -> Vec<Option<Earlier>> {
    let file = |stand| Some(Earlier::File(stand));
    let touched = Stand { modified: Stamp::from_millis(800_000), ..stand(9) };
    let other = Stand { inode: "1:3".into(), ..stand(9) };
    vec![
        None,
        Some(Earlier::Absent),
        file(stand(0)),
        file(stand(8)),
        file(stand(9)),
        file(stand(10)),
        file(touched),
        file(other),
    ]
}

#[test]
fn what_is_no_file_has_its_own_reason_whatever_was_there_before() {
    let no = |reason| Finding::no(Meaning::Absent, reason);
    let rows = [
        (Glimpse::Absent, no(Reason::NoFile)),
        (Glimpse::NotFile(NotFile::Folder), no(Reason::IsFolder)),
        (Glimpse::NotFile(NotFile::Fifo), no(Reason::IsFifo)),
        (Glimpse::NotFile(NotFile::Socket), no(Reason::IsSocket)),
        (Glimpse::NotFile(NotFile::Device), no(Reason::IsDevice)),
        (Glimpse::Loop, Finding::unknown(Reason::LinkLoop)),
        (Glimpse::Denied, Finding::unknown(Reason::PermissionDenied)),
        (Glimpse::Failed, Finding::unknown(Reason::LookFailed)),
        (Glimpse::File(stand(9), Content::Denied), Finding::unknown(Reason::PermissionDenied)),
        (Glimpse::File(stand(9), Content::Failed), Finding::unknown(Reason::LookFailed)),
    ];
    for (glimpse, wanted) in rows {
        for before in earlier() {
            assert_eq!(find(&glimpse, before.as_ref(), ANY), wanted, "{glimpse:?} {before:?}");
        }
    }
}

#[test]
fn a_file_of_another_attempt_or_of_the_future_counts_for_nothing() {
    let at = |modified| Stand { modified: Stamp::from_millis(modified), ..stand(9) };
    let old = Finding::no(Meaning::Absent, Reason::NotOfThisAttempt);
    let here = Finding::yes(Meaning::Present, Reason::Readable);
    let skew = Finding::unknown(Reason::ClockSkew);
    let since = |since| Times { since: Some(Stamp::from_millis(since)), now: NOW };
    let rows = [
        (900_000, ANY, here),
        (1_000_000, ANY, here),
        (1_000_001, ANY, skew),
        (900_000, since(899_999), here),
        (900_000, since(900_000), here),
        // Written within the kernel's last tick.
        (900_000, since(900_010), here),
        (900_000, since(900_011), old),
        (900_000, since(2_000_000), old),
        (1_000_001, since(2_000_000), skew),
    ];
    for (modified, times, wanted) in rows {
        let glimpse = Glimpse::File(at(modified), reading(Form::Good, false));
        assert_eq!(find(&glimpse, None, times), wanted, "{modified} {times:?}");
    }
    for content in [Content::Empty, Content::Denied, reading(Form::Binary, false)] {
        let glimpse = Glimpse::File(stand(9), content);
        assert_eq!(find(&glimpse, Some(&Earlier::Absent), since(950_000)), old, "{glimpse:?}");
    }
}

#[test]
fn nothing_in_it_once_is_unknown_and_twice_is_the_monitors_silence() {
    let suspect = Finding::no(Meaning::Silent, Reason::MonitorSuspect);
    let empty = Glimpse::File(stand(0), Content::Empty);
    for before in earlier() {
        let wanted = match &before {
            Some(Earlier::File(Stand { size: 0, .. })) => suspect,
            _ => Finding::unknown(Reason::Empty),
        };
        assert_eq!(find(&empty, before.as_ref(), ANY), wanted, "{before:?}");
    }
}

#[test]
fn the_table_of_forms() {
    let damaged = |reason| Finding::no(Meaning::Damaged, reason);
    let present = |reason| Finding::yes(Meaning::Present, reason);
    let writing = Finding::unknown(Reason::BeingWritten);
    let rows = [
        (Form::Good, present(Reason::Readable), present(Reason::Readable)),
        (Form::LastCut, present(Reason::CutOff), present(Reason::CutOff)),
        (Form::SomeBad, present(Reason::BadLines), present(Reason::BadLines)),
        (Form::TooLong, Finding::unknown(Reason::TooBig), Finding::unknown(Reason::TooBig)),
        (Form::Cut, Finding::unknown(Reason::CutOff), writing),
        (Form::Other, damaged(Reason::Unparsable), writing),
        (Form::Several, damaged(Reason::SeveralDocuments), writing),
        (Form::Binary, damaged(Reason::NotText), writing),
    ];
    assert_eq!(rows.len(), Form::ALL.len());
    for (form, still, restless) in rows {
        for (is_restless, wanted) in [(false, still), (true, restless)] {
            let glimpse = Glimpse::File(stand(9), reading(form, is_restless));
            assert_eq!(find(&glimpse, None, ANY), wanted, "{form} {is_restless}");
            // What cannot be used does not come alive by growing.
            if wanted.answer != crate::model::Answer::Yes {
                for before in earlier() {
                    assert_eq!(find(&glimpse, before.as_ref(), ANY), wanted, "{form} {before:?}");
                }
            }
        }
    }
}

#[test]
fn the_table_of_two_looks() {
    let growing = |reason| Finding::yes(Meaning::Growing, reason);
    let wanted = [
        Finding::yes(Meaning::Present, Reason::Readable),
        growing(Reason::Appeared),
        growing(Reason::Grown),
        growing(Reason::Grown),
        Finding::no(Meaning::Silent, Reason::Unchanged),
        growing(Reason::Rewritten),
        growing(Reason::Rewritten),
        growing(Reason::Replaced),
    ];
    for (before, wanted) in earlier().into_iter().zip(wanted) {
        assert_eq!(find(&good(), before.as_ref(), ANY), wanted, "{before:?}");
        let cut = Glimpse::File(stand(9), reading(Form::LastCut, true));
        let one = before.is_none().then(|| Finding::yes(Meaning::Present, Reason::CutOff));
        assert_eq!(find(&cut, before.as_ref(), ANY), one.unwrap_or(wanted), "{before:?}");
    }
}
