//! `mail wait`: what wakes it, what it counts, and how it ends.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::claims::claim;
use super::{Home, send};
use crate::probe::wait::{asleep, ended, sleeping};

/// A home in which these agents are known, and no pause before a next try holds them.
fn with(agents: &[&str]) -> Home {
    let home = super::with(agents);
    home.sql("UPDATE run SET hold = NULL, held_until = NULL");
    home
}

fn wait(home: &Home, more: &[&str]) -> Command {
    let mut command = home.command("mail", [&["wait", "--agent", "a"], more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn mail_that_is_there_ends_the_wait_at_once() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let end = ended(wait(&home, &[]).spawn().unwrap(), 0);
    assert_eq!((&end["mail"], &end["outcome"], &end["looks"]), (&"m1".into(), &"met".into(), &1.into()));
    assert_eq!(end["woken_by"], Value::Null);
}

#[test]
fn a_commit_of_another_process_rings_the_bell() {
    let home = with(&["a", "b"]);
    let waiter = asleep(wait(&home, &["--timeout", "none"]));
    send(&home, "x", "b", &[]).silent(0);
    sleeping(&waiter);
    send(&home, "x", "a", &[]).silent(0);
    let end = ended(waiter, 0);
    assert_eq!((&end["woken_by"], &end["mail"]), (&"bell".into(), &"m2".into()));
}

#[test]
fn a_claim_that_finds_nothing_wakes_nobody() {
    let home = with(&["a"]);
    let waiter = asleep(wait(&home, &["--timeout", "700ms"]));
    for _ in 0..10 {
        assert!(claim(&home, "a", &[]).is_empty());
    }
    let end = ended(waiter, 75);
    assert_eq!((&end["outcome"], &end["looks"], &end["woken_by"]), (&"timeout".into(), &2.into(), &Value::Null));
}

#[test]
fn it_waits_for_the_state_file_itself_and_makes_none() {
    let home = Home::new();
    std::fs::create_dir(home.path("deep")).unwrap();
    let place = home.path("deep/er/state/state.db");
    let on = |mut command: Command| {
        command.env("REFLOAT_STATE", &place);
        command
    };
    let waiter = asleep(on(wait(&home, &["--timeout", "none"])));
    assert!(!home.path("deep/er").exists());
    let mut sending = on(home.command("mail", ["send", "--from", "x", "--to", "a", "--subject", "s", "--queue"]));
    assert_eq!(sending.output().unwrap().status.code(), Some(0));
    let end = ended(waiter, 0);
    assert!(end["woken_by"] == "notice" || end["woken_by"] == "bell", "{end}");
    let early = ended(wait(&Home::new(), &["--timeout", "0s"]).spawn().unwrap(), 75);
    assert_eq!(early["outcome"], "timeout");
}

/// A restore, a log that was removed, a folder that was moved: whoever waits would wait for ever on what nobody writes to.
#[test]
fn it_looks_at_the_state_file_that_is_there_now() {
    let backup = |home: &Home| {
        let copy = home.path("copy");
        home.sql(&format!("VACUUM INTO '{}'", copy.display()));
        std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::rename(copy, home.state()).unwrap();
    };
    let forget_log = |home: &Home| {
        home.sql("PRAGMA wal_checkpoint(TRUNCATE)");
        for name in ["state/state.db-wal", "state/state.db-shm"] {
            let _ = std::fs::remove_file(home.path(name));
        }
    };
    let replace = |home: &Home| {
        backup(home);
        forget_log(home);
    };
    let move_folder = |home: &Home| std::fs::rename(home.path("state"), home.path("old")).unwrap();
    let remove_bell = |home: &Home| std::fs::remove_file(home.path("state/bell")).unwrap();
    type Act<'a> = &'a dyn Fn(&Home);
    let acts: [(&str, Act<'_>); 4] =
        [("replaced", &replace), ("log", &forget_log), ("moved", &move_folder), ("bell", &remove_bell)];
    let waiters: Vec<_> = acts
        .iter()
        .map(|(what, act)| {
            let home = with(&["a"]);
            let waiter = asleep(wait(&home, &["--timeout", "30s"]));
            act(&home);
            send(&home, "x", "a", &["--queue"]).silent(0);
            (what, home, waiter)
        })
        .collect();
    for (what, home, waiter) in waiters {
        assert_eq!(ended(waiter, 0)["mail"], "m1", "{what}");
        drop(home);
    }
}

/// A restore needs the state for itself, and a dispatcher waits for weeks.
#[test]
fn it_has_nothing_of_the_state_open_while_it_sleeps() {
    let home = with(&["a"]);
    let mut waiter = asleep(wait(&home, &["--timeout", "none"]));
    let open: Vec<_> = std::fs::read_dir(format!("/proc/{}/fd", waiter.id()))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| path.starts_with(home.path("state")))
        .collect();
    waiter.kill().unwrap();
    waiter.wait().unwrap();
    assert_eq!(open, Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_end_of_a_lease_and_of_a_delay_wake_it() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    claim(&home, "a", &["--lease", "1500ms"]);
    let end = ended(wait(&home, &[]).spawn().unwrap(), 0);
    assert_eq!((&end["woken_by"], &end["mail"]), (&"lease".into(), &"m1".into()));
    let token = claim(&home, "a", &[])[0]["claim"].as_str().unwrap().to_owned();
    home.mail(&["nack", "m1", "--claim", &token, "--delay", "1500ms"]).silent(0);
    assert_eq!(ended(wait(&home, &[]).spawn().unwrap(), 0)["woken_by"], "lease");
}

#[test]
fn a_commit_that_nobody_rang_for_is_seen_by_the_look_every_few_seconds() {
    let home = with(&["a"]);
    let waiter = asleep(wait(&home, &["--timeout", "none"]));
    home.sql(
        "INSERT INTO mail (sender, recipient, kind, priority, subject, body, attributed_by, state, sent_at)
        VALUES ('x', 'a', 'status', 'normal', 's', '', 'word', 'stored', 1)",
    );
    assert_eq!(ended(waiter, 0)["woken_by"], "backstop");
}

#[test]
fn it_counts_only_what_a_turn_could_take_now() {
    let home = with(&["a"]);
    let nothing = || {
        let end = ended(wait(&home, &["--timeout", "0s"]).spawn().unwrap(), 75);
        assert_eq!((&end["mail"], &end["looks"]), (&Value::Null, &1.into()));
    };
    send(&home, "x", "a", &[]).silent(0);
    let some = || assert_eq!(ended(wait(&home, &["--timeout", "0s"]).spawn().unwrap(), 0)["mail"], "m1");
    some();
    for (hold, provider) in [("limited", 1), ("backoff", 0)] {
        home.sql(&format!(
            "UPDATE run SET hold = '{hold}', held_until = 99999999999999, held_by_provider = {provider}"
        ));
        nothing();
        home.sql("UPDATE run SET held_until = 1");
        some();
    }
    home.sql("UPDATE run SET hold = 'needs_human', held_until = NULL");
    nothing();
    home.sql("UPDATE run SET hold = 'awaiting', held_until = 99999999999999");
    some();
    home.sql("UPDATE run SET hold = NULL, held_until = NULL");
    some();
    home.sql("UPDATE mail SET expires_at = 5, expires_boot = 'old', expires_tick = 5");
    nothing();
    home.sql("UPDATE mail SET expires_at = NULL, expires_boot = NULL, expires_tick = NULL");
    claim(&home, "a", &[]);
    nothing();
}

/// The provider's time has come while it slept.
#[test]
fn the_time_that_the_agent_is_held_until_wakes_it() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let soon = refloat::clock::Stamp::now().plus(std::time::Duration::from_millis(2_000)).millis();
    home.sql(&format!("UPDATE run SET hold = 'limited', held_until = {soon}, held_by_provider = 1"));
    let end = ended(wait(&home, &[]).spawn().unwrap(), 0);
    assert_eq!((&end["woken_by"], &end["mail"]), (&"lease".into(), &"m1".into()));
}

#[test]
fn a_stop_ends_the_wait_and_a_turn_with_a_prompt_lifts_it() {
    let home = with(&["a"]);
    let waiter = asleep(wait(&home, &["--timeout", "none"]));
    home.turn(&["stop", "a"]).silent(0);
    assert_eq!(ended(waiter, 76)["outcome"], "stopped");
    send(&home, "x", "a", &[]).silent(0);
    ended(wait(&home, &[]).spawn().unwrap(), 76);
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    assert_eq!(ended(wait(&home, &[]).spawn().unwrap(), 0)["mail"], "m1");
}

/// EMFILE: no instance of inotify is left for this user.
#[test]
fn without_notices_of_the_kernel_it_polls_and_says_so() {
    let home = with(&["a"]);
    let traced = |more: &[&str]| {
        let log = home.path("trace");
        let args = ["-qq", "-o", log.to_str().unwrap(), "-e", "inject=inotify_init1:error=EMFILE", super::MAIL, "wait"];
        let mut command = home.bare("strace", [&args[..], &["--agent", "a"], more].concat());
        command.env("REFLOAT_STATE", home.state()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let Ok(tried) = traced(&["--timeout", "0s"]).output() else { return };
    if tried.status.code() != Some(75) {
        return;
    }
    let timeout = ended(traced(&["--timeout", "600ms"]).spawn().unwrap(), 75);
    assert_eq!((&timeout["polled"], &timeout["outcome"]), (&true.into(), &"timeout".into()));
    let waiter = traced(&["--timeout", "none"]).spawn().unwrap();
    send(&home, "x", "a", &[]).silent(0);
    let end = ended(waiter, 0);
    assert!(end["woken_by"] == "poll" && end["polled"] == true || end["looks"] == 1, "{end}");
}
