//! `--owner-pid parent`: the process that calls mark, and what is said where that cannot be told.

use serde_json::json;

use super::seen::how;
use crate::contract::{Home, Said, binary};

/// Where bash is the first process, as in a container.
const APART: [&str; 6] = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "bash"];

/// What bash prints that is in a session of its own and has mark as `$0`.
fn apart(home: &Home, script: &str) -> Said {
    Said::of(home.bare("setsid", ["bash", "-c", script, binary("mark")]).env("REFLOAT_STATE", home.state()))
}

/// Whoever takes it over is not in its session, and was not what called it.
#[test]
fn a_caller_that_has_ended_is_not_taken_for_who_took_mark_over() {
    let home = Home::new();
    let script = r#"
        (while read -r _ _ _ parent _ </proc/$BASHPID/stat && [ $parent = $$ ]; do :; done
        echo $parent; exec "$0" set dispatch b --owner-pid parent --even-if-gone) &"#;
    let said = apart(&home, script);
    let words = format!("it may have ended, and process {} has mark now\nhint: name it", said.out.trim());
    assert!(said.err.contains(&words) && said.out.lines().count() == 1, "{said:?}");
    assert!(!home.state().parent().unwrap().exists(), "nothing was done");
}

#[test]
fn a_caller_that_puts_mark_into_a_session_of_its_own_is_its_caller_still() {
    let home = Home::new();
    let words = [binary("mark"), "set", "dispatch", "b", "--owner-pid", "parent"];
    let said = Said::of(home.bare("setsid", words).env("REFLOAT_STATE", home.state())).silent(0);
    assert_eq!(said.record("mark")["owner_pid"], std::process::id());
    let said = apart(&home, r#"setsid "$0" set dispatch c --owner-pid parent; "$0" show k2; echo $$ >&2"#);
    let (pid, marks): (i64, _) = (said.err.trim().parse().unwrap(), said.records());
    assert_eq!((&marks[0]["owner_pid"], how(&marks[1])), (&json!(pid), "live running".into()));
}

/// The script that a container begins with is a caller like any other; not so the first process for a session that is not its.
#[test]
fn the_first_process_of_all_is_the_caller_of_what_is_in_its_session() {
    let home = Home::new();
    let script =
        r#""$0" set dispatch b --owner-pid parent; setsid "$0" set dispatch c --owner-pid parent; echo $? >&2"#;
    let tried = home.bare(APART[0], [&APART[1..], &["-c", "true"]].concat()).output();
    if !tried.is_ok_and(|done| done.status.success()) {
        return println!("skipped: no pid namespace can be made here");
    }
    let mut command = home.bare(APART[0], [&APART[1..], &["-c", script, binary("mark")]].concat());
    let said = Said::of(command.env("REFLOAT_STATE", home.state()));
    assert_eq!(said.record("mark")["owner_pid"], 1, "{said:?}");
    assert!(said.err.contains("process 1 has mark now") && said.err.ends_with("\n69\n"), "{said:?}");
}
