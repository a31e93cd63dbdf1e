#!/usr/bin/env python3
"""programs: how gemini, opencode, pi and copilot are started without a screen and pointed at a mock of their API.

Used by `capture` (as a module) and by `agents` (as a command). Loopback only: no key and no account is used.

Usage:  programs.py NAME --home DIR --port PORT [--tools]
        Writes the settings of the program under DIR and prints, each ended by a NUL: the lines of its environment
        (NAME=VALUE), an empty one, and the options that come after those of `turn run --runtime NAME`.

What the functions read of a case: port; tools (the shell tool may run without asking); retries (attempts, where the
program has a setting for them); args, prompt, stdin, no_key, no_settings, max_turns as in capture_cases.py.
"""
import argparse, json, os, sys

PORT = 8080


def url(case):
    return "http://127.0.0.1:%d" % case.get("port", PORT)


def last_of(out, kinds, fields):
    """The deciding fields of the last line of these types, and its number; None without one."""
    found = None
    for i, line in enumerate(out.split(b"\n")):
        try:
            d = json.loads(line)
        except ValueError:
            continue
        if isinstance(d, dict) and d.get("type") in kinds:
            found = dict({"type": d["type"]}, **fields(d))
            found["line"] = i + 1
    return found


# ---------------------------------------------------------------- gemini


def gemini_files(case):
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False},
                "general": {"enableAutoUpdate": False}}
    if case.get("retries"):
        settings["general"]["maxAttempts"] = case["retries"]
    if case.get("max_turns"):
        settings["model"] = {"maxSessionTurns": case["max_turns"]}
    return {".gemini/settings.json": None if case.get("no_settings") else json.dumps(settings)}


def gemini_options(case):
    return ["--skip-trust", "-m", "gemini-2.5-flash"] + (["--approval-mode", "yolo"] if case.get("tools") else [])


def gemini_argv(case, session):
    argv = ["gemini", "--output-format", "stream-json"] + gemini_options(case) + case.get("args", [])
    argv += ["--resume", session] if session else []
    return argv + ([] if "stdin" in case else ["-p", case.get("prompt", "hi")])


def gemini_env(case):
    env = {"GOOGLE_GEMINI_BASE_URL": url(case), "GEMINI_API_KEY": "test-key"}
    if case.get("no_key"):
        del env["GEMINI_API_KEY"]
    return env


def gemini_terminal(out):
    return last_of(out, ("result",), lambda d: {k: d[k] for k in ("status", "error") if k in d})


# ---------------------------------------------------------------- opencode


def opencode_files(case):
    options = {"baseURL": url(case) + "/v1", "apiKey": "test-key"}
    models = {"mock-model": {"name": "mock-model", "limit": {"context": 100000, "output": 8000}}}
    providers = {"mock": {"npm": "@ai-sdk/openai-compatible", "name": "mock", "options": options, "models": models}}
    if case.get("no_key"):  # one that demands a key
        del options["apiKey"]
        providers = {"openai": {"options": options, "models": models}}
    return {".config/opencode/opencode.json": json.dumps({
        "$schema": "https://opencode.ai/config.json", "autoupdate": False, "share": "disabled", "provider": providers})}


def opencode_options(case):
    # A title: without one there is a second request beside the first, for a title.
    model = "openai/mock-model" if case.get("no_key") else "mock/mock-model"
    return ["--model", model, "--title", "t"] + (["--auto"] if case.get("tools") else [])


def opencode_argv(case, session):
    argv = ["opencode", "run", "--format", "json"] + opencode_options(case) + case.get("args", [])
    argv += ["--session", session] if session else []
    return argv + ([] if "stdin" in case else [case.get("prompt", "hi")])


def opencode_env(case):
    return {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1"}


def opencode_terminal(out):
    def fields(d):
        part = d.get("part") or {}
        return {k: v for k, v in (("reason", part.get("reason", d.get("reason"))), ("error", d.get("error"))) if v is not None}
    return last_of(out, ("step_finish", "error", "done"), fields)


# ---------------------------------------------------------------- pi


def pi_files(case):
    provider = {"baseUrl": url(case) + "/v1", "api": "openai-completions", "apiKey": "$MOCK_API_KEY",
                "models": [{"id": "mock-model"}]}
    files = {".pi/agent/models.json": json.dumps({"providers": {"mock": provider}})}
    if case.get("retries"):
        files[".pi/agent/settings.json"] = json.dumps({"retry": {"maxRetries": case["retries"] - 1, "baseDelayMs": 500}})
    return files


def pi_options(case):
    # A short system prompt: pi prints it three times. There is no asking before a tool.
    return ["--provider", "mock", "--model", "mock-model", "--system-prompt", "Be brief."]


def pi_argv(case, session):
    argv = ["pi", "--mode", "json"] + pi_options(case) + case.get("args", []) + (["--session", session] if session else [])
    return argv + ([] if "stdin" in case else [case.get("prompt", "hi")])


def pi_env(case):
    env = {"PI_OFFLINE": "1", "PI_TELEMETRY": "0", "MOCK_API_KEY": "test-key"}
    if case.get("no_key"):
        del env["MOCK_API_KEY"]
    return env


def pi_terminal(out):
    def fields(d):
        last = [m for m in d["messages"] if m.get("role") == "assistant"][-1:]
        found = {k: m[k] for m in last for k in ("stopReason", "errorMessage") if k in m}
        return dict(found, **{k: d[k] for k in ("willRetry",) if k in d})
    return last_of(out, ("agent_end",), fields)


# ---------------------------------------------------------------- copilot


def copilot_options(case):
    return ["--allow-all-tools"] if case.get("tools") else []


def copilot_argv(case, session):
    argv = ["copilot", "--output-format", "json", "--log-level", "none", "--no-color", "--no-auto-update"]
    argv += copilot_options(case) + case.get("args", []) + (["--resume=" + session] if session else [])
    return argv + ([] if "stdin" in case else ["-p", case.get("prompt", "hi")])


def copilot_env(case):
    env = {"COPILOT_PROVIDER_BASE_URL": url(case) + "/v1", "COPILOT_PROVIDER_TYPE": "openai", "COPILOT_PROVIDER_API_KEY": "test-key",
           "COPILOT_MODEL": "gpt-4.1", "COPILOT_OFFLINE": "true"}
    if case.get("no_key"):
        for name in ("COPILOT_PROVIDER_BASE_URL", "COPILOT_PROVIDER_API_KEY", "COPILOT_OFFLINE"):
            del env[name]
    return env


def copilot_terminal(out):
    return last_of(out, ("result",), lambda d: {k: d[k] for k in ("exitCode", "usage") if k in d})


PROGRAMS = {
    "gemini": {"mock": "gemini_mock.py", "files": gemini_files, "options": gemini_options, "argv": gemini_argv,
               "env": gemini_env, "terminal": gemini_terminal, "session": '"session_id":"([0-9a-f-]{36})"'},
    "opencode": {"mock": "chat_mock.py", "files": opencode_files, "options": opencode_options, "argv": opencode_argv,
                 "env": opencode_env, "terminal": opencode_terminal, "session": '"sessionID":"(ses_[0-9A-Za-z]+)"'},
    "pi": {"mock": "chat_mock.py", "files": pi_files, "options": pi_options, "argv": pi_argv, "env": pi_env,
           "terminal": pi_terminal, "session": '"type":"session","version":[0-9]+,"id":"([0-9a-f-]{36})"'},
    "copilot": {"mock": "chat_mock.py", "files": lambda case: {}, "options": copilot_options, "argv": copilot_argv,
                "env": copilot_env, "terminal": copilot_terminal, "session": '"sessionId":"([0-9a-f-]{36})"'},
}


def write_files(program, case, home):
    """Writes the settings; returns them as {path below home: text}."""
    files = {name: text for name, text in PROGRAMS[program]["files"](case).items() if text is not None}
    for name, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(home, name)), exist_ok=True)
        with open(os.path.join(home, name), "w") as f:
            f.write(text)
    return files


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("program", choices=PROGRAMS)
    ap.add_argument("--home", required=True)
    ap.add_argument("--port", type=int, required=True)
    ap.add_argument("--tools", action="store_true")
    opt = ap.parse_args()
    case = {"port": opt.port, "tools": opt.tools, "retries": 2}
    write_files(opt.program, case, opt.home)
    env = ["%s=%s" % item for item in PROGRAMS[opt.program]["env"](case).items()]
    sys.stdout.write("".join(part + "\0" for part in env + [""] + PROGRAMS[opt.program]["options"](case)))


if __name__ == "__main__":
    main()
