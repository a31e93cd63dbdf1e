//! Where the state file is, as a table of surroundings.

use super::*;

fn around(folder: &Path) -> Surroundings {
    Surroundings {
        folder: Some(folder.to_owned()),
        home: Some("/home/a".into()),
        euid: rustix::process::geteuid().as_raw(),
        ..Surroundings::default()
    }
}

fn file(flag: Option<&str>, around: &Surroundings) -> PathBuf {
    Place::resolve(flag.map(Path::new), around).unwrap().file
}

/// What one row sets; the empty text stands for a variable that is set and empty.
struct Row(Option<&'static str>, [Option<&'static str>; 4], &'static str);

#[test]
fn the_first_of_the_places_that_is_set_counts() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    std::fs::create_dir(base.join("here")).unwrap();
    std::fs::create_dir(base.join("known")).unwrap();
    for Row(flag, [state, service, xdg, home], expected) in [
        Row(Some("/x/a.db"), [Some("/y.db"), Some("/s"), Some("/g"), Some("/h")], "/x/a.db"),
        Row(Some(""), [Some("/y.db"), Some("/s"), Some("/g"), Some("/h")], "/y.db"),
        Row(None, [Some("/y.db"), Some("/s"), Some("/g"), Some("/h")], "/y.db"),
        Row(None, [Some(""), Some("/s:/t"), Some("/g"), Some("/h")], "/s/state.db"),
        Row(None, [None, Some(":/t"), Some("/g"), Some("/h")], "/g/refloat/state.db"),
        Row(None, [None, Some(""), Some("/g"), Some("/h")], "/g/refloat/state.db"),
        Row(None, [None, None, Some("g"), Some("/h")], "/h/.local/state/refloat/state.db"),
        Row(None, [None, None, Some(""), Some("/h")], "/h/.local/state/refloat/state.db"),
        Row(Some("x.db"), [None; 4], "BASE/here/x.db"),
        Row(Some("./x.db"), [None; 4], "BASE/here/x.db"),
        Row(Some("../known"), [None; 4], "BASE/here/../known/state.db"),
        Row(Some("new/"), [None; 4], "BASE/here/new/state.db"),
        Row(None, [Some("x.db"), None, None, None], "BASE/here/x.db"),
    ] {
        let surroundings = Surroundings {
            refloat_state: state.map(Into::into),
            state_directory: service.map(Into::into),
            xdg_state_home: xdg.map(Into::into),
            home: home.map(Into::into),
            ..around(&base.join("here"))
        };
        let expected = expected.replace("BASE", base.to_str().unwrap());
        assert_eq!(file(flag, &surroundings), Path::new(&expected));
    }
}

#[test]
fn the_nearest_house_with_a_state_file_is_found_from_below() {
    let folder = tempfile::tempdir().unwrap();
    let (outer, inner) = (folder.path(), folder.path().join("a/b"));
    std::fs::create_dir_all(inner.join(".refloat")).unwrap();
    std::fs::create_dir(outer.join(".refloat")).unwrap();
    std::fs::write(outer.join(".refloat/state.db"), "").unwrap();
    assert_eq!(file(None, &around(&inner)), outer.join(".refloat/state.db"), "a house without a state file");
    std::fs::write(inner.join(".refloat/state.db"), "").unwrap();
    assert_eq!(file(None, &around(&inner)), inner.join(".refloat/state.db"));
    assert_eq!(file(None, &around(&outer.join("a"))), outer.join(".refloat/state.db"));
}

#[test]
fn the_house_of_another_user_is_passed_over_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a");
    for base in [folder.path(), &inner] {
        std::fs::create_dir_all(base.join(".refloat")).unwrap();
        std::fs::write(base.join(".refloat/state.db"), "").unwrap();
    }
    let other = Surroundings { euid: rustix::process::geteuid().as_raw() + 1, ..around(&inner) };
    let place = Place::resolve(None, &other).unwrap();
    assert_eq!(place.file, Path::new("/home/a/.local/state/refloat/state.db"));
    assert_eq!(place.hints.len(), 2);
    assert!(place.hints[0].contains("a/.refloat: it belongs to user"), "{:?}", place.hints);
}

#[test]
fn no_place_at_all_is_a_configuration_error() {
    for home in [None, Some(""), Some("relative")] {
        let nowhere = Surroundings { home: home.map(Into::into), folder: None, ..Surroundings::default() };
        let failure = Place::resolve(None, &nowhere).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert!(failure.hint.unwrap().contains("--state"));
    }
    let gone = Surroundings { folder: None, ..around(Path::new("/")) };
    assert_eq!(Place::resolve(Some(Path::new("x.db")), &gone).unwrap_err().exit, Exit::NotFound);
    assert_eq!(file(Some("/x.db"), &gone), Path::new("/x.db"));
}

#[test]
fn a_link_is_followed_so_that_both_names_share_their_locks() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap().join("real.db");
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let nothing = Place::resolve(Some(&link), &around(folder.path())).unwrap_err();
    assert_eq!(nothing.exit, Exit::NotFound, "{nothing}");
    std::fs::write(&real, "").unwrap();
    assert_eq!(file(Some(link.to_str().unwrap()), &around(folder.path())), real);
}

#[test]
fn two_state_files_in_one_folder_share_no_companion() {
    let place = |file: &str| Place { file: file.into(), hints: vec![], by_option: false };
    for (file, bell) in [
        ("/s/state.db", "/s/bell"),
        ("/s/foo.db", "/s/foo.bell"),
        ("/s/foo", "/s/foo-bell"),
        ("/s/foo.sqlite", "/s/foo.sqlite-bell"),
    ] {
        assert_eq!(place(file).companion("bell"), Path::new(bell));
    }
    assert_eq!(place("/s/state.db").companion("logs/t1"), Path::new("/s/logs/t1"));
}
