#!/usr/bin/env bash
# huggingface-hub 2.4.0 (PyPI): U+2028 inside a JSON string of an event ends the stream with a
# JSONDecodeError.
#
# JSON (RFC 8259, section 7) allows U+2028 unescaped in a string, and an event stream ends a line
# only at CR, LF or CRLF (HTML § 9.2.5). The client reads lines as `str.splitlines` does, for which
# U+2028, U+2029 and U+0085 end a line too. Servers that escape them are read right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface-hub==2.4.0

cat >"$folder/run.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huggingface_hub import InferenceClient

TEXT = "one\u2028two"


class Handler(BaseHTTPRequestHandler):
    is_escaped = False

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        chunk = {
            "id": "chat", "object": "chat.completion.chunk", "created": 1, "model": "model",
            "system_fingerprint": "", "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": TEXT}, "finish_reason": None}
            ],
        }
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        data = json.dumps(chunk, ensure_ascii=Handler.is_escaped)
        self.wfile.write(f"data: {data}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = InferenceClient(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
seen = {}
for Handler.is_escaped in (True, False):
    received = seen["escaped" if Handler.is_escaped else "as it is"] = []
    try:
        messages = [{"role": "user", "content": "hello"}]
        for chunk in client.chat_completion(messages, stream=True):
            received.append(chunk.choices[0].delta.content)
    except Exception as error:
        received.append(type(error).__name__)
for name, received in seen.items():
    print(f"U+2028 {name}: {received}")
assert seen == {"escaped": [TEXT], "as it is": ["JSONDecodeError"]}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
