#!/usr/bin/env bash
# openai 3.57.0 (PyPI): a comment in a block of its own ends the stream with a JSONDecodeError, but
# only if an event before it had an id.
#
# HTML § 9.2.6: a block without data dispatches nothing. The parser hands on the block after the
# comment as an event without data, because the last event id that it remembers makes the block look
# like more than nothing, and the client then parses the empty data as JSON. The same comment without
# the blank line after it, or with it on a stream without ids, is passed over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0

cat >"$folder/run.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai


def event(number, last_event_id):
    chunk = {
        "id": "chat", "object": "chat.completion.chunk", "created": 1, "model": "model",
        "choices": [{"index": 0, "delta": {"content": f"token {number}"}, "finish_reason": None}],
    }
    id_line = f"id: {number}\n" if last_event_id else ""
    return f"{id_line}data: {json.dumps(chunk)}\n\n"


STREAMS = {
    "no id, comment block": event(1, False) + ": keep-alive\n\n" + event(2, False),
    "id, comment line": event(1, True) + ": keep-alive\n" + event(2, True),
    "id, comment block": event(1, True) + ": keep-alive\n\n" + event(2, True),
}


class Handler(BaseHTTPRequestHandler):
    body = ""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        self.wfile.write((Handler.body + "data: [DONE]\n\n").encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(
    base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", max_retries=0
)
seen = {}
for name, Handler.body in STREAMS.items():
    received = seen[name] = []
    try:
        messages = [{"role": "user", "content": "hello"}]
        for chunk in client.chat.completions.create(model="model", messages=messages, stream=True):
            received.append(chunk.choices[0].delta.content)
    except Exception as error:
        received.append(type(error).__name__)
    print(f"{name}: {received}")
assert seen == {
    "no id, comment block": ["token 1", "token 2"],
    "id, comment line": ["token 1", "token 2"],
    "id, comment block": ["token 1", "JSONDecodeError"],
}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
