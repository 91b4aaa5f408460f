#!/usr/bin/env bash
# workerd 1.20261117.1 (npm): its EventSource does not dispatch an event whose data is the empty
# string, named or not.
#
# HTML § 9.2.6: a line `data` or `data:` appends a line feed to the data buffer, so the buffer is not
# empty and the event is dispatched, with the empty string as its data. Browsers, Node.js and Deno do.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --save-exact workerd@1.20261117.1

cat >worker.mjs <<'JAVASCRIPT'
const STREAM = "data: first\n\ndata:\n\nevent: named\ndata:\n\nevent: named\ndata: text\n\ndata: last\n\n";

export default {
  async fetch() {
    const received = [];
    const source = EventSource.from(new Response(STREAM).body);
    await new Promise((resolve) => {
      source.addEventListener("named", ({ data }) => received.push(["named", data]));
      source.addEventListener("message", ({ data }) => {
        received.push(["message", data]);
        if (data === "last") resolve();
      });
    });
    return Response.json(received);
  },
};
JAVASCRIPT
cat >config.capnp <<'CAPNP'
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  compatibilityDate = "2026-11-01",
);
CAPNP
cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const binary = "node_modules/.bin/workerd";
const control = ["ignore", "inherit", "inherit", "pipe"];
const server = spawn(binary, ["serve", "--control-fd=3", "config.capnp"], { stdio: control });
server.stdio[3].once("data", async (line) => {
  const { port } = JSON.parse(String(line).split("\n")[0]);
  const received = await (await fetch(`http://127.0.0.1:${port}/`)).json();
  server.kill();
  console.log(JSON.stringify(received));
  // The standard asks for ["message", ""] and ["named", ""] after the first.
  assert.deepStrictEqual(received, [["message", "first"], ["named", "text"], ["message", "last"]]);
});
JAVASCRIPT
node run.cjs
