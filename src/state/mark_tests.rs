//! What the questions about marks leave out.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::*;
use crate::seam::process;
use crate::state::{Place, State};

#[test]
fn a_question_about_a_folder_leaves_out_no_mark_that_covers_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { file: folder.path().join("state.db"), hints: vec![], by_option: false };
    let mut state = State::open_for_writing(&place).unwrap();
    let folders: Vec<PathBuf> =
        [&b"/"[..], b"/a", b"/a/b", b"/a/b/c", b"/a/bc", b"/\xff", b"/\xff/d", b"/\xc3\xa9", b"/e"]
            .map(|bytes| OsStr::from_bytes(bytes).into())
            .into();
    let set = |tx: &Tx<'_>| {
        for (name, scope) in folders.iter().enumerate() {
            let new = NewMark {
                kind: "dispatch",
                name: &name.to_string(),
                scope,
                nonce: "n",
                owner: None,
                host: "",
                run: None,
                turn: None,
                bound: false,
                set_by: "me",
                ttl: Some(std::time::Duration::from_secs(1)),
                until: None,
                data: None,
            };
            super::set(tx, &new, &process::moment())?;
        }
        Ok(())
    };
    state.write("set", set).unwrap();
    let ask = |about: Option<&Path>| state.read("ask", |view| of_kind(view, "dispatch", None, about)).unwrap();
    let all = ask(None);
    assert_eq!(all.len(), folders.len());
    for folder in &folders {
        let covering =
            |marks: &[Mark]| -> Vec<Mark> { marks.iter().filter(|mark| mark.covers(folder)).cloned().collect() };
        let asked = ask(Some(folder));
        assert_eq!(covering(&asked), covering(&all), "{folder:?}");
        assert!(asked.len() < all.len() || folder == Path::new("/"), "{folder:?}: nothing was left out");
    }
}
