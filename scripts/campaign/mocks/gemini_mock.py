#!/usr/bin/env python3
"""A loopback stand-in for the Gemini API (v1beta generateContent, streamGenerateContent), for gemini.

Standard library only.  Binds 127.0.0.1 and nothing else.

    gemini_mock.py --port 0 --port-file PORT_FILE --scenario ok

Scenarios (what happens to POST .../models/NAME:generateContent and :streamGenerateContent):
  ok        a short text answer (--text)
  tool      one shell call (--command), then, once its output comes back, a text answer
  slow      a text answer with --delay-ms between its pieces (--events)
  length    a text answer cut by the token limit (finishReason MAX_TOKENS)
  hang      accepts the request and never answers
  hang_mid  starts to answer, then stays silent with the connection open
  drop      starts to answer, then closes the connection
  400 401 403 500 503 529   that status with a Google error body
  invalid_key   400 with reason API_KEY_INVALID, which is what Google sends for a wrong key
  no_model  404 for the model
  429       the quota of a minute, with RetryInfo (--retry-after) in the body and a retry-after header
  quota     429, the quota of a day (QuotaFailure, PerDay), with RetryInfo

--fail-first N gives the scenario to the first N requests only; later ones get `ok`.
"""
import time
import loopback

QUOTA = "You exceeded your current quota, please check your plan and billing details."
ERRORS = {
    "400": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "invalid_key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "401": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "403": (403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."),
    "no_model": (404, "NOT_FOUND", "models/none is not found for API version v1beta."),
    "429": (429, "RESOURCE_EXHAUSTED", QUOTA),
    "quota": (429, "RESOURCE_EXHAUSTED", QUOTA),
    "500": (500, "INTERNAL", "An internal error has occurred."),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "529": (529, "UNAVAILABLE", "Overloaded"),
}
TYPE = "type.googleapis.com/google.rpc."
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15, "cachedContentTokenCount": 4}


class Handler(loopback.Handler):
    def wanted(self, path):
        return path.endswith((":generateContent", ":streamGenerateContent"))

    def errors(self, scenario):
        if scenario not in ERRORS:
            return 200, None
        opt, (code, status, message) = self.server.opt, ERRORS[scenario]
        details = []
        if scenario == "invalid_key":
            details.append({"@type": TYPE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"})
        if code == 429:
            span = "Day" if scenario == "quota" else "Minute"
            details.append({"@type": TYPE + "QuotaFailure", "violations": [
                {"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                 "quotaId": "GenerateRequestsPer%sPerProjectPerModel-FreeTier" % span, "quotaValue": "20"}]})
            if opt.retry_after >= 0:
                message += "\nPlease retry in %ds." % opt.retry_after
                details.append({"@type": TYPE + "RetryInfo", "retryDelay": "%ds" % opt.retry_after})
        return code, {"error": {"code": code, "message": opt.error_message or message, "status": status,
                                "details": details}}

    def shell_call(self, body):
        """A call of the offered shell tool, or None."""
        for tool in body.get("tools") or []:
            for function in tool.get("functionDeclarations") or []:
                if function.get("name") == "run_shell_command":
                    schema = function.get("parametersJsonSchema") or function.get("parameters")
                    return {"functionCall": {"name": function["name"],
                                             "args": loopback.arguments(schema, self.server.opt.command)}}
        return None

    def answer(self, body, scenario):
        last = ((body.get("contents") or [{}])[-1].get("parts")) or []
        answered = any("functionResponse" in part for part in last)
        call = self.shell_call(body) if scenario == "tool" and not answered else None
        reason = "MAX_TOKENS" if scenario == "length" else "STOP"
        head = {"modelVersion": "gemini-mock", "responseId": "mock-%d" % time.time_ns()}

        def part(content, **more):
            return dict(head, candidates=[dict({"content": {"role": "model", "parts": [content]}, "index": 0}, **more)])
        if not self.path.split("?")[0].endswith(":streamGenerateContent"):
            content = call or {"text": "".join(self.pieces(scenario, answered))}
            return self.send_json(200, dict(part(content, finishReason=reason), usageMetadata=USAGE))
        self.begin()
        if call:
            self.send(dict(part(call, finishReason="STOP"), usageMetadata=USAGE))
        else:
            for piece in self.pieces(scenario, answered):
                self.send(part({"text": piece}))
            self.send(dict(part({"text": ""}, finishReason=reason), usageMetadata=USAGE))
        self.end()


if __name__ == "__main__":
    loopback.main(__doc__, Handler, ERRORS)
