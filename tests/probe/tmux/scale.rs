//! A thousand panes in one server: one question to tmux answers for all of them.

use serde_json::json;

use super::{call, command, counting};
use crate::adopted::{Server, has_tmux};
use crate::stage::Stage;

const PANES: usize = 1000;

#[test]
fn a_thousand_panes_are_one_call_of_tmux() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("s0", "exec sleep 600");
    // Half of them in sessions of their own, half in one.
    let lines = (1..PANES / 2).map(|at| format!("new-session -d -s s{at} sleep 600\n"));
    let lines = lines.chain((PANES / 2..PANES).map(|_| "new-window -d -t =s0: sleep 600\n".to_owned()));
    let script = stage.path("panes");
    std::fs::write(&script, lines.collect::<String>()).unwrap();
    server.tmux(&["source-file", script.to_str().unwrap()]);
    for args in [&["--all"][..], &["s*"], &["s0", "s1", "s2", "absent", "%7"]] {
        let _ = std::fs::remove_file(stage.path("calls"));
        let (path, calls) = counting(&stage);
        let mut asked = command(&stage, &[args, &["--socket", "one"]].concat());
        asked.env("PATH", path);
        let call = call(&stage, asked);
        assert_eq!(calls(), 1, "{args:?}");
        let server = &call.all("evidence")[0]["detail"];
        assert_eq!((&server["panes"], &server["sessions"]), (&json!(PANES), &json!(PANES / 2)));
        if args.len() == 1 {
            // The server; each session; the panes of the one that has many; each process.
            let evidence = 1 + PANES / 2 + (PANES / 2 + 1) + PANES;
            let ended = call.last("probe.ended");
            assert_eq!((&ended["evidence"], &ended["yes"]), (&json!(evidence), &json!(evidence)), "{args:?}");
        }
    }
}
