use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::model::Form;

fn read(path: &Path) -> (Stand, Content) {
    match output(path, None).glimpse {
        Glimpse::File(stand, content) => (stand, content),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_file_is_not_opened_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    nix::unistd::mkfifo(&path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
    std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
    fs::write(path("file"), "x\n").unwrap();
    std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
    let rows = [
        (path("none"), Glimpse::Absent),
        (path("dangling"), Glimpse::Absent),
        (path("file").join("below"), Glimpse::Absent),
        (path("loop"), Glimpse::Loop),
        (folder.path().to_owned(), Glimpse::NotFile(NotFile::Folder)),
        (path("fifo"), Glimpse::NotFile(NotFile::Fifo)),
        (path("socket"), Glimpse::NotFile(NotFile::Socket)),
        ("/dev/zero".into(), Glimpse::NotFile(NotFile::Device)),
        (path(&"x".repeat(300)), Glimpse::Failed),
    ];
    for (path, wanted) in rows {
        let looked = output(&path, None);
        assert_eq!(looked.glimpse, wanted, "{}", path.display());
        assert_eq!(looked.error.is_some(), !matches!(wanted, Glimpse::NotFile(_)), "{}", path.display());
    }
    assert_eq!(read(&path("link")), read(&path("file")));
}

#[test]
fn a_long_file_is_read_at_both_ends_in_little_memory() {
    use std::io::{Seek, Write};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"first line\n").unwrap();
    file.set_len(1 << 40).unwrap();
    let read_of = |path: &Path| match read(path).1 {
        Content::Read(reading) => (reading.form, reading.records),
        other => panic!("{other:?}"),
    };
    // A hole reads as zeros.
    assert_eq!(read_of(&path), (Form::Binary, None));
    file.set_len(0).unwrap();
    file.rewind().unwrap();
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000));
    for _ in 0..9_000 {
        file.write_all(line.as_bytes()).unwrap();
    }
    assert_eq!(read_of(&path), (Form::Good, None));
    file.write_all(b"{\"a\"").unwrap();
    assert_eq!(read_of(&path), (Form::LastCut, None));
}

#[test]
fn how_a_file_stands_tells_a_new_one_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "one\n").unwrap();
    let first = read(&path).0;
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let other = folder.path().join("g");
    fs::write(&other, "two\n").unwrap();
    File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
    fs::rename(&other, &path).unwrap();
    let second = read(&path).0;
    assert_eq!((first.size, first.modified), (second.size, second.modified));
    assert_ne!(first.inode, second.inode);
}

#[test]
fn a_change_ends_the_wait_and_time_ends_it_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let long = Duration::from_secs(60);
    let changes: [fn(&Path); 4] = [
        |path| fs::write(path, "one\n").unwrap(),
        |path| fs::write(path, "one\ntwo\n").unwrap(),
        |path| {
            let new = path.with_extension("new");
            fs::write(&new, "one\ntwo\n").unwrap();
            fs::rename(new, path).unwrap();
        },
        |path| fs::remove_file(path).unwrap(),
    ];
    for change in changes {
        let before = stands(&path);
        std::thread::scope(|scope| {
            let start = Tick::now();
            let waiter = scope.spawn(|| await_change(&path, before.as_ref(), long));
            change(&path);
            waiter.join().unwrap();
            assert!(Tick::now().since(start) < long);
        });
        assert_ne!(stands(&path), before);
    }
    let start = Tick::now();
    await_change(&path, None, Duration::from_millis(30));
    assert!(Tick::now().since(start) >= Duration::from_millis(30));
}

#[test]
fn a_result_is_a_status_or_why_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    let claim = |text: &[u8], required: &[Required]| {
        fs::write(&path, text).unwrap();
        match result(&path, required).glimpse {
            Glimpse::File(_, claim) => claim,
            other => panic!("{other:?}"),
        }
    };
    let required: Vec<Required> = ["/session=s1", "/verified"].map(|text| text.parse().unwrap()).to_vec();
    let done = || "done".to_owned();
    assert_eq!(claim(br#"{"status":"done"}"#, &[]), Claim::Status(done()));
    let both = br#"{"status":"done","session":"s1","verified":true}"#;
    assert_eq!(claim(both, &required), Claim::Status(done()));
    let unverified = br#"{"status":"done","session":"s1"}"#;
    assert_eq!(claim(unverified, &required), Claim::Without(done(), crate::model::Lack::Missing));
    let other = br#"{"status":"done","session":"s2","verified":true}"#;
    assert_eq!(claim(other, &required), Claim::Without(done(), crate::model::Lack::Other));
    assert_eq!(claim(b"", &[]), Claim::Nothing(crate::model::Unsaid::Empty));
    File::options().write(true).open(&path).unwrap().set_len(RESULT + 1).unwrap();
    assert!(matches!(result(&path, &[]).glimpse, Glimpse::File(_, Claim::TooLong)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    if !rustix::process::geteuid().is_root() {
        assert!(matches!(result(&path, &[]).glimpse, Glimpse::File(_, Claim::Denied)));
    }
}
