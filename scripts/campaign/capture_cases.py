"""The situations that `capture` puts agent programs into. Read by `capture` alone; programs.py starts the programs.

A case:
  expect    what a supervisor must conclude, from what the mock really did (tests/fixtures/README.md has the words)
  mock      scenario and options of the mock; None: nothing listens
  notes     the situation in words
  tools     the program may run its shell tool without asking
  retries   attempts that the program's own settings allow (gemini, pi; the others have no such setting)
  before    changes to the case, for a run made first in the same home
  resume    True: the session of the run before; a text: that id
  signal    (name, trigger, delay_s, target): trigger ("requests", n) | ("lines", n) | ("t", s); target "pid" | "group"
  limit     seconds after which the group gets SIGKILL (`cut_ms` in the meta file) [60]
  stdin     text of a file given as stdin, in place of the prompt on the command line
  running   what a supervisor should show until the end, where that differs (`while_running`)
  native    starts this program of node_modules/.bin in place of the one named so
  prompt, env, args, no_key, no_settings, max_turns    as they say
"""
import copy

from programs import PROGRAMS

UNKNOWN = "00000000-0000-4000-8000-000000000000"
CHOSEN = "11111111-1111-4111-8111-111111111111"
CASES = {name: {} for name in PROGRAMS}


def every(name, expect, mock, notes, **kw):
    """The same case of all four programs."""
    for cli in PROGRAMS:
        one(cli, name, expect, mock, notes, **kw)


def but(cli, name, notes="", **changes):
    """What is different about a case of every() for this program; notes are added."""
    CASES[cli][name].update(changes, notes=(CASES[cli][name]["notes"] + " " + notes).strip())


def one(cli, name, expect, mock, notes, **kw):
    CASES[cli][name] = copy.deepcopy(dict(expect=expect, mock=mock, notes=notes, **kw))


LONG_TOOL = ["tool", "--command", "echo started; sleep 40; echo done"]
# Terminal lines as each program writes them, for the model, a tool or an error to quote.
FAKES = {
    "gemini": ('{"type":"result","status":"error","error":{"type":"Error","message":"429 rate limit"},"stats":{}}',
               '{"type":"result","status":"success","stats":{}}'),
    "opencode": ('{"type":"error","error":{"name":"APIError","data":{"message":"429 rate limit","statusCode":429}}}',
                 '{"type":"step_finish","part":{"type":"step-finish","reason":"stop"}}'),
    "pi": ('{"type":"agent_end","messages":[{"role":"assistant","stopReason":"error","errorMessage":"429 rate limit"}]}',
           '{"type":"agent_end","messages":[{"role":"assistant","stopReason":"stop"}],"willRetry":false}'),
    "copilot": ('{"type":"result","sessionId":"%s","exitCode":1}' % UNKNOWN, '{"type":"result","exitCode":0}'),
}

every("ok", "completed", ["ok"], "A plain text answer.")
every("tool", "completed", ["tool"], "One shell call, then a text answer.", tools=True)
every("tool_fails", "completed", ["tool", "--command", "echo bad >&2; exit 3"],
      "The command of the tool call exits 3; the turn goes on and completes.", tools=True)
for cli in ("gemini", "opencode", "copilot"):
    one(cli, "tool_denied", "completed", ["tool", "--command", "touch made-by-tool"],
        "The program's default permissions: nobody is there to allow the call.")
every("tool_bg", "completed", ["tool", "--command", "sleep 30 & echo started"],
      "The tool's command leaves `sleep 30` running in the background, holding the tool's own output.", tools=True, limit=50)
every("tool_bg_setsid", "completed", ["tool", "--command", "setsid sleep 30 >/dev/null 2>&1 & echo started"],
      "As tool_bg, with the background child in a session of its own and without the tool's output.", tools=True, limit=50)
every("tool_env", "completed", ["tool", "--command", "echo mark=$RUN_MARK; env | cut -d= -f1 | sort | tr '\\n' ' '"],
      "The tool's command prints the names of its environment; RUN_MARK=abc was set on the program.", tools=True,
      env={"RUN_MARK": "abc"})
every("tool_long", "completed", ["tool", "--command", "for i in 1 2 3 4; do echo tick $i; sleep 3; done"],
      "One shell call that takes 12 s and prints a line every 3 s.", tools=True)
every("slow", "completed", ["slow", "--delay-ms", "500", "--events", "10"], "10 pieces of the answer, 500 ms apart.")
every("length", "completed", ["length"], "The answer is cut by the token limit.")
every("hang", "no terminal event", ["hang"], "The API never answers; cut after 30 s of silence.", limit=30)
every("hang_mid", "no terminal event", ["hang_mid"], "The API starts to answer, then is silent; cut after 30 s.", limit=30)

every("400", "failed", ["400"], "The API rejects the request.", retries=2)
for cli in ("opencode", "pi", "copilot"):
    one(cli, "context", "failed", ["context"], "400: the prompt is longer than the model's context.", retries=2)
every("401", "auth", ["401"], "The API rejects the key (401).", retries=2)
one("gemini", "401_invalid_key", "auth", ["invalid_key"], "400 with reason API_KEY_INVALID, Google's answer to a wrong key.")
one("gemini", "404", "failed", ["no_model"], "The API does not know the model.", retries=2)
every("403", "auth", ["403"], "The API refuses the key (403).", retries=2)
for cli, (error, success) in FAKES.items():
    one(cli, "401_with_traps", "auth", ["401", "--error-message", "Bad key.\n%s\nok" % success],
        "401, whose message quotes a terminal line of success.", retries=2)
    one(cli, "answer_with_traps", "completed",
        ["ok", "--text", "I saw:\n%s\nError: 429 rate limit, retry later.\u2028%s\u0085end" % (error, error)],
        "The answer quotes a terminal line of failure, a rate limit, U+2028 and U+0085.")
    one(cli, "tool_with_traps", "completed", ["tool", "--command", "echo '%s'; echo '429 rate limit' >&2; exit 1" % error],
        "The command of the tool call prints a terminal line of failure and a rate limit.", tools=True)
every("429", "limited", ["429", "--retry-after", "2"], "Rate limited with retry-after: 2, one retry allowed.", retries=2,
      limit=120)
every("429_date", "limited", ["429", "--retry-date", "3", "--retry-after", "-1"],
      "Rate limited with a retry-after date 3 s ahead, one retry allowed.", retries=2, limit=120)
every("429_no_header", "limited", ["429", "--retry-after", "-1"], "Rate limited without retry-after, one retry allowed.",
      retries=2, limit=150)
every("429_reset_text", "limited", ["429", "--retry-after", "-1", "--error-message",
                                    "You have hit your usage limit. Your limit resets at NOW+3600."],
      "Rate limited; only the text of the error names the time.", retries=2, limit=150)
every("429_long_wait", "limited", ["429", "--retry-after", "3600"], "Rate limited with retry-after: 3600.", retries=2, limit=30)
every("429_retrying", "interrupted", ["429", "--retry-after", "15"],
      "Rate limited, the program's own number of retries; SIGTERM after 35 s while it waits.",
      signal=("SIGTERM", ("t", 35), 0, "pid"), running="limited")
every("429_then_ok", "completed", ["429", "--retry-after", "2", "--fail-first", "1"],
      "Rate limited once, then served: the program's own retry succeeds.", retries=3)
every("quota", "limited", ["quota"], "429 with the provider's body of a used-up quota.", retries=2, limit=150)
every("500", "failed", ["500"], "Server error, one retry allowed.", retries=2, limit=120)
every("503", "failed", ["503", "--retry-after", "1"], "Overloaded (503) with retry-after: 1, one retry allowed.", retries=2,
      limit=120)
every("529", "failed", ["529", "--retry-after", "1"], "Overloaded (529) with retry-after: 1, one retry allowed.", retries=2,
      limit=120)
every("500_then_ok", "completed", ["500", "--fail-first", "1"], "One server error, then served.", retries=3)
every("drop", "failed", ["drop"], "Each answer breaks off mid-stream, one retry allowed.", retries=2, limit=120)
every("drop_once", "completed", ["drop", "--fail-first", "1"], "The first answer breaks off.", retries=3)
every("refused", "failed", None, "Nothing listens on the port, one retry allowed.", retries=2, limit=120)
every("no_key", "auth", ["ok"], "No API key in the environment or the settings.", no_key=True)
one("gemini", "no_auth", "auth", ["ok"], "Neither a key nor settings that name a way to log in.", no_key=True, no_settings=True,
    env={"GOOGLE_GEMINI_BASE_URL": None})
every("bad_flag", "failed", ["ok"], "An unknown command-line option.", args=["--no-such-option"])
every("stdin_file", "completed", ["ok"], "The prompt comes from a regular file on stdin.", stdin="hi\n")
every("stdin_empty_file", "failed", ["ok"], "No prompt, and stdin is an empty file.", stdin="")

every("resume", "completed", ["ok"], "Second run of an existing session.", before={}, resume=True)
every("resume_unknown", "failed", ["ok"], "Resume of a session id that does not exist.", resume=UNKNOWN)
but("opencode", "resume_unknown", resume="ses_000000000000AAAAAAAAAAAAAA")
every("resume_unknown_among", "failed", ["ok"], "Resume of a session id that does not exist, where another one does.",
      before={}, resume=UNKNOWN)
but("opencode", "resume_unknown_among", resume="ses_000000000000AAAAAAAAAAAAAA")
for name in ("SIGTERM", "SIGKILL"):
    every("resume_after_" + name.lower(), "completed", ["ok"], "Resume of a session whose first run got %s (process group)"
          " in a tool call." % name,
          before={"mock": LONG_TOOL, "tools": True, "signal": (name, ("requests", 1), 2.5, "group")}, resume=True)
    but("copilot", "resume_after_" + name.lower(), resume=CHOSEN)
    CASES["copilot"]["resume_after_" + name.lower()]["before"]["args"] = ["--session-id", CHOSEN]
for cli in ("gemini", "pi", "copilot"):
    one(cli, "session_id_given", "completed", ["ok"], "--session-id chosen by the caller.", args=["--session-id", CHOSEN])
    one(cli, "session_id_in_use", "completed", ["ok"], "--session-id of a session that exists.", before={},
        args=["--session-id", CHOSEN])
    one(cli, "resume_after_sigterm_hang", "completed", ["ok"], "Resume of a session whose first run got SIGTERM (process group)"
        " while the API was silent.", resume=CHOSEN,
        before={"mock": ["hang"], "args": ["--session-id", CHOSEN], "signal": ("SIGTERM", ("requests", 1), 2, "group")})
    one(cli, "resume_given", "completed", ["ok"], "Resume of a session whose id the caller chose.",
        before={"args": ["--session-id", CHOSEN]}, resume=True)

for name in ("sigterm", "sigint", "sighup"):
    upper = name.upper()
    every(name + "_hang", "interrupted", ["hang"], upper + " 2 s after the request, while the API is silent.",
          signal=(upper, ("requests", 1), 2, "pid"), limit=25)
    every(name + "_tool", "interrupted", LONG_TOOL, upper + " 2 s into a tool call that sleeps 40 s.", tools=True,
          signal=(upper, ("requests", 1), 2.5, "pid"), limit=25)
    if name != "sighup":
        every(name + "_slow", "interrupted", ["slow", "--delay-ms", "500", "--events", "40"], upper + " 2 s into a slow answer.",
              signal=(upper, ("requests", 1), 2, "pid"), limit=25)
        every(name + "_tool_group", "interrupted", LONG_TOOL, upper + ", to the process group, 2 s into a tool call that sleeps"
              " 40 s.", tools=True, signal=(upper, ("requests", 1), 2.5, "group"), limit=25)
every("sigkill_slow", "killed", ["slow", "--delay-ms", "500", "--events", "24"],
      "SIGKILL, to the process alone, 2 s into a 12 s answer.", signal=("SIGKILL", ("requests", 1), 2, "pid"), limit=25)
every("sigkill_tool", "killed", ["tool", "--command", "echo started; sleep 20; echo done"],
      "SIGKILL, to the process alone, 2 s into a tool call that sleeps 20 s.", tools=True,
      signal=("SIGKILL", ("requests", 1), 2.5, "pid"), limit=25)
every("sigkill_tool_group", "killed", ["tool", "--command", "echo started; sleep 20; echo done"],
      "SIGKILL, to the process group, 2 s into a tool call that sleeps 20 s.", tools=True,
      signal=("SIGKILL", ("requests", 1), 2.5, "group"), limit=25)

one("gemini", "loop", "failed", ["ok", "--text", "I will now do the same thing once more. " * 40],
    "The answer repeats one sentence: the program's loop detection stops it.")
one("gemini", "max_turns", "failed", ["tool"], "model.maxSessionTurns 1 and a tool call.", tools=True, max_turns=1)

# gemini and copilot are two processes each: the one that is started, and the agent.
for cli in ("gemini", "copilot"):
    for name in ("sigterm", "sigint"):
        one(cli, name + "_hang_group", "interrupted", ["hang"], name.upper() + ", to the process group, 2 s after the request,"
            " while the API is silent.", signal=(name.upper(), ("requests", 1), 2, "group"))
for key, cli, extra, what in (("one_process", "gemini", {"env": {"GEMINI_CLI_NO_RELAUNCH": "true"}}, "GEMINI_CLI_NO_RELAUNCH=true"),
                              ("native", "copilot", {"native": "copilot-linux-x64"}, "the native program, without its Node wrapper")):
    one(cli, key + "_ok", "completed", ["ok"], "As ok: %s." % what, **extra)
    for name in ("sigterm", "sigint", "sigkill"):
        signal = (name.upper(), ("requests", 1), 2.5, "pid")
        expect = "killed" if name == "sigkill" else "interrupted"
        one(cli, "%s_%s_tool" % (key, name), expect, LONG_TOOL, "As %s_tool: %s." % (name, what), tools=True, signal=signal, **extra)
        if name != "sigkill":
            one(cli, "%s_%s_hang" % (key, name), expect, ["hang"], "As %s_hang: %s." % (name, what), signal=signal, **extra)

but("opencode", "length", "The stream says so.")
but("pi", "length", "The stream says so.")
but("gemini", "length", "Nothing in the stream tells it from a whole answer.")
but("copilot", "length", "It asks again, twice; then nothing in the stream tells the answer from a whole one.")
but("pi", "429_retrying", "It gives up before that.", expect="limited", running=None)
but("pi", "stdin_empty_file", expect="no terminal event")
but("gemini", "drop_once", "It does not ask again once there was text.", expect="failed")
for name in ("sigterm_slow", "sigint_slow"):
    but("gemini", name, limit=25, mock=["slow", "--delay-ms", "500", "--events", "80"])
but("opencode", "429_long_wait", "It waits, and nothing it prints says so.", expect="no terminal event", running="limited")
but("opencode", "no_key", "A provider that demands a key (openai).")
but("gemini", "session_id_in_use", "It is refused; the others go on with the session.", expect="failed")
but("gemini", "tool_denied", "The shell tool is not even offered to the model.")
for name in ("429_retrying", "sigterm_hang", "sigterm_slow", "sigterm_tool", "sigint_hang", "sigint_slow", "sigint_tool",
             "sighup_hang", "sighup_tool"):
    but("gemini", name, "Only the outer process gets the signal, and ignores it; the capture ends the run.", limit=45 if "429" in name else 25)
for name in ("sigterm_hang", "sigint_hang", "sighup_hang"):
    but("gemini", name, limit=15)
but("opencode", "tool_denied", "The call runs all the same: shell commands are allowed by default.")
but("pi", "resume_after_sigterm_hang", "Nothing had been saved by then.", expect="failed")
for name in ("resume_after_sigterm", "resume_after_sigkill", "resume_after_sigterm_hang"):
    but("gemini", name, "The id is the same, but what was said before is not sent to the model again.")
