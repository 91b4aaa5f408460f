#!/usr/bin/env bash
# requests 2.34.2 (PyPI): decodes `text/event-stream` without a charset as ISO-8859-1, so that text
# beyond ASCII comes out wrong, although the media type has one encoding only: UTF-8 (HTML § 9.2.5).
# With `charset=utf-8`, which the type's registration allows for exactly this, it is right.
#
# requests applies what RFC 2616 said of `text/*`; RFC 7231 withdrew it in 2014.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check requests==2.34.2

cat >"$folder/run.py" <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests


class Handler(BaseHTTPRequestHandler):
    content_type = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", Handler.content_type)
        self.end_headers()
        self.wfile.write("data: é漢\n\n".encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for Handler.content_type in ("text/event-stream", "text/event-stream; charset=utf-8"):
    response = requests.get(f"http://127.0.0.1:{server.server_port}/", stream=True)
    seen[Handler.content_type] = next(response.iter_lines(decode_unicode=True))
    print(f"{Handler.content_type}: {seen[Handler.content_type]!r}")
assert seen == {
    "text/event-stream": "data: é漢".encode().decode("latin-1"),
    "text/event-stream; charset=utf-8": "data: é漢",
}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
