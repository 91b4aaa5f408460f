#!/usr/bin/env bash
# event-source-polyfill 1.0.31 (npm), in Node.js: 204 No Content, with which a server tells a client to stop
# reconnecting, is a lost connection to it: it asks again and again. The package takes the body's reader
# before it looks at the status, and a 204 has no body.
#
# HTML § 9.2.3: a client stops reconnecting when it is answered with 204; Fetch: the body of a
# response with this status is null.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts --save-exact event-source-polyfill@1.0.31

cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const http = require("node:http");
const { EventSourcePolyfill } = require("event-source-polyfill");

// The first request gets a stream, all others 204.
let requests = 0;
const server = http.createServer((request, response) => {
  requests += 1;
  if (requests === 1) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end("retry: 10\ndata: one\n\n");
  } else {
    response.writeHead(204);
    response.end();
  }
});
server.listen(0, "127.0.0.1", () => {
  const source = new EventSourcePolyfill(`http://127.0.0.1:${server.address().port}/`);
  const states = new Set();
  source.onerror = () => states.add(source.readyState);
  // It waits for one second, and then twice as long after each failure.
  setTimeout(() => {
    console.log({ requests, states: [...states] });
    assert.ok(requests >= 3);
    assert.deepStrictEqual([...states], [EventSourcePolyfill.CONNECTING]);
    process.exit();
  }, 9000);
});
JAVASCRIPT
node run.cjs 2>/dev/null
