#!/usr/bin/env bash
# workerd 1.20261117.1 (npm): its EventSource takes over the id of an event that was cut off before its
# blank line. It reconnects with that id, so that the event is never received.
#
# HTML § 9.2.6: an incomplete event at the end of the stream is discarded, and the last event ID string
# is set when an event is dispatched.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --save-exact workerd@1.20261117.1

cat >worker.mjs <<'JAVASCRIPT'
export default {
  async fetch(request, { UPSTREAM }) {
    const received = [];
    const source = new EventSource(UPSTREAM);
    await new Promise((resolve) => {
      source.onmessage = ({ data }) => {
        received.push(data);
        if (data === "last") resolve();
      };
    });
    source.close();
    return Response.json(received);
  },
};
JAVASCRIPT
cat >config.capnp <<'CAPNP'
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "local", network = (allow = ["local"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  bindings = [(name = "UPSTREAM", fromEnvironment = "UPSTREAM")],
  compatibilityDate = "2026-11-01",
  globalOutbound = "local",
);
CAPNP
cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const http = require("node:http");

const ids = [];
const upstream = http.createServer((request, response) => {
  ids.push(request.headers["last-event-id"] ?? null);
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (ids.length === 1) {
    // The blank line of the second event is missing, and the last chunk too.
    response.write("retry: 1000\n\nid: 1\ndata: first\n\nid: 2\ndata: second\n");
    setTimeout(() => response.destroy(), 500);
  } else {
    response.end("id: 3\ndata: last\n\n");
  }
});
upstream.listen(0, "127.0.0.1", () => {
  const env = { ...process.env, UPSTREAM: `http://127.0.0.1:${upstream.address().port}/` };
  const control = ["ignore", "inherit", "inherit", "pipe"];
  const command = ["serve", "--control-fd=3", "config.capnp"];
  const server = spawn("node_modules/.bin/workerd", command, { env, stdio: control });
  server.stdio[3].once("data", async (line) => {
    const { port } = JSON.parse(String(line).split("\n")[0]);
    const received = await (await fetch(`http://127.0.0.1:${port}/`)).json();
    server.kill();
    upstream.close();
    const seen = { received, "last event IDs": ids };
    console.log(JSON.stringify(seen));
    // The standard asks for the id "1", so that the server sends the second event again.
    assert.deepStrictEqual(seen, { received: ["first", "last"], "last event IDs": [null, "2"] });
  });
});
JAVASCRIPT
node run.cjs
