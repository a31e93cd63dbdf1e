//! Command lines that are refused: each with its code, its words, nothing on stdout, and nothing done.

use super::{Home, Said};

const LONG: &str =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The command line and what stderr contains. All end with 2.
const REFUSED: &[(&[&str], &str)] = &[
    // Nothing, or something else.
    (&["turn"], "turn: a subcommand is missing"),
    (&["mail"], "mail: a subcommand is missing"),
    (&["probe"], "probe: a subcommand is missing"),
    (&["probe", "bogus"], "unrecognized subcommand 'bogus'"),
    (&["probe", "--bogus"], "unexpected argument '--bogus'"),
    (&["probe", "pid"], "<PID|IDENTITY|->"),
    (&["probe", "pid", "0"], "no process can have the number 0"),
    (&["probe", "pid", "--", "-1"], "no process can have the number -1"),
    (&["probe", "pid", "2147483648"], "no process can have the number 2147483648"),
    (&["probe", "pid", "NaN"], "'NaN' is not a pid"),
    (&["probe", "pid", "1.5"], "'1.5' is not a pid"),
    (&["probe", "pid", "12 13"], "'12 13' is not a pid"),
    (&["probe", "pid", ""], "'' is not a pid"),
    (&["probe", "pid", "1:2@x"], "'1:2@x' is not a pid"),
    (&["probe", "pid", "{}"], "not an identity: missing field"),
    (&["probe", "pid", "1", "NaN"], "'NaN' is not a pid"),
    (&["probe", "pid", "-", "1"], "- stands alone"),
    (&["probe", "host", "x"], "unexpected argument 'x'"),
    (&["probe", "run"], "<RUN|AGENT>"),
    (&["probe", "run", "lead", "--all"], "cannot be used with"),
    (&["probe", "run", "a/b"], "'a/b'"),
    (&["probe", "run", "--bogus", "lead"], "unexpected argument '--bogus'"),
    (&["probe", "tmux"], "<NAME|PATTERN>"),
    (&["probe", "tmux", ""], "a name or pattern is not empty"),
    (&["probe", "tmux", "b1", "["], "'[' is not a pattern: invalid range pattern"),
    (&["probe", "tmux", "--all", "b1"], "cannot be used with"),
    (&["probe", "tmux", "--all", "--exact"], "cannot be used with"),
    (&["probe", "tmux", "b1", "--socket", ""], "a socket is a path, or a name"),
    (&["probe", "tmux", "b1", "--tmux-timeout", "3"], "'3' is not a duration"),
    (&["probe", "tmux", "b1", "--looks", "0"], "0 is not in 1..=2"),
    (&["probe", "tmux", "b1", "--server", "4711"], "no identity: invalid type"),
    (&["reconcile", "a/b"], "'a/b'"),
    (&["reconcile", "--unknown-after", "soon"], "'soon' is not a duration"),
    (&["reconcile", "--max-age", "1"], "'1' is not a duration"),
    (&["reconcile", "--exit-code"], "--exit-code answers for one run"),
    (&["reconcile", "r1", "r2", "--exit-code"], "--exit-code answers for one run"),
    (&["reconcile", "-", "--exit-code"], "--exit-code answers for one run"),
    (&["reconcile", "explain"], "<RUN|AGENT>"),
    (&["reconcile", "explain", "r1", "r2"], "unexpected argument 'r2'"),
    (&["reconcile", "--bogus"], "unexpected argument '--bogus'"),
    (&["reconcile", "retry"], "reconcile: a subcommand is missing"),
    (&["reconcile", "retry", "bogus"], "unrecognized subcommand 'bogus'"),
    (&["reconcile", "retry", "list", "--agent", "a/b"], "'a/b'"),
    (&["reconcile", "retry", "list", "--run", "lead"], "'lead' is not an id of the form r1"),
    (&["reconcile", "retry", "list", "--limit=-1"], "-1 is not in 0"),
    (&["reconcile", "retry", "due", "--limit", "1"], "unexpected argument '--limit'"),
    (&["reconcile", "retry", "cancel", "--why", "x"], "<RUN|RETRY>"),
    (&["reconcile", "retry", "cancel", "lead", "--why", "x"], "'lead' is not the id of a run (r1) or of a retry"),
    (&["reconcile", "retry", "cancel", "r1"], "--why <TEXT>"),
    (&["reconcile", "retry", "cancel", "r1", "--why", " "], "a reason is one line"),
    (&["reconcile", "deadletter"], "reconcile: a subcommand is missing"),
    (&["reconcile", "deadletter", "list", "--open", "--all"], "cannot be used with"),
    (&["reconcile", "deadletter", "show"], "<DEAD_LETTER>"),
    (&["reconcile", "deadletter", "show", "r1"], "'r1' is not an id of the form d1"),
    (&["reconcile", "deadletter", "ack"], "<DEAD_LETTER>"),
    (&["reconcile", "deadletter", "replay", "d1", "d2"], "unexpected argument 'd2'"),
    (&["reconcile", "deadletter", "close", "d1"], "--why <TEXT>"),
    (&["reconcile", "reopen", "r1"], "--why <TEXT>"),
    (&["reconcile", "reopen", "lead", "--why", "x"], "'lead' is not an id of the form r1"),
    (&["reconcile", "reopen", "r1", "--why", "a\nb"], "a reason is one line"),
    (&["reconcile", "crash"], "reconcile: a subcommand is missing"),
    (&["reconcile", "crash", "list", "--since", "soon"], "'soon' is not a duration"),
    (&["reconcile", "crash", "show", "t1"], "'t1' is not an id of the form c1"),
    (&["turn", "-q"], "requires a subcommand"),
    (&["turn", "bogus"], "unrecognized subcommand 'bogus'"),
    (&["turn", "atach"], "hint: a similar subcommand exists: 'attach'"),
    (&["mail", "bogus"], "unrecognized subcommand 'bogus'"),
    (&["turn", "help", "bogus"], "unrecognized subcommand 'bogus'"),
    (&["turn", ""], "unrecognized subcommand ''"),
    (&["turn", "Run"], "unrecognized subcommand 'Run'"),
    // Unknown flags, of each subcommand.
    (&["turn", "--bogus"], "unexpected argument '--bogus'"),
    (&["turn", "-x"], "unexpected argument '-x'"),
    (&["turn", "run", "--agent", "a", "--bogus", "--", "true"], "unexpected argument '--bogus'"),
    (&["turn", "attach", "--bogus", "t1"], "unexpected argument '--bogus'"),
    (&["turn", "stop", "--bogus", "a"], "unexpected argument '--bogus'"),
    (&["turn", "list", "--bogus"], "unexpected argument '--bogus'"),
    (&["turn", "show", "--bogus", "t1"], "unexpected argument '--bogus'"),
    (&["turn", "log", "--bogus", "t1"], "unexpected argument '--bogus'"),
    (&["mail", "--bogus"], "unexpected argument '--bogus'"),
    (&["mail", "send", "--bogus"], "unexpected argument '--bogus'"),
    (&["mail", "list", "--bogus"], "unexpected argument '--bogus'"),
    (&["turn", "run", "--agent", "a", "--evnets", "--", "true"], "unexpected argument '--evnets'"),
    // What is needed and is not there.
    (&["turn", "run"], "--agent <NAME>"),
    (&["turn", "run", "--", "true"], "--agent <NAME>"),
    (&["turn", "run", "--agent", "a"], "the runtime plain needs a command"),
    (&["turn", "run", "--agent", "a", "--"], "the runtime plain needs a command"),
    (&["turn", "run", "--agent", "a", "--runtime", "claude"], "the runtime claude needs a prompt"),
    (&["turn", "attach"], "<TURN|AGENT>"),
    (&["turn", "stop"], "<NAME>"),
    (&["turn", "show"], "<RUN|TURN|AGENT>"),
    (&["turn", "log"], "<TURN>"),
    (&["mail", "send"], "--to <AGENT|@GROUP|run:ID>"),
    (&["mail", "send", "-", "--to", "a"], "cannot be used with"),
    (&["mail", "send", "mails.jsonl"], "possible values: -"),
    (&["mail", "reply"], "<MAIL>"),
    (&["mail", "reply", "lead"], "'lead' is not an id of the form m1"),
    (&["mail", "reply", "m1"], "--from is missing"),
    (&["mail", "claim"], "whose mail? --agent is missing"),
    (&["mail", "check"], "whose mail? --agent is missing"),
    (&["mail", "inject"], "whose mail? --agent is missing"),
    (&["mail", "wait"], "whose mail? --agent is missing"),
    (&["mail", "claim", "--agent", "a", "--max", "0"], "0 is not in 1..=10000"),
    (&["mail", "claim", "--agent", "a", "--lease", "5"], "'5' is not a duration"),
    (&["mail", "claim", "--agent", "a", "--max-deliveries", "0"], "0 is not in 1..=1000"),
    (&["mail", "ack", "--claim", "x"], "<MAIL>"),
    (&["mail", "ack", "m1"], "--claim <TOKEN>"),
    (&["mail", "nack", "m1", "--claim", "x", "--delay", "soon"], "'soon' is not a duration"),
    (&["mail", "wait", "--agent", "a", "--timeout", "never"], "'never' is not a duration"),
    (&["mail", "show"], "<MAIL>"),
    (&["mail", "purge"], "what is to be purged?"),
    (&["mail", "purge", "--apply"], "what is to be purged?"),
    (&["mail", "purge", "--acked", "--force"], "cannot be used with"),
    (&["mail", "send", "--from", "o", "--to", "a", "--subject", "s", "--expires", "soon"], "'soon' is not a duration"),
    (&["turn", "run", "--agent", "a", "--mail", "--prompt", "x", "--", "true"], "cannot be used with"),
    (&["turn", "run", "--agent", "a", "--mail", "--prompt-file", "x", "--", "true"], "cannot be used with"),
    (&["mail", "send", "--from", "o", "--to", "a"], "--subject"),
    (&["mail", "send", "--to", "a", "--subject", "s"], "--from is missing"),
    // Values that are missing.
    (&["turn", "run", "--agent"], "a value is required for '--agent <NAME>'"),
    (&["turn", "run", "--agent", "a", "--lock-wait", "--", "true"], "a value is required for '--lock-wait <TIME>'"),
    (&["turn", "run", "--agent", "a", "--cwd=", "--", "true"], "a value is required for '--cwd <DIR>'"),
    (&["turn", "run", "--agent=", "--", "true"], "'--agent <NAME>'"),
    (&["turn", "--state"], "a value is required for '--state <PATH>'"),
    (&["turn", "list", "--format"], "a value is required for '--format <FORMAT>'"),
    (&["mail", "send", "--to"], "a value is required for '--to"),
    // Names.
    (&["turn", "run", "--agent", "a/b", "--", "true"], "'a/b'"),
    (&["turn", "run", "--agent", "..", "--", "true"], "'..'"),
    (&["turn", "run", "--agent", "a..b", "--", "true"], "a name cannot contain '..'"),
    (&["turn", "run", "--agent=-a", "--", "true"], "'-a'"),
    (&["turn", "run", "--agent", "a\nb", "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", "a\u{1b}[31mb", "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", "a\u{7f}", "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", "a b", "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", "ä", "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", ".a", "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", LONG, "--", "true"], "a name has 1 to 100"),
    (&["turn", "run", "--agent", "r17", "--", "true"], "look like the id of a run"),
    (&["turn", "run", "--agent", "t83", "--", "true"], "look like the id of a run"),
    (&["turn", "run", "--agent", "a", "--parent", "../p", "--", "true"], "'../p'"),
    (&["turn", "run", "--agent", "a", "--task", "x/y", "--", "true"], "'x/y'"),
    (&["turn", "run", "--agent", "a", "--task", "..", "--", "true"], "'..'"),
    (&["turn", "run", "--agent", "a", "--task=-x", "--", "true"], "begin with '-'"),
    (&["turn", "run", "--agent", "a", "--task", "x\ty", "--", "true"], "control characters"),
    (&["turn", "run", "--agent", "a", "--task", "", "--", "true"], "--task"),
    (&["turn", "attach", "a/b"], "'a/b'"),
    (&["turn", "attach", ".."], "'..'"),
    (&["turn", "attach", "--", "-a"], "'-a'"),
    (&["turn", "stop", "a/b"], "'a/b'"),
    (&["turn", "stop", "t1"], "look like the id"),
    (&["turn", "show", "a/b"], "'a/b'"),
    (&["turn", "show", "a\u{1b}]0;x\u{7}"], "a name has 1 to 100"),
    (&["turn", "list", "--agent", "a/b"], "'a/b'"),
    (&["mail", "send", "--from", "o", "--to", "a/b", "--subject", "s"], "cannot send to 'a/b'"),
    (&["mail", "send", "--from", "o", "--to", "t1", "--subject", "s"], "cannot send to 't1'"),
    (&["mail", "send", "--from", "o", "--to", "run:lead", "--subject", "s"], "cannot send to 'run:lead'"),
    (&["mail", "send", "--from", "o", "--to", "@everyone", "--subject", "s"], "groups are: @all, @builders"),
    (&["mail", "send", "--from", "o/p", "--to", "a", "--subject", "s"], "'o/p'"),
    (&["mail", "list", "--to", "a/b"], "'a/b'"),
    (&["mail", "list", "--from=-a"], "'-a'"),
    // Ids.
    (&["turn", "log", "lead"], "'lead' is not an id of the form t1"),
    (&["turn", "log", "r1"], "'r1' is not an id of the form t1"),
    (&["turn", "log", "t"], "'t' is not an id of the form t1"),
    (&["turn", "log", "t-1"], "'t-1' is not an id"),
    (&["turn", "log", "t99999999999999999999"], "is not an id"),
    (&["turn", "run", "--agent", "a", "--run", "t1", "--", "true"], "'t1' is not an id of the form r1"),
    (&["mail", "list", "--thread", "1"], "'1' is not an id of the form m1"),
    (&["mail", "send", "--from", "o", "--to", "a", "--subject", "s", "--reply-to", "x"], "is not an id of the form m1"),
    // Durations and numbers.
    (&["turn", "run", "--agent", "a", "--lock-wait", "5", "--", "true"], "'5' is not a duration"),
    (&["turn", "run", "--agent", "a", "--lock-wait", "1.5s", "--", "true"], "'1.5s' is not a duration"),
    (&["turn", "run", "--agent", "a", "--lock-wait=-5s", "--", "true"], "'-5s' is not a duration"),
    (&["turn", "run", "--agent", "a", "--deadline", "none", "--", "true"], "'none' is not a duration"),
    (&["turn", "run", "--agent", "a", "--deadline", "9999999999d", "--", "true"], "is too long"),
    (&["turn", "run", "--agent", "a", "--grace", "5w", "--", "true"], "'5w' is not a duration"),
    (&["turn", "run", "--agent", "a", "--stall", "never", "--", "true"], "'never' is not a duration"),
    (&["turn", "run", "--agent", "a", "--first-event", "", "--", "true"], "--first-event"),
    (&["turn", "run", "--agent", "a", "--kill-after", "2 s", "--", "true"], "'2 s' is not a duration"),
    (&["turn", "run", "--agent", "a", "--max-attempts", "0", "--", "true"], "0 is not in 1..=1000"),
    (&["turn", "run", "--agent", "a", "--max-attempts", "x", "--", "true"], "--max-attempts"),
    (&["turn", "stop", "a", "--wait", "soon"], "'soon' is not a duration"),
    (&["turn", "list", "--limit=-1"], "-1 is not in 0"),
    (&["turn", "list", "--limit", "many"], "--limit"),
    (&["mail", "list", "--limit=-1"], "-1 is not in 0"),
    (&["mail", "list", "--since", "yesterday"], "'yesterday' is not a time"),
    // Words.
    (&["turn", "list", "--format", "xml"], "possible values: jsonl, table"),
    (&["turn", "run", "--agent", "a", "--contain", "docker", "--", "true"], "possible values: auto, cgroup, subreaper"),
    (&["turn", "run", "--agent", "a", "--capability", "boss", "--", "true"], "known are: none, builder"),
    (&["turn", "run", "--agent", "a", "--runtime", "eliza", "--", "true"], "unknown runtime 'eliza'"),
    (&["mail", "send", "--from", "o", "--to", "a", "--subject", "s", "--type", "spam"], "known are: status, question"),
    (&["mail", "send", "--from", "o", "--to", "a", "--subject", "s", "--priority", "5"], "known are: low, normal"),
    (&["mail", "list", "--type", "spam"], "known are: status"),
    (&["mail", "list", "--mail-state", "gone"], "known are: stored, leased, acked, dead"),
    (&["mail", "send", "--from", "o", "--to", "a", "--subject", ""], "a subject is one line"),
    (&["mail", "send", "--from", "o", "--to", "a", "--subject", "a\nb"], "a subject is one line"),
    // What is expected.
    (&["turn", "run", "--agent", "a", "--expect", "--", "true"], "a value is required for '--expect <KIND:TARGET>'"),
    (&["turn", "run", "--agent", "a", "--expect", "x", "--", "true"], "known kinds are: mail, file, result, git"),
    (&["turn", "run", "--agent", "a", "--expect", "files:x", "--", "true"], "no kind 'files'; known kinds are: mail"),
    (&["turn", "run", "--agent", "a", "--expect", "file:", "--", "true"], "file: needs a target; known kinds are"),
    (&["turn", "run", "--agent", "a", "--expect", "mail:spam", "--", "true"], "known are: status, question"),
    (&["turn", "run", "--agent", "a", "--expect", "git:main~1", "--", "true"], "'main~1' is not the name of a ref"),
    (&["turn", "run", "--agent", "a", "--expect", "story:1-2", "--", "true"], "'story' is not known yet; known kinds"),
    // What does not go together, or is given twice.
    (&["turn", "run", "--agent", "a", "--prompt", "x", "--prompt-file", "y", "--", "true"], "cannot be used with"),
    (&["turn", "run", "--agent", "a", "--agent", "b", "--", "true"], "cannot be used multiple times"),
    (&["turn", "run", "--agent", "a", "true"], "unexpected argument 'true'"),
    (&["turn", "run", "--agent", "a", "--resume", "abc", "--", "true"], "has no sessions to resume"),
    (&["turn", "run", "--agent", "a", "--runtime", "claude", "--prompt", "x", "--resume=--help"], "a session id"),
    (&["turn", "run", "--agent", "a", "--runtime", "claude", "--prompt", "x", "--resume", ""], "--resume"),
    (&["turn", "show", "t1", "t2"], "unexpected argument 't2'"),
    (&["turn", "stop", "a", "b"], "unexpected argument 'b'"),
    // Adopted workers, and yields.
    (&["turn", "adopt", "--agent", "a"], "--pid <PID>"),
    (&["turn", "adopt", "--pid", "1"], "--agent <NAME>"),
    (&["turn", "adopt", "--agent", "a", "--pid", "1", "--tmux", "s"], "cannot be used with"),
    (&["turn", "adopt", "--agent", "a", "--pid", "1", "--socket", "s"], "cannot be used with"),
    (&["turn", "adopt", "--agent", "a", "--pid", "0"], "0 is not in 1.."),
    (&["turn", "adopt", "--agent", "a", "--pid", "$3"], "--pid"),
    (&["turn", "adopt", "--agent", "a", "--tmux", ""], "--tmux"),
    (&["turn", "adopt", "--agent", "a", "--tmux=-x"], "a session's name"),
    (&["turn", "adopt", "--agent", "a", "--tmux", "a\nb"], "a session's name"),
    (&["turn", "adopt", "--agent", "a", "--tmux", "s", "--socket=-x"], "a socket is a path"),
    (&["turn", "adopt", "--agent", "a", "--pid", "1", "--parent", "a"], "its own parent"),
    (&["turn", "adopt", "--agent", "a", "--pid", "1", "--launch-deadline", "5"], "'5' is not a duration"),
    (&["turn", "beat"], "<NAME>"),
    (&["turn", "beat", "r1"], "look like the id"),
    (&["turn", "beat", "a", "--progress", " "], "one line of 1 to"),
    (&["turn", "beat", "a", "--progress", "a\nb"], "one line of 1 to"),
    (&["turn", "end", "a"], "--outcome"),
    (&["turn", "end", "a", "--outcome", "done"], "possible values: completed, failed"),
    (&["turn", "yield"], "REFLOAT_TOKEN is not set"),
    (&["turn", "yield", "--until", "soon"], "neither a duration"),
    (&["turn", "yield", "--until", "25h"], "more than 24 h away"),
    (&["turn", "yield", "--until", "2001-01-01T00:00:00Z"], "not in the future"),
    (&["turn", "yield", "--until", "0s"], "not in the future"),
    (&["turn", "yield", "--until", "2h", "--on-mail"], "cannot be used with"),
    (&["turn", "--version", "short"], "--version stands alone"),
    (&["turn", "--version", "--schema"], "--version stands alone"),
    (&["turn", "--schema", "run"], "--schema stands alone"),
    (&["mail", "--schema", "x"], "--schema stands alone"),
    (&["turn", "list", "--version"], "unexpected argument '--version'"),
    (&["turn", "list", "--schema"], "unexpected argument '--schema'"),
];

#[test]
fn every_wrong_command_line_is_refused_with_2_and_does_nothing() {
    let home = Home::new();
    let mut wrong = Vec::new();
    for (words, contains) in REFUSED {
        let said = home.said(words);
        let form = said.err.starts_with(&format!("{}: ", words[0])) && said.err.lines().count() <= 2;
        if said.code() != 2 || !said.out.is_empty() || !form || !said.err.contains(contains) {
            wrong.push(format!("{words:?}: want {contains:?}: {said:?}"));
        }
        if !said.err.is_empty() {
            super::well_said(&said.err);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!home.path("state").exists(), "a refused command line makes no state file");
    assert_eq!(std::fs::read_dir(home.path("home")).unwrap().count(), 0);
}

#[test]
fn quiet_drops_the_hint_of_a_refusal_and_keeps_its_cause() {
    let home = Home::new();
    for words in [&["turn", "-q", "run"][..], &["turn", "run", "--quiet"], &["mail", "-q", "list", "--bogus"]] {
        let said = home.said(words).failed(2, ": ");
        assert!(!said.err.contains("hint:"), "{words:?}: {said:?}");
    }
    home.turn(&["list", "--bogus", "--", "-q"]).failed(2, "hint: ");
    home.turn(&["list"]).failed(66, "hint: ");
    let said = home.turn(&["list", "-q"]).failed(66, "no state at");
    assert!(!said.err.contains("hint:"), "{said:?}");
}

impl Home {
    /// Runs a command line whose first word is the command.
    fn said(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words[0], &words[1..]))
    }
}
