#!/usr/bin/env python3
"""A loopback stand-in for the OpenAI Chat Completions API, for opencode, pi and copilot.

Standard library only.  Binds 127.0.0.1 and nothing else.

    chat_mock.py --port 0 --port-file PORT_FILE --scenario ok

Scenarios (what happens to POST .../chat/completions, streamed or not as the request asks):
  ok        a short text answer (--text)
  tool      one shell call (--command), then, once its output comes back, a text answer
  slow      a text answer with --delay-ms between its pieces (--events)
  length    a text answer cut by the token limit (finish_reason length)
  hang      accepts the request and never answers
  hang_mid  starts to answer, then stays silent with the connection open
  drop      starts to answer, then closes the connection
  400 401 403 500 503 529   that status with an OpenAI error body
  context   400, the prompt is longer than the model's context
  429       the same, with a retry-after header (--retry-after, --retry-date)
  quota     429 with the body of an account without credit (insufficient_quota), no retry-after

--fail-first N gives the scenario to the first N requests only; later ones get `ok`.
"""
import json, time
import loopback

ERRORS = {
    "400": (400, "invalid_request_error", "invalid_value", "This request is malformed."),
    "context": (400, "invalid_request_error", "context_length_exceeded",
                "This model's maximum context length is 100000 tokens. Your request has 100500 tokens."),
    "401": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: test-key."),
    "403": (403, "invalid_request_error", "forbidden", "This key may not use this model."),
    "429": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again in %ds."),
    "500": (500, "server_error", None, "The server had an error while processing your request."),
    "503": (503, "server_error", "server_is_overloaded", "Our servers are currently overloaded."),
    "529": (529, "server_error", "server_is_overloaded", "Overloaded"),
    "quota": (429, "insufficient_quota", "insufficient_quota",
              "You exceeded your current quota, please check your plan and billing details."),
}
SHELLS = ("bash", "shell", "run_shell_command")
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
         "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 0}}


class Handler(loopback.Handler):
    def wanted(self, path):
        return path.endswith("/chat/completions")

    def errors(self, scenario):
        if scenario not in ERRORS:
            return 200, None
        opt, (status, kind, code, message) = self.server.opt, ERRORS[scenario]
        if "%d" in message:
            message %= max(opt.retry_after, opt.retry_date, 0)
        return status, {"error": {"message": opt.error_message or message, "type": kind, "param": None, "code": code}}

    def shell_call(self, body):
        """A call of the offered shell tool, or None."""
        for tool in body.get("tools") or []:
            function = tool.get("function") or {}
            if function.get("name") in SHELLS:
                args = loopback.arguments(function.get("parameters"), self.server.opt.command)
                return {"id": "call_mock_%d" % time.time_ns(), "type": "function",
                        "function": {"name": function["name"], "arguments": json.dumps(args)}}
        return None

    def answer(self, body, scenario):
        last_user = max((i for i, m in enumerate(body.get("messages") or []) if m.get("role") == "user"), default=0)
        answered = any(m.get("role") == "tool" for m in (body.get("messages") or [])[last_user:])
        call = self.shell_call(body) if scenario == "tool" and not answered else None
        head = {"id": "chatcmpl-mock-%d" % time.time_ns(), "created": int(time.time()), "model": body.get("model")}
        finish = "tool_calls" if call else "length" if scenario == "length" else "stop"
        if not body.get("stream"):
            message = {"role": "assistant", "content": None if call else "".join(self.pieces(scenario, answered))}
            if call:
                message["tool_calls"] = [call]
            return self.send_json(200, dict(head, object="chat.completion", usage=USAGE, choices=[
                {"index": 0, "message": message, "finish_reason": finish}]))
        self.begin()
        chunk = dict(head, object="chat.completion.chunk")

        def send(delta, reason=None):
            self.send(dict(chunk, choices=[{"index": 0, "delta": delta, "finish_reason": reason}]))
        send({"role": "assistant", "content": ""})
        if call:
            send({"tool_calls": [dict(call, index=0)]})
        else:
            for piece in self.pieces(scenario, answered):
                send({"content": piece})
        send({}, finish)
        self.send(dict(chunk, choices=[], usage=USAGE))
        self.send("[DONE]")
        self.end()


if __name__ == "__main__":
    loopback.main(__doc__, Handler, ERRORS)
