//! Many processes at one inbox: they send, claim and acknowledge, and a third of those who claim are killed.

use std::collections::BTreeSet;
use std::process::Command;

use nix::sys::signal::Signal;
use refloat::seam::wait;

use super::{Barrier, campaign};
use crate::scene::{Running, Stage};

/// Mails that each sender sends one by one; the rest are one batch.
const SINGLE: usize = 4;

fn shell(stage: &Stage, script: &str) -> Command {
    let mut command = stage.command("sh");
    command.args(["-c", script]).env("MAIL", env!("CARGO_BIN_EXE_mail")).env("OUT", stage.path("out"));
    command
}

fn sender(stage: &Stage, batch: usize) -> Command {
    let script = format!(
        "set -e
        for n in $(seq {SINGLE}); do $MAIL send --from x --to a --queue --subject s >/dev/null; done
        for n in $(seq {batch}); do echo '{{\"to\":\"a\",\"from\":\"x\",\"queue\":true,\"subject\":\"s\"}}'; done | $MAIL send - >/dev/null"
    );
    shell(stage, &script)
}

/// Claims, notes what it has, acknowledges; until nothing comes for longer than a lease.
fn claimer(stage: &Stage) -> Command {
    shell(
        stage,
        r#"while $MAIL wait --agent a --timeout 8s >/dev/null 2>$OUT/wait.$$; do
            $MAIL claim --agent a --max 32 --lease 4s >$OUT/claimed.$$ || exit 9
            claim=$(sed -n 's/.*"claim":"\([0-9a-f]*\)".*/\1/p' $OUT/claimed.$$ | head -n 1)
            [ -n "$claim" ] || continue
            ids=$(sed -n 's/^{"type":"mail",[^{]*"mail":"\(m[0-9]*\)","from".*/\1/p' $OUT/claimed.$$)
            $MAIL ack $ids --claim $claim >>$OUT/acked.$$ 2>$OUT/refused.$$ || test $? -eq 76 || exit 8
        done"#,
    )
}

/// B24, and 51 to 53
#[test]
fn every_mail_is_acknowledged_exactly_once_or_dead_whoever_is_killed() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("out")).unwrap();
    let crowd = campaign("REFLOAT_RACERS", 18);
    let batch = campaign("REFLOAT_MAILS", 16);
    let barrier = Barrier::new(&stage);
    let mut racers: Vec<Running> = Vec::new();
    for number in 0..crowd {
        racers.push(barrier.hold(&if number % 3 == 0 { sender(&stage, batch) } else { claimer(&stage) }));
    }
    barrier.open(&racers);
    let victims: Vec<usize> = (0..crowd).filter(|number| number % 3 != 0).step_by(3).collect();
    for victim in &victims {
        wait::pause(std::time::Duration::from_millis(20 + (*victim as u64 * 37) % 60));
        racers[*victim].kill(Signal::SIGKILL);
    }
    for (number, racer) in racers.into_iter().enumerate() {
        let ended = racer.end();
        assert!(!ended.errors.contains("locked"), "{}", ended.errors);
        assert!(victims.contains(&number) || ended.code() == Some(0), "racer {number}: {ended:?}");
    }
    let sent = crowd.div_ceil(3) * (SINGLE + batch);
    assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(stage.count("SELECT count(*) FROM mail"), i64::try_from(sent).unwrap());
    // A killed shell leaves a command behind that may have claimed after the others had gone.
    stage.run_sql("UPDATE mail SET due_tick = 0 WHERE due_at IS NOT NULL");
    let rest = stage.mail(&["check", "--agent", "a", "--max", "10000"]).output().unwrap();
    let rest = crate::scene::records(&rest.stdout).len();
    let lost = "SELECT id || ' ' || state FROM mail WHERE state <> 'acked' AND dead_reason IS NOT 'max_deliveries'";
    assert_eq!(stage.texts(lost), [""; 0], "neither acknowledged nor dead");
    let mut seen = BTreeSet::new();
    let mut told = 0;
    for entry in std::fs::read_dir(stage.path("out")).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        assert!(!text.contains("locked"), "{text}");
        for line in text.lines().filter(|line| line.contains("\"mail.acked\"")) {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(seen.insert(record["mail"].as_str().unwrap().to_owned()), "acknowledged twice: {record}");
            told += 1;
        }
    }
    let acked = usize::try_from(stage.count("SELECT count(*) FROM mail WHERE state = 'acked'")).unwrap();
    let again = stage.count("SELECT count(*) FROM mail WHERE deliveries > 1");
    println!(
        "{crowd} processes, {} killed: {sent} mails, {acked} acknowledged, {told} told, {rest} left, {again} again",
        victims.len()
    );
    assert!(told > sent / 2 && told + rest <= acked, "{told} told, {rest} left, {acked} of {sent}");
}
