"""What the mocks of a model API have in common: a server on 127.0.0.1, its options, its log, its scenarios.

Used by chat_mock.py and gemini_mock.py, each of which adds the form of one API. Standard library only.
It binds 127.0.0.1 and nothing else, and never calls out.
"""
import argparse, email.utils, json, os, re, select, signal, socketserver, sys, threading, time
from http.server import BaseHTTPRequestHandler

ANSWERS = ("ok", "tool", "slow", "hang", "hang_mid", "drop", "length")


def text_pieces(opt, scenario):
    """The answer, in the pieces it is sent in."""
    if opt.text is not None:
        return [opt.text[i:i + 40] for i in range(0, len(opt.text), 40)]
    if scenario == "slow":
        return ["word%d " % i for i in range(opt.events)]
    return ["Hello ", "from ", "the ", "mock."]


def arguments(schema, command):
    """Arguments for a shell tool, whatever else its schema demands."""
    filler = {"string": "a command", "boolean": False, "number": 0, "integer": 0, "array": [], "object": {}}
    found = {"command": command}
    for name in (schema or {}).get("required") or []:
        prop = (schema.get("properties") or {}).get(name) or {}
        kind = str(prop.get("type", "string")).lower()
        found.setdefault(name, (prop.get("enum") or [filler.get(kind, "")])[0] if prop.get("enum") else filler.get(kind, ""))
    return found


class Handler(BaseHTTPRequestHandler):
    """One request. A subclass has: wanted(path), errors(scenario), answer(body, scenario)."""
    protocol_version = "HTTP/1.1"
    server_version = "mock"

    def log_message(self, *args):
        pass

    def note(self, **fields):
        self.server.note(method=self.command, path=self.path.split("key=")[0], **fields)

    def send_json(self, status, obj, headers=()):
        data = json.dumps(obj).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.note(status=404)
        self.send_json(404, {"error": {"message": "Not found", "type": "invalid_request_error", "code": 404}})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.wanted(self.path.split("?")[0]):
            return self.do_GET()
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        try:
            self.decide(body)
        except OSError as err:  # the client went away
            self.note(client_gone=type(err).__name__)
            self.close_connection = True

    def decide(self, body):
        opt, n = self.server.opt, self.server.count()
        scenario = opt.scenario if not opt.fail_first or n <= opt.fail_first else "ok"
        status, error = self.errors(scenario)
        turns = body.get("messages") or body.get("contents") or []
        self.note(request=n, scenario=scenario, status=status, messages=len(turns))
        if error is None:
            return self.wait_for_close() if scenario == "hang" else self.answer(body, scenario)
        error["error"]["message"] = re.sub(r"NOW\+(\d+)", lambda m: time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + int(m.group(1)))), error["error"]["message"])
        headers = [(name.strip(), value.strip()) for name, value in (h.split(":", 1) for h in opt.header)]
        if status in (429, 503, 529) and scenario != "quota":
            if opt.retry_date >= 0:
                headers.append(("retry-after", email.utils.formatdate(time.time() + opt.retry_date, usegmt=True)))
            elif opt.retry_after >= 0:
                headers.append(("retry-after", str(opt.retry_after)))
        self.send_json(status, error, headers)

    def begin(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def send(self, obj):
        """One server-sent event."""
        text = obj if isinstance(obj, str) else json.dumps(obj)
        data = b"data: " + text.encode() + b"\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def pieces(self, scenario, answered):
        """The pieces of the text at their times; stops where the scenario breaks off, and then says so by returning False."""
        opt = self.server.opt
        pieces = ["The command ", "has run."] if answered else text_pieces(opt, scenario)
        for i, piece in enumerate(pieces):
            if scenario == "slow":
                time.sleep(opt.delay_ms / 1000)
            yield piece
            if i == 1 and scenario in ("hang_mid", "drop"):
                if scenario == "hang_mid":
                    self.wait_for_close()
                self.close_connection = True
                raise ConnectionAbortedError(scenario)

    def end(self):
        self.wfile.write(b"0\r\n\r\n")

    def wait_for_close(self):
        """Stay silent until the client closes the connection."""
        select.select([self.connection], [], [], self.server.opt.hang_seconds)
        self.note(client_gone="closed")
        self.close_connection = True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, opt, handler):
        self.opt, self.requests, self.lock = opt, 0, threading.Lock()
        super().__init__(("127.0.0.1", opt.port), handler)

    def count(self):
        with self.lock:
            self.requests += 1
            return self.requests

    def note(self, **fields):
        if self.opt.log:
            line = json.dumps(dict(t=round(time.time(), 3), **fields)) + "\n"
            with self.lock, open(self.opt.log, "a") as f:
                f.write(line)

    def handle_error(self, request, address):
        self.note(server_error=repr(sys.exc_info()[1]))


def main(doc, handler, errors):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--port", type=int, default=0, help="0 picks a free port")
    p.add_argument("--port-file", help="write the chosen port here, once listening")
    p.add_argument("--scenario", choices=ANSWERS + tuple(errors), default="ok")
    p.add_argument("--text", help="the text of the answer")
    p.add_argument("--delay-ms", type=int, default=300, help="slow: time between pieces")
    p.add_argument("--events", type=int, default=10, help="slow: number of pieces")
    p.add_argument("--retry-after", type=int, default=20, help="429, 503, 529: the header, in seconds; -1: none")
    p.add_argument("--retry-date", type=int, default=-1, help="the header as a date, this many seconds from now")
    p.add_argument("--command", default="echo hello-from-tool", help="tool: the shell command")
    p.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="extra header of an error")
    p.add_argument("--error-message", help="text of the error body, instead of the usual one; NOW+N: a time of day")
    p.add_argument("--fail-first", type=int, default=0, metavar="N", help="only the first N requests; then ok")
    p.add_argument("--hang-seconds", type=float, default=600, help="longest silence of hang and hang_mid")
    p.add_argument("--log", help="append one JSON line per request here")
    opt = p.parse_args()
    server = Server(opt, handler)
    port = server.server_address[1]
    if opt.port_file:
        with open(opt.port_file + ".tmp", "w") as f:
            f.write("%d\n" % port)
        os.replace(opt.port_file + ".tmp", opt.port_file)
    else:
        print(port, flush=True)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
