use std::ffi::OsStr;
use std::path::PathBuf;

use super::*;
use crate::model::{NewMark, mark_label};
use crate::seam::process;
use crate::state::write::work;
use crate::state::{Place, State};

const NOW: Stamp = Stamp::from_millis(1_800_000_000_000);

fn make(tx: &Tx<'_>, kind: &str, name: &str) -> Result<Mark> {
    make_for(tx, kind, name, Path::new("/"))
}

fn make_for(tx: &Tx<'_>, kind: &str, name: &str, scope: &Path) -> Result<Mark> {
    let new = NewMark {
        kind,
        name,
        scope,
        nonce: "n",
        owner: None,
        host: "",
        run: None,
        turn: None,
        bound: false,
        set_by: "operator",
        ttl: None,
        until: Some(NOW),
        data: None,
    };
    set(tx, &new, &process::moment())?;
    Ok(named(tx, kind, name, scope)?.unwrap().unwrap())
}

fn past(tx: &Tx<'_>, kind: &str, name: &str) -> Result<()> {
    let note = EndNote { at: NOW, how: MarkEnd::Cleared, why: None, by: "operator".into() };
    end(tx, &make(tx, kind, name)?, &note).map(|ended| assert!(ended))
}

/// Steps of each question, in a file with so many marks that have ended.
fn costs(ended: usize) -> Vec<(&'static str, i64)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut state = State::open_for_writing(&Place { file, hints: vec![], by_option: false }).unwrap();
    let ask = |tx: &Tx<'_>| {
        past(tx, "rare", "a")?;
        (0..ended).try_for_each(|_| past(tx, "often", "a"))?;
        let mut costs = Vec::new();
        let mut done = |what| costs.push((what, work::taken()));
        work::taken();
        make(tx, "often", "b")?;
        make(tx, HOLD, "lead")?;
        done("set");
        assert_eq!(of_kind(tx, "often", None, None)?.len() + of_kind(tx, "often", Some("b"), None)?.len(), 2);
        assert_eq!(holds(tx, "lead")?.len() + standing(tx, MarkId(0), 10)?.len(), 3);
        done("look at what stands");
        assert_eq!(super::ended(tx, None, MarkId(i64::MAX), 2)?.len(), 2);
        assert_eq!(super::ended(tx, Some("rare"), MarkId(i64::MAX), 2)?.len(), 1);
        done("look at the newest that have ended");
        end_with_turn(tx, TurnId(1), NOW)?;
        end_with_run(tx, RunId(1), NOW)?;
        done("end a turn");
        past(tx, "rare", "c")?;
        done("clear");
        Ok(costs)
    };
    state.write("ask", ask).unwrap()
}

#[test]
fn no_question_about_marks_costs_more_for_those_that_have_ended() {
    let (few, many) = (costs(10), costs(300));
    let pairs = few.iter().zip(&many).map(|((what, before), (_, after))| (what, *before, *after));
    let grown: Vec<_> = pairs.filter(|(_, before, after)| *before == 0 || *after > before + 50).collect();
    assert!(grown.is_empty(), "steps with few that have ended and with many: {grown:?}");
}

#[test]
fn a_question_about_a_folder_leaves_out_no_mark_that_covers_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut state = State::open_for_writing(&Place { file, hints: vec![], by_option: false }).unwrap();
    let folders = [&b"/"[..], b"/a", b"/a/b", b"/a/b/c", b"/a/bc", b"/\xff", b"/\xff/d", b"/\xc3\xa9", b"/e"]
        .map(|bytes| PathBuf::from(OsStr::from_bytes(bytes)));
    let set = |tx: &Tx<'_>| folders.iter().try_for_each(|scope| make_for(tx, "dispatch", "a", scope).map(drop));
    state.write("set", set).unwrap();
    let ask = |about: Option<&Path>| state.read("ask", |view| of_kind(view, "dispatch", None, about)).unwrap();
    let all = ask(None);
    assert_eq!(all.len(), folders.len());
    for folder in &folders {
        let covering = |marks: &[FoundMark]| -> Vec<_> {
            marks.iter().filter(|mark| mark_label(mark).covers(folder)).cloned().collect()
        };
        let asked = ask(Some(folder));
        assert_eq!(covering(&asked), covering(&all), "{folder:?}");
        assert!(asked.len() < all.len() || folder == Path::new("/"), "{folder:?}: nothing was left out");
    }
}
