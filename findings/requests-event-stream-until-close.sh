#!/usr/bin/env bash
# requests 2.34.2 (PyPI): the events of a response that ends with its connection (HTTP/1.0, or
# HTTP/1.1 with `Connection: close` and no chunked coding, as many proxies and small servers send it)
# are held back by `iter_lines` until 512 bytes are there or the connection ends. Over the chunked
# coding each arrives at once, and httpx 0.28.1 hands out each at once either way.
#
# `iter_lines` reads in pieces of 512 bytes: from a chunked body that means "up to", from any other
# body exactly as many. `chunk_size=1` is the way round.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check requests==2.34.2 httpx==0.28.1

cat >"$folder/run.py" <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import requests

# The server sends an event only after the client has confirmed the one before, or after a second.
confirmed = threading.Semaphore(0)
prompt = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        is_chunked = self.path == "/chunked"
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            event = f"data: {number}\n\n"
            if is_chunked:
                event = f"{len(event):x}\r\n{event}\r\n"
            self.wfile.write(event.encode())
            self.wfile.flush()
            prompt.append(confirmed.acquire(timeout=1))
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments):
        pass


def lines_of_requests(url):
    yield from requests.get(url, stream=True).iter_lines(decode_unicode=True)


def lines_of_httpx(url):
    with httpx.stream("GET", url) as response:
        yield from response.iter_lines()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for client, lines in (("requests", lines_of_requests), ("httpx", lines_of_httpx)):
    for path in ("/chunked", "/until-close"):
        prompt.clear()
        confirmed = threading.Semaphore(0)
        events = []
        for line in lines(f"http://127.0.0.1:{server.server_port}{path}"):
            if line:
                events.append(line)
                confirmed.release()
        assert events == ["data: 0", "data: 1", "data: 2"], events
        seen[client + path] = "at once" if all(prompt) else "late" if not any(prompt) else "mixed"
print(seen)
assert seen == {
    "requests/chunked": "at once", "requests/until-close": "late",
    "httpx/chunked": "at once", "httpx/until-close": "at once",
}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
