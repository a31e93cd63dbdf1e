//! `reconcile` on real turns, workers and servers: a plan changes nothing, its result is what it said, a second pass finds
//! nothing to do, and a parent hears of an end once.

mod orphans;
mod pass;
mod servers;
mod signs;
mod told;
mod turns;
mod waits;
mod whole;
mod workers;

use serde_json::Value;

use crate::stage::{Stage, until};

impl Stage {
    /// A plan, which changes nothing: `verdict cause rule action outcome state-after` of the agent's run.
    #[track_caller]
    fn planned(&self, args: &[&str]) -> Value {
        let before = self.tables();
        let call = self.reconcile(args);
        assert_eq!((call.code, call.stderr.as_str()), (0, ""), "{call:#?}");
        assert_eq!(self.tables(), before, "a plan writes nothing");
        let verdict = call.last("verdict").clone();
        assert_eq!((&verdict["applied"], &verdict["skipped"]), (&false.into(), &Value::Null), "{verdict}");
        verdict
    }

    #[track_caller]
    fn assert_planned(&self, args: &[&str], wanted: &str) -> Value {
        let verdict = self.planned(args);
        assert_eq!(brief(&verdict), wanted, "{verdict:#}");
        verdict
    }

    /// The plan, its result, which is the same, and a second pass, which finds nothing to do.
    #[track_caller]
    fn assert_repaired(&self, args: &[&str], wanted: &str) -> Value {
        let plan = self.assert_planned(args, wanted);
        let call = self.reconcile(&[args, &["--apply"]].concat());
        assert_eq!((call.code, call.stderr.as_str()), (0, ""), "{call:#?}");
        let done = call.last("verdict").clone();
        assert_eq!(done["applied"], true, "{done:#}");
        assert_eq!(said(&done), said(&plan));
        let agent = done["agent"].as_str().unwrap();
        assert_eq!(self.run_of(agent)["state"], done["state_after"], "{done:#}");
        self.assert_settled(&[agent]);
        if done["retry"] != Value::Null {
            let due = self.reconcile(&["retry", "list", "--agent", agent]);
            assert_eq!(done["command"], due.last("retry")["command"], "the next turn is told in one way");
        }
        done
    }

    /// A pass that finds nothing to do, and changes nothing.
    #[track_caller]
    fn assert_settled(&self, args: &[&str]) {
        let before = self.tables();
        let call = self.reconcile(&[args, &["--apply"]].concat());
        assert_eq!((call.code, call.stderr.as_str()), (0, ""), "{call:#?}");
        for verdict in call.all("verdict") {
            assert_eq!((&verdict["applied"], &verdict["state_after"]), (&false.into(), &verdict["state_before"]));
        }
        assert_eq!(call.last("reconcile.ended")["repaired"], 0, "{call:#?}");
        assert_eq!(self.tables(), before, "a second pass writes nothing");
    }

    /// What the parent has heard of its child: so many mails of this type.
    fn heard(&self, parent: &str, kind: &str) -> usize {
        self.mails(parent, kind).len()
    }
}

/// Waits until nobody holds the agent's turn lock.
fn until_free(stage: &Stage, agent: &str) {
    let path = stage.state().parent().unwrap().join("locks").join(format!("{agent}.turn"));
    until("the turn lock", || crate::support::is_free(&path));
}

/// What a plan and its result have to agree in.
fn said(verdict: &Value) -> Value {
    // Between two looks somebody else may have asked for a dead process's end.
    let text = verdict.to_string().replace("gone (zombie)", "gone (no_such_process)");
    let mut said = serde_json::from_str::<Value>(&text).unwrap().as_object().unwrap().clone();
    // The pause before a next try is counted from when it is written.
    for key in ["at", "applied", "command", "not_before"] {
        said.remove(key);
    }
    // Zombies are being reaped meanwhile: another reason of the same death.
    let text = Value::Object(said).to_string().replace("(zombie)", "(no_such_process)");
    serde_json::from_str(&text).unwrap()
}

fn brief(verdict: &Value) -> String {
    let word = |key: &str| verdict[key].as_str().unwrap_or("-");
    ["verdict", "cause", "rule", "action", "outcome", "state_after"].map(word).join(" ")
}
