//! Real output with every type of record in it, held against the records as the design has them.

use serde_json::Value;

use super::wire::check;
use super::{Home, Said, binary};

fn lines(said: Said) -> Vec<String> {
    said.out.lines().map(str::to_owned).collect()
}

/// Real output with every type of record in it, and most of their optional keys filled.
pub(crate) fn examples(home: &Home) -> [(&'static str, Vec<String>); 6] {
    let mut turn = lines(home.play("lead", &["--task", "login page"], "init; say hi; result done").silent(0));
    let worker = ["--parent", "lead", "--task", "x", "--capability", "scout", "--max-attempts", "2"];
    turn.extend(lines(home.play("b2", &worker, "init; line noise; result-error no").silent(1)));
    turn.extend(lines(home.play("b2", &worker[..4], "init; die KILL").silent(137)));
    turn.extend(lines(home.play("b3", &["--prompt-file", "/dev/null"], "init").silent(0)));
    turn.extend(lines(home.turn(&["log", "t2"]).silent(0)));
    turn.extend(lines(home.turn(&["show", "b2"]).silent(0)));
    turn.extend(lines(home.turn(&["show", "t1"]).silent(0)));
    turn.extend(lines(home.turn(&["list"]).silent(0)));
    turn.extend(lines(home.turn(&["runtimes"]).silent(0)));
    turn.extend(lines(home.turn(&["conform", "t2"]).silent(0)));
    turn.extend(lines(home.play("b4", &["--max-attempts", "9"], "init; result-error no").silent(1)));
    turn.extend(lines(home.turn(&["stop", "b4"]).silent(0)));
    let silent = ["--stall", "50ms", "--on-stall", "report", "--events"];
    turn.extend(lines(home.play("b5", &silent, "init; sleep 300; result done").with_code(0)));
    turn.extend(lines(home.turn(&["stop", "lead"]).silent(0)));
    turn.extend(lines(owing(home).silent(1)));
    turn.extend(lines(home.turn(&["show", "b5"]).silent(0)));
    turn.extend(lines(adopted(home)));
    let say = format!("run {} yield --for mail --on-mail >{}", binary("turn"), home.path("yielded").display());
    turn.extend(lines(home.play("b6", &[], &format!("init; {say}; result later")).silent(0)));
    turn.extend(std::fs::read_to_string(home.path("yielded")).unwrap().lines().map(str::to_owned));
    let send = ["send", "--from", "lead", "--to", "b4", "--subject", "s", "--payload", r#"{"a":[1]}"#];
    let mut mail = lines(home.mail(&send).silent(0));
    mail.extend(lines(
        home.mail(&["send", "--from", "b4", "--to", "lead", "--subject", "re", "--reply-to", "m2"]).silent(0),
    ));
    let late = ["send", "--from", "b2", "--to", "run:r1", "--subject", "done", "--type", "worker_done"];
    mail.extend(lines(home.mail(&late).silent(0)));
    mail.extend(lines(home.mail(&["wait", "--agent", "lead"]).failed(76, "agent lead is stopped")));
    mail.extend(lines(home.mail(&["wait", "--agent", "b4x", "--timeout", "0s"]).failed(75, "no mail for b4x")));
    let claimed = home.mail(&["claim", "--agent", "lead", "--max", "2"]).silent(0);
    let token = claimed.records()[0]["claim"].as_str().unwrap().to_owned();
    let ids: Vec<String> = claimed.records().iter().map(|mail| mail["mail"].as_str().unwrap().to_owned()).collect();
    mail.extend(lines(claimed));
    mail.extend(lines(home.mail(&["list"]).silent(0)));
    mail.extend(lines(home.mail(&["ack", &ids[0], "--claim", &token]).silent(0)));
    mail.extend(lines(home.mail(&["nack", &ids[1], "--claim", &token, "--delay", "1h"]).silent(0)));
    mail.extend(lines(home.mail(&["list"]).silent(0)));
    mail.extend(lines(home.mail(&["purge", "--older", "0s", "--agent", "lead"]).silent(0)));
    let pid = std::process::id().to_string();
    let mut probe = lines(home.probe(&["pid", &pid, "1", "1:1"]).silent(0));
    probe.extend(lines(home.probe(&["story", "1-2", "x/none.md"]).silent(0)));
    probe.extend(lines(home.probe(&["sprint", "1-2", "--baseline", "review"]).silent(0)));
    probe.extend(lines(home.probe(&["host"]).silent(0)));
    probe.extend(lines(home.probe(&["run", "r1", "b4", "b7"]).silent(0)));
    probe.extend(lines(runs(home)));
    probe.extend(lines(listed(home).silent(0)));
    probe.extend(lines(home.probe(&["tmux", "b1", "%1", "--socket", home.path("none").to_str().unwrap()]).silent(0)));
    probe.extend(lines(looks(home)));
    probe.extend(lines(home.probe(&["wait", "run", "lead", "ended"]).silent(0)));
    probe
        .extend(lines(home.probe(&["wait", "pid-exit", &pid, "--timeout", "0s"]).failed(75, "has not ended: running")));
    let reconcile = settled(home);
    [
        ("turn", turn),
        ("mail", mail),
        ("probe", probe),
        ("reconcile", reconcile),
        ("mark", marks(home)),
        ("mark-cleanup", cleaned(home)),
    ]
}

/// Every ledger, and everything that can be done with it.
fn settled(home: &Home) -> Vec<String> {
    let mut all = Vec::new();
    for args in [
        &["deadletter", "list"][..],
        &["deadletter", "ack", "d1", "--why", "seen"],
        &["deadletter", "replay", "d1", "--why", "once more"],
        &["deadletter", "replay", "d2"],
        &["retry", "due"],
        &["retry", "cancel", "r2", "--why", "no"],
        &["reopen", "r1", "--why", "more", "-q"],
        &["deadletter", "close", "d3", "--why", "no"],
        &["deadletter", "list", "--all"],
        &["retry", "list", "--all"],
        &["crash", "list"],
        &["explain", "b4"],
        &["--apply"],
    ] {
        all.extend(home.reconcile(args).silent(0).out.lines().map(str::to_owned));
    }
    all
}

/// Sessions of which a `tmux` in front of the real one tells everything that it can.
fn listed(home: &Home) -> Said {
    let (folder, tmux) = (home.path("fake"), home.path("fake/tmux"));
    std::fs::create_dir(&folder).unwrap();
    let row = |pane: &str, end: &str| format!("$0|1763000000|4194304|1763000001|@0|{pane}|4194304|{end}|/tmp/s:b:b1");
    let rows = [row("%0", "|||"), row("%1", "1|9||1763000009"), row("%2", "1||9|1763000009")].join("\n");
    crate::support::executable(&tmux, &format!("#!/bin/sh\ncat <<'END'\n{rows}\nbuffer-limit 50\nEND\n"));
    let me = serde_json::to_string(&refloat::seam::process::me()).unwrap();
    let mut command = home.command("probe", ["tmux", "b1", "%0", "--server", &me]);
    command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    let other = Said::of(&mut command).silent(0);
    command = home.command("probe", ["tmux", "--all"]);
    command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    let mut all = Said::of(&mut command);
    all.out.insert_str(0, &other.out);
    all
}

/// Files, locks, mail and the state file, looked at.
fn looks(home: &Home) -> Said {
    let said = home.mail(&["claim", "--agent", "b4", "--max", "1"]);
    assert_eq!(said.code(), 0, "{said:?}");
    let mut all = home.probe(&["output", "done.json", "--since", "t1", "--watch", "0s"]).silent(0);
    let held = std::fs::File::create(home.path("home/held")).unwrap();
    held.lock().unwrap();
    for args in [
        &["output", "none"][..],
        &["output", ".", "--kind", "csv"],
        &["result", "done.json", "none", "--require", "/status"],
        &["lock", "lead"],
        &["lock", "./held"],
        &["mail", "b4"],
        &["state"],
    ] {
        all.out.push_str(&home.probe(args).silent(0).out);
    }
    all
}

/// A turn that owes something of every kind, and something was there before of every sort.
fn owing(home: &Home) -> Said {
    let folder = home.path("home");
    let make = "git init -q -b main . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x";
    Said::from(home.bare("sh", ["-ec", make]).output().unwrap()).silent(0);
    std::fs::write(folder.join("done.json"), r#"{"status":"done"}"#).unwrap();
    let stories = folder.join("docs/stories");
    std::fs::create_dir_all(&stories).unwrap();
    std::fs::write(stories.join("1-2-login.md"), "# Story 1.2\n\nStatus: done\n").unwrap();
    let all = ["git:HEAD", "git:new", "file:.", "file:x", "result:done.json", "mail:status", "story:1-2", "sprint:1-2"];
    let args: Vec<&str> = all.iter().flat_map(|one| ["--expect", one]).collect();
    home.play("b5", &args, "init; result done")
}

/// Runs of which everything is seen: one that owes, asks and has lost its supervisor, and one that was adopted.
fn runs(home: &Home) -> Said {
    let pid = std::process::id().to_string();
    home.turn(&["adopt", "--agent", "b8", "--pid", &pid, "--log", "home/done.json", "--expect", "file:x"]).silent(0);
    home.turn(&["beat", "b8", "--progress", "half"]).silent(0);
    let said = home.probe(&["run", "--all", "--record"]).silent(0);
    home.turn(&["end", "b8", "--outcome", "failed"]).silent(0);
    said
}

/// Marks of every sort that stand, and one that has ended.
fn marks(home: &Home) -> Vec<String> {
    let mut all = Vec::new();
    let pid = std::process::id().to_string();
    for args in [
        &["set", "dispatch", "b1", "--owner-pid", &pid, "--data", r#"{"a":1}"#][..],
        &["set", "hold", "nobody", "--until", "2h"],
        &["set", "dispatch", "gone", "--owner-pid", "1999999", "--even-if-gone"],
        &["beat", "k1"],
        &["clear", "k1"],
        &["list"],
        &["list", "--removed"],
    ] {
        all.extend(lines(home.mark(args).silent(0)));
    }
    all
}

/// What is stale of them, removed.
fn cleaned(home: &Home) -> Vec<String> {
    let mut all = lines(Said::of(&mut home.command("mark-cleanup", ["--limit", "1"])).silent(0));
    let (file, broken) = (home.path("marker"), home.path("broken"));
    std::fs::write(&file, r#"{"active_tentacles":["a",{"name":"b","ts":"5","git_root":"/r","tentacle_id":"x"}]}"#)
        .unwrap();
    std::os::unix::fs::symlink("nowhere", &broken).unwrap();
    let files = ["--apply", "--files", file.to_str().unwrap(), "--files", broken.to_str().unwrap()];
    all.extend(lines(Said::of(&mut home.command("mark-cleanup", files)).silent(0)));
    all.extend(lines(home.mark(&["list", "--removed"]).silent(0)));
    all
}

/// A worker that is adopted, beats, is shown and says that it is done.
fn adopted(home: &Home) -> Said {
    let pid = std::process::id().to_string();
    let mut all = home
        .turn(&["adopt", "--agent", "b7", "--parent", "lead", "--pid", &pid, "--log", "x", "--expect", "file:f"])
        .silent(0);
    for args in [
        &["beat", "b7", "--progress", "half"][..],
        &["show", "b7"],
        &["end", "b7", "--outcome", "failed", "--why", "no disk"],
    ] {
        all.out.push_str(&home.turn(args).silent(0).out);
    }
    all
}

/// B25: a time without its zone is not taken.
#[test]
fn every_record_has_all_its_keys_in_the_designed_order_and_of_their_kind() {
    let home = Home::new();
    let mut kinds = std::collections::BTreeSet::new();
    for (_, lines) in examples(&home) {
        for line in lines {
            check(&line).unwrap_or_else(|wrong| panic!("{wrong}\n{line}"));
            let record: Value = serde_json::from_str(&line).unwrap();
            kinds.insert(record["type"].as_str().unwrap().to_owned());
        }
    }
    let all = [
        "conform",
        "crash",
        "dead_letter",
        "evidence",
        "judgement",
        "mail",
        "mail.acked",
        "mail.purged",
        "mail.released",
        "mail.sent",
        "mark",
        "mark-cleanup.ended",
        "probe.ended",
        "reconcile.ended",
        "retry",
        "rule",
        "run",
        "run.adopted",
        "run.beat",
        "run.ended",
        "run.reopened",
        "runtime",
        "turn",
        "turn.ended",
        "turn.event",
        "turn.stalled",
        "turn.started",
        "turn.stopped",
        "turn.yielded",
        "verdict",
        "wait.ended",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn the_check_of_records_sees_what_is_wrong_with_one() {
    let good = r#"{"type":"turn.stopped","v":1,"at":"2026-11-20T07:31:02.120Z","agent":"a","run":"r1","turn":null,"outcome":null,"state":"stopped","signalled_pid":null}"#;
    check(good).unwrap();
    for (from, to) in [
        (r#""turn":null,"#, ""),
        (r#""turn":null,"outcome":null"#, r#""outcome":null,"turn":null"#),
        ("stopped\",", "ended\","),
        (".120Z", ".12Z"),
        (".120Z", ".120+00:00"),
        ("\"r1\"", "1"),
        ("\"v\":1", "\"v\":2"),
        ("\"state\"", "\"more\":1,\"state\""),
        ("\"v\":1", "\"v\": 1"),
    ] {
        let bad = good.replace(from, to);
        assert!(bad != good && check(&bad).is_err(), "{bad}");
    }
}
