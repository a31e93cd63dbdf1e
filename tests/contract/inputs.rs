//! What a turn is given that cannot be used: programs, folders, prompts, subjects. Clear words, the right code,
//! and nothing half done.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::codes::nobody;
use super::{Home, Said, is_root};

/// T15
#[test]
fn a_program_or_folder_that_cannot_be_used_ends_the_turn_with_words_a_person_reads() {
    let home = Home::new();
    std::fs::write(home.path("home/plain.txt"), "no program").unwrap();
    for (number, (args, code, cause, message)) in [
        (&["--", "/no/such/program"][..], 127, "program_not_found", "no such file or directory"),
        (&["--", "no-such-program"], 127, "program_not_found", "no such file or directory"),
        (&["--", "./plain.txt"], 126, "cannot_run", "permission denied"),
        (&["--", "/"], 126, "cannot_run", "permission denied"),
        (&["--cwd", "/no/such/folder", "--", "true"], 126, "cannot_run", "cannot enter /no/such/folder: no such file"),
        (&["--cwd", "plain.txt", "--", "true"], 126, "cannot_run", "cannot enter "),
    ]
    .into_iter()
    .enumerate()
    {
        let said = home.turn(&[&["run", "--agent", "a"], args].concat());
        assert_eq!(said.code(), code, "{said:?}");
        let ended = said.record("turn.ended");
        assert_eq!((&ended["outcome"], &ended["cause"]), (&"spawn_failed".into(), &cause.into()), "{args:?}");
        let words = ended["message"].as_str().unwrap();
        assert!(words.starts_with(message) && !words.contains("os error"), "{words}");
        assert_eq!(home.turn(&["list", "--open"]).silent(0).out, "", "{number}");
    }
}

#[test]
fn a_prompt_that_cannot_be_read_starts_nothing_and_stores_nothing() {
    let home = Home::new();
    let run = |file: &str| home.play("a", &["--prompt-file", file], "init; result ok");
    run("/no/such/prompt").failed(66, "cannot read prompt file /no/such/prompt: no such file or directory");
    run("/").failed(74, "cannot read prompt file /: is a directory");
    let mut folder = home.playing("a", &["--prompt-file", "-"], "init; result ok");
    Said::of(folder.stdin(std::fs::File::open("/").unwrap())).failed(74, "cannot read the prompt from standard input");
    assert!(!home.path("state").exists());
    if is_root() {
        let secret = home.path("secret");
        std::fs::write(&secret, "x").unwrap();
        std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let args = ["run", "--agent", "a", "--prompt-file", secret.to_str().unwrap(), "--", "cat"];
        Said::of(&mut nobody(&home, "turn", &args)).failed(74, "permission denied");
        assert!(!home.path("nobody/state.db").exists());
    }
}

/// T1
#[test]
fn an_empty_prompt_starts_nothing_and_is_told_as_empty() {
    let home = Home::new();
    std::fs::write(home.path("home/blank"), " \n\t\n").unwrap();
    for file in ["/dev/null", "blank", "-"] {
        let ended = home.play("a", &["--prompt-file", file], "init; result ok").silent(0).record("turn.ended");
        assert_eq!(ended["outcome"], "empty");
        assert!(ended["turn"].is_null() && ended["run"].is_null() && ended["log_dir"].is_null());
    }
    assert!(!home.path("state").exists());
}

#[test]
fn eight_megabytes_of_prompt_arrive_whole_and_may_be_left_unread() {
    let home = Home::new();
    let text = "prompt\n".repeat(8 * 1024 * 1024 / 7);
    std::fs::write(home.path("home/big"), &text).unwrap();
    home.turn(&["run", "--agent", "a", "--prompt-file", "big", "--", "cat"]).silent(0);
    assert!(std::fs::read_to_string(home.path("state/logs/t1/stream.jsonl")).unwrap() == text);
    home.turn(&["run", "--agent", "a", "--prompt-file", "big", "--", "true"]).silent(0);
    let mut piped = home.command("turn", ["run", "--agent", "a", "--prompt-file", "-", "--", "wc", "-c"]);
    Said::of(piped.stdin(std::fs::File::open(home.path("home/big")).unwrap())).silent(0);
    assert_eq!(home.turn(&["log", "t3", "--raw"]).out.trim(), text.len().to_string());
}

#[test]
fn what_does_not_exist_is_66_and_changes_nothing() {
    let home = Home::new();
    let questions: &[(&[&str], &str)] = &[
        (&["attach", "ghost"], "no turn of 'ghost'"),
        (&["attach", "t9"], "no turn of 't9'"),
        (&["show", "ghost"], "no run, turn or agent 'ghost'"),
        (&["show", "r9"], "no run, turn or agent 'r9'"),
        (&["log", "t9"], "no turn t9"),
        (&["stop", "ghost"], "no agent 'ghost'"),
    ];
    for (args, _) in questions {
        home.turn(args).failed(66, "no state at");
    }
    assert!(!home.path("state").exists());
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    let before = home.dump();
    for (args, words) in questions {
        let said = home.turn(args).failed(66, words);
        assert!(said.out.is_empty() && said.err.contains("hint: see: turn list"), "{said:?}");
    }
    home.turn(&["run", "--agent", "a", "--run", "r9", "--", "true"]).failed(66, "no run r9");
    home.turn(&["run", "--agent", "a", "--run", "r1", "--", "true"]).failed(76, "run r1 has ended: completed");
    home.turn(&["run", "--agent", "b", "--run", "r1", "--", "true"]).failed(76, "run r1 is agent a's, not b's");
    assert_eq!(home.dump(), before);
}
