#!/usr/bin/env bash
# @ag-ui/client 1.0.0 (npm): an event stream whose lines end with CRLF, the default of Python's
# sse-starlette, fails with a SyntaxError, for the client splits events at two line feeds only and
# takes the whole stream for one event.
#
# HTML § 9.2.5: lines end with CRLF, LF or CR.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts --save-exact @ag-ui/client@1.0.0

cat >run.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import http from "node:http";
import { HttpAgent } from "@ag-ui/client";

const EVENTS = ["RUN_STARTED", "RUN_FINISHED"].map((type) =>
  JSON.stringify({ type, threadId: "thread", runId: "run" }),
);
const server = http.createServer((request, response) => {
  const end = request.url === "/crlf" ? "\r\n" : "\n";
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(EVENTS.map((data) => `data: ${data}${end}${end}`).join(""));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
console.error = () => {};

const seen = {};
for (const path of ["/lf", "/crlf"]) {
  const received = (seen[path] = []);
  const agent = new HttpAgent({ url: `http://127.0.0.1:${server.address().port}${path}` });
  const subscriber = { onEvent: ({ event }) => void received.push(event.type) };
  await agent.runAgent({ runId: "run" }, subscriber).catch(({ name }) => received.push(name));
}
console.log(seen);
server.closeAllConnections();
server.close();
assert.deepStrictEqual(seen, { "/lf": ["RUN_STARTED", "RUN_FINISHED"], "/crlf": ["SyntaxError"] });
JAVASCRIPT
node run.mjs
