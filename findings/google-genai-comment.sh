#!/usr/bin/env bash
# google-genai 3.6.1 (PyPI): a comment in a streamed answer, as servers and proxies send it to keep a
# connection alive, ends the answer with an error: the client takes every line that does not begin
# with `data:` for JSON. An `id` line does the same.
#
# HTML § 9.2.5: a line that begins with a colon is a comment, to be ignored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check google-genai==3.6.1

cat >"$folder/run.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google import genai


def event(text):
    content = {"role": "model", "parts": [{"text": text}]}
    return f"data: {json.dumps({'candidates': [{'content': content}]})}\n\n"


STREAMS = {
    "plain": event("one") + event("two"),
    "comment": event("one") + ": keep-alive\n" + event("two"),
    "id": event("one") + "id: 2\n" + event("two"),
}


class Handler(BaseHTTPRequestHandler):
    body = ""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        self.wfile.write(Handler.body.encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"base_url": f"http://127.0.0.1:{server.server_port}"}
client = genai.Client(api_key="none", http_options=options)
seen = {}
for name, Handler.body in STREAMS.items():
    received = seen[name] = []
    try:
        for chunk in client.models.generate_content_stream(model="model", contents="hello"):
            received.append(chunk.text)
    except Exception as error:
        received.append(type(error).__name__)
    print(f"{name}: {received}")
assert seen == {
    "plain": ["one", "two"],
    "comment": ["one", "UnknownApiResponseError"],
    "id": ["one", "UnknownApiResponseError"],
}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
