//! `turn stop` against a start: whichever comes first, the agent does not work on.

use nix::sys::signal::Signal;

use crate::scene::{Running, Stage, records, until};

/// The supervisor stands still between its row and its shim when the stop comes.
#[test]
fn a_stop_before_go_keeps_the_agent_from_running() {
    for _ in 0..200 {
        let stage = Stage::new();
        assert_eq!(stage.next("b", &[]).status.code(), Some(0));
        let script = [format!("touch {}", stage.word("ran")), "hang".to_owned()];
        let script: Vec<&str> = script.iter().map(String::as_str).collect();
        let turn = Running::start(&mut stage.plain("a", &["--kill-after", "100ms"], &script));
        until("the row", || stage.count("SELECT count(*) FROM turn WHERE agent = 'a'") == 1);
        turn.kill(Signal::SIGSTOP);
        // Stopped in the middle of a write it keeps everybody from writing.
        let lock = std::fs::File::open(stage.state().with_file_name("state.lock")).unwrap();
        if lock.try_lock().is_err() {
            turn.kill(Signal::SIGCONT);
            turn.kill(Signal::SIGTERM);
            turn.end();
            continue;
        }
        lock.unlock().unwrap();
        let stands = stage.count("SELECT count(*) FROM turn WHERE agent = 'a' AND shim IS NULL") == 1;
        let stop = Running::start(&mut stage.turn(&["stop", "a", "--wait", "60s"]));
        until("the wish", || {
            stage.count("SELECT count(*) FROM turn WHERE wish = 'operator' OR outcome IS NOT NULL") > 1
        });
        turn.kill(Signal::SIGCONT);
        let (turn, stop) = (turn.end(), stop.end());
        assert_eq!(stop.code(), Some(0), "{stop:?}, {turn:?}");
        assert_eq!(stop.last()["state"], "stopped", "{stop:?}");
        if !stands {
            continue;
        }
        assert_eq!(turn.last()["outcome"], "never_started", "{turn:?}");
        assert_eq!(turn.code(), Some(76), "{turn:?}");
        assert!(!stage.path("ran").exists(), "the agent ran after it was stopped");
        stage.assert_whole();
        let next = stage.next("a", &[]);
        assert_eq!(records(&next.stdout)[0]["type"], "turn.started", "{next:?}");
        return;
    }
    panic!("the supervisor was never caught between its row and its shim");
}
