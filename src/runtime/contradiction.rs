//! What no description may say, though each of its keys is well formed: the first contradiction, by its key.
//! Called for every description that is read. Pure.

use super::description::{Description, LineKind, LineRule, Output, PromptBy, Refused, Says, SessionBy, Verdict};

/// What is wrong, and the key where it is to be mended; none if nothing is.
pub(super) fn contradiction(of: &Description) -> Option<(&'static str, &'static str)> {
    let start = start_rules(of);
    let lines = line_rules(of);
    let broken = start.iter().chain(&lines).find(|(broken, ..)| *broken).map(|(_, key, what)| (*key, *what));
    broken.or_else(|| of.lines.iter().find_map(line))
}

type Rule = (bool, &'static str, &'static str);

/// How it is started.
fn start_rules(of: &Description) -> [Rule; 11] {
    let times = |word: &str| of.args.iter().filter(|arg| *arg == word).count();
    let prompts = of.args.iter().filter(|arg| arg.contains("{prompt}")).count();
    let has_id = |list: &[String]| list.iter().any(|arg| arg.contains("{id}"));
    let clocks = [of.clocks.first_event_s, of.clocks.stall_s, of.clocks.stall_tool_s];
    let own = of.session.is_some() || of.lines.iter().any(|rule| rule.session.is_some());
    [
        (of.name.is_empty(), "name", "it is empty"),
        (times("{args}") != 1, "args", "{args}, the place of the caller's arguments, must be there exactly once"),
        (
            (of.prompt == PromptBy::Argument) != (prompts == 1),
            "args",
            "{prompt} is there exactly once with prompt = \"argument\", and never else",
        ),
        (times("{session}") > 1, "args", "{session} is there more than once"),
        (
            times("{session}") == 0 && !(of.fresh.is_empty() && of.resume.is_empty()),
            "args",
            "fresh and resume need {session}",
        ),
        (
            (of.session_by == SessionBy::Caller) != has_id(&of.fresh),
            "fresh",
            "{id} is there with session_by = \"caller\", and never else",
        ),
        (
            (of.session_by != SessionBy::None) != has_id(&of.resume),
            "resume",
            "{id} is there unless session_by = \"none\", and never then",
        ),
        (
            of.session_by == SessionBy::Program && !own,
            "session",
            "with session_by = \"program\" the id must stand in the stream",
        ),
        (clocks.contains(&Some(0)), "clocks", "a clock of 0 s ends every turn; leave it out to switch it off"),
        (of.prompt == PromptBy::None && of.prompt_required, "prompt_required", "there is no way for a prompt to go in"),
        (
            of.session_by == SessionBy::None && of.refused.iter().any(|rule| rule.what == Refused::Session),
            "refused",
            "a session is refused, and session_by = \"none\"",
        ),
    ]
}

/// How its stream is read, as a whole.
fn line_rules(of: &Description) -> [Rule; 6] {
    let terminal_lines = of.lines.iter().any(|rule| rule.kind == LineKind::Terminal);
    let verdicts = of.lines.iter().any(|rule| matches!(rule.verdict, Some(Verdict::Own | Verdict::Failed)));
    let standing = of.lines.iter().any(|rule| rule.verdict == Some(Verdict::Standing));
    let at_end = of.terminal.as_ref().is_some_and(|rules| rules.at_end);
    let json = of.output == Output::JsonLines;
    [
        (!json && !of.lines.is_empty(), "line", "there are no lines to know with output = \"opaque\""),
        (
            json && !terminal_lines && !(at_end && verdicts),
            "line",
            "none has kind = \"terminal\", so no turn would have a result; a program without such a line needs \
             terminal.at_end and a line with a verdict",
        ),
        (json != of.terminal.is_some(), "terminal", "it goes with output = \"json_lines\""),
        (of.terminal.as_ref().is_some_and(|rules| rules.clean.is_empty()), "clean", "it must ask something"),
        ((standing || at_end) && !verdicts && !terminal_lines, "verdict", "no line gives a verdict that could stand"),
        (
            of.lines.iter().any(|rule| rule.usage) && of.usage.is_none(),
            "usage",
            "a line has usage = true, and there is no [usage] to say where it stands",
        ),
    ]
}

/// One line rule by itself.
fn line(rule: &LineRule) -> Option<(&'static str, &'static str)> {
    use LineKind::{Blank, NotJson, NotUtf8, Oversize, Terminal, ToolClose, ToolOpen, Unknown};
    let tools = matches!(rule.kind, ToolOpen | ToolClose);
    let tells = rule.limit_kind.is_some() || rule.resets_at.is_some() || rule.retry_after.is_some();
    let rules: [Rule; 6] = [
        (rule.types.is_empty(), "type", "a line without a type fits nothing"),
        (
            matches!(rule.kind, Unknown | NotJson | NotUtf8 | Blank | Oversize),
            "kind",
            "that is what lines are called which no rule knows",
        ),
        (tools != rule.tool.is_some(), "tool", "it goes with kind = \"tool_open\" and \"tool_close\""),
        (
            tells && rule.says != Some(Says::Limit),
            "says",
            "limit_kind, resets_at and retry_after go with says = \"limit\"",
        ),
        (
            rule.kind == Terminal && matches!(rule.verdict, Some(Verdict::Failed | Verdict::Spoils)),
            "verdict",
            "that of a terminal line is \"own\" or \"standing\"",
        ),
        (
            rule.kind != Terminal && rule.verdict == Some(Verdict::Standing),
            "verdict",
            "only a terminal line can take the standing one",
        ),
    ];
    rules.iter().find(|(broken, ..)| *broken).map(|(_, key, what)| (*key, *what))
}
