//! The guard of a work tree where it is told of the marker files of other tools.

use std::path::Path;

use refloat::clock::Stamp;

use super::Guarded;
use crate::scripts::{Ran, script};

/// FM-4, where the tool has left no mark but an entry in its own marker file: who was sent is gone, and the file stays.
#[test]
fn an_entry_in_a_marker_file_stops_its_own_repository_until_its_time_is_over() {
    let guarded = Guarded::new();
    let (marker, other) = (guarded.stage.path("home/markers/dispatch"), guarded.stage.path("other"));
    std::fs::create_dir_all(marker.parent().unwrap()).unwrap();
    let now = Stamp::now().millis() / 1000;
    let entry = |name: &str, ts: i64, root: &Path| {
        format!("{{\"name\": \"{name}\",  \"ts\": \"{ts}\", \"git_root\": \"{}\", \"file\": \"evil\"}}", root.display())
    };
    let theirs = entry("theirs", now, &other);
    let write =
        |list: &str| std::fs::write(&marker, format!("{{\"active_tentacles\":\n [{list}], \"x\": 1.50}}\n")).unwrap();
    let in_home = |program: &str| {
        let mut command = guarded.command(program, &guarded.top);
        command.env("HOME", guarded.stage.path("home"));
        command
    };
    let commit = || Ran::of(in_home("git").args(["commit", "-q", "--allow-empty", "-m", "work"]));
    guarded.git(&["config", "--add", "refloat.files", "~/markers/*"]).went("");
    guarded.git(&["config", "--add", "refloat.files", "of the project/mark?"]).went("");

    commit().went("");
    write(&theirs);
    commit().went("");
    write(&format!("{}, {theirs}", entry("ours", now, &guarded.top)));
    let (file, home) = (marker.display(), guarded.stage.name("home"));
    let clean = format!("mark-cleanup --apply --files '{home}/markers/*' --files 'of the project/mark?'");
    let ran = commit();
    ran.refused(&[
        &format!(
            "pre-commit: refused: somebody works in {}\n  dispatch ours: live (within_clock), set at 20",
            guarded.top.display()
        ),
        &format!(" in {file}; ends at 20"),
        &format!("once its time is over, or where nobody can read it: {clean}\nhint: this once"),
    ]);
    for word in ["theirs", "evil", "mark clear"] {
        assert!(!ran.err.contains(word), "{word}: {ran:#?}");
    }
    assert!(!guarded.stage.state().exists(), "nobody has set a mark");

    write(&format!("{}, {theirs}", entry("ours", now - 14_400, &guarded.top)));
    commit().went("");
    let cleaned = Ran::of(in_home("bash").args(["-c", &clean]));
    assert!(cleaned.code == 0 && cleaned.out.contains("\"removed\":1,"), "{cleaned:#?}");
    assert_eq!(
        std::fs::read_to_string(&marker).unwrap(),
        format!("{{\"active_tentacles\":\n [{theirs}], \"x\": 1.50}}\n")
    );
    commit().went("");

    // Marks are asked too, and what nobody can read may hide one.
    guarded.mark(&["set", "dispatch", "marked"]);
    commit().refused(&["  k2 dispatch marked: live", "any more: mark clear k2\n"]);
    guarded.mark(&["clear", "k2"]);
    let folder = guarded.top.join("of the project");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("marks"), "no JSON").unwrap();
    let unread = [format!(") in {}", folder.join("marks").display()), clean];
    for from in [&guarded.top, &guarded.top.join("sub/folder")] {
        let by_hand = guarded.command("bash", from).arg(script("git-hooks/pre-commit")).env("HOME", &home).output();
        let err = String::from_utf8(by_hand.unwrap().stderr).unwrap();
        assert!(unread.iter().all(|words| err.contains(words)) && err.contains("it cannot be told"), "{err}");
    }
    guarded.git(&["config", "--add", "refloat.files", "~nobody-of-this-name/x"]).went("");
    commit().refused(&["it cannot be told", "  git config refloat.files: "]);
}
