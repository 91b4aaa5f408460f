#!/usr/bin/env bash
# httpx 0.28.1 (PyPI): of a body that is several gzip members in a row, only the first is read; the
# rest is dropped, and the response ends as if it were complete. requests 2.34.2 reads all of it.
#
# RFC 1952, section 2.2: a gzip file is a series of members, one after the other. A server that
# compresses each event by itself sends such a body.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 requests==2.34.2

cat >"$folder/run.py" <<'PYTHON'
import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import requests


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        for number in range(1, 4):
            self.wfile.write(gzip.compress(f"data: {number}\n\n".encode()))
            self.wfile.flush()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
with httpx.stream("GET", url) as response:
    by_httpx = "".join(response.iter_text())
by_requests = "".join(
    piece.decode() for piece in requests.get(url, stream=True).iter_content(None)
)
print(f"httpx:    {by_httpx!r}")
print(f"requests: {by_requests!r}")
assert by_httpx == "data: 1\n\n", "the behaviour of httpx has changed"
assert by_requests == "data: 1\n\ndata: 2\n\ndata: 3\n\n", "the behaviour of requests has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
