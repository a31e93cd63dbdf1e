//! What is no file, cannot be read, or is too much.

use std::os::unix::fs::PermissionsExt;

use rustix::fs::inotify;
use serde_json::json;

use super::{NEW, assert_found, found, sprint, story, write};
use crate::contract::{Home, Said, binary, is_root};
use crate::probe::readonly::looks_only;

/// bmad 77; 6.2.13: what is not there, or is no file, has its own word each.
#[test]
fn what_is_no_file_says_so() {
    let home = Home::new();
    let path = |name: &str| home.path("home").join(name);
    assert_found(&home, &["story", "x/none.md"], "no absent no_file");
    assert_found(&home, &["sprint", "1-2", "--file", "none.yaml"], "unknown unknown no_file");
    assert_found(&home, &["sprint", "1-2"], "unknown unknown no_file");
    std::fs::create_dir_all(path("folder.md")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("device.md")).unwrap();
    std::os::unix::fs::symlink(path("loop.md"), path("loop.md")).unwrap();
    std::os::unix::fs::symlink(path("gone"), path("dangling.md")).unwrap();
    nix::unistd::mkfifo(&path("fifo.md"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path("socket.md")).unwrap();
    let rows = [
        ("folder.md", "not_a_file", "it is a folder"),
        ("device.md", "not_a_file", "it is a device"),
        ("fifo.md", "not_a_file", "it is a FIFO"),
        ("socket.md", "not_a_file", "it is a socket"),
    ];
    for (name, reason, words) in rows {
        for args in [&["story", name][..], &["sprint", "1-2", "--file", name]] {
            let evidence = assert_found(&home, args, &format!("unknown unknown {reason}"));
            let message = evidence["detail"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{message}");
        }
    }
    assert_found(&home, &["story", "dangling.md"], "no absent no_file");
    for args in [&["story", "loop.md"][..], &["sprint", "1-2", "--file", "loop.md"]] {
        assert_found(&home, args, "unknown unknown link_loop");
    }
}

/// Who writes to a FIFO waits for a reader: a look is none.
#[test]
fn a_fifo_is_not_opened() {
    let home = Home::new();
    let fifo = home.path("home").join("fifo.md");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, &fifo, inotify::WatchFlags::OPEN).unwrap();
    for args in [
        &["story", "fifo.md"][..],
        &["sprint", "1-2", "--file", "fifo.md"],
        &["output", "fifo.md"],
        &["result", "fifo.md"],
        &["lock", "./fifo.md"],
    ] {
        home.probe(args).silent(0);
        assert_eq!(rustix::io::read(&watch, &mut [0; 512]), Err(rustix::io::Errno::AGAIN), "{args:?}");
    }
}

/// A file that may not be read is not one that is not there; neither is a folder.
#[test]
fn what_may_not_be_read_is_unknown() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    write(&home, &format!("{NEW}/1-2-tides.md"), story("done"));
    write(&home, &format!("{NEW}/sprint-status.yaml"), sprint("  1-2-tides: done\n"));
    std::fs::set_permissions(home.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = home.path("home").join(NEW);
    let ask = |args: &[&str]| {
        let mut words = vec!["--reuid=65534", "--regid=65534", "--clear-groups", binary("probe")];
        words.extend(args);
        found(&Said::of(&mut home.bare("setpriv", words)).silent(0).record("evidence"))
    };
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("1-2-tides.md", 0o000);
    mode("sprint-status.yaml", 0o000);
    for kind in ["story", "sprint"] {
        assert_eq!(ask(&[kind, "1-2"]), "unknown unknown permission_denied", "{kind}");
    }
    mode("1-2-tides.md", 0o644);
    assert_eq!(ask(&["story", "1-2"]), "yes done at_target");
    mode("", 0o700);
    assert_eq!(ask(&["story", "1-2"]), "unknown unknown permission_denied", "a folder that cannot be searched");
    mode("", 0o755);
}

/// 100 MB are not read, and what multiplies itself costs no more than its length.
#[test]
fn what_is_too_much_costs_little() {
    let home = Home::new();
    write(&home, "big.yaml", sprint("  1-2-tides: done\n"));
    write(&home, "big.md", story("done"));
    for name in ["big.yaml", "big.md"] {
        let file = std::fs::File::options().append(true).open(home.path("home").join(name)).unwrap();
        file.set_len(100_000_000).unwrap();
    }
    write(&home, "comments.yaml", "# words of a comment\n".repeat(250_000) + &sprint("  1-2-tides: done\n"));
    // 64 MiB of address space: who reads it all, or expands it, fails.
    let bounded = |args: &[&str]| {
        let script = format!("ulimit -v 65536; exec {} \"$@\"", binary("probe"));
        let words = ["-c", &script, "probe"].into_iter().chain(args.iter().copied());
        Said::of(&mut home.bare("sh", words)).silent(0).record("evidence")
    };
    let bomb = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/truth/sprint/alias-bomb.yaml");
    let too_big = bounded(&["sprint", "1-2", "--file", "big.yaml"]);
    assert_eq!(
        (found(&too_big), &too_big["detail"]["message"]),
        ("unknown unknown too_big".to_owned(), &json!("longer than 8 MiB"))
    );
    assert_eq!(found(&bounded(&["story", "big.md"])), "unknown unknown too_big");
    assert_eq!(found(&bounded(&["sprint", "1-1", "--file", bomb])), "yes done at_target");
    assert_eq!(found(&bounded(&["sprint", "1-2", "--file", bomb])), "unknown unknown alias");
    assert_eq!(found(&bounded(&["sprint", "1-2", "--file", "comments.yaml"])), "yes done at_target");
}

/// Nothing of ours is written, and nothing of theirs is touched.
#[test]
fn looking_changes_nothing() {
    let home = Home::new();
    write(&home, &format!("{NEW}/1-2-tides.md"), story("done"));
    write(&home, &format!("{NEW}/sprint-status.yaml"), sprint("  1-2-tides: done\n"));
    for kind in ["story", "sprint"] {
        if let Some(said) = looks_only(&home, &[kind, "1-2"], |_| {}) {
            assert_eq!(found(&said.silent(0).record("evidence")), "yes done at_target");
        }
    }
    assert!(!home.state().exists());
}
