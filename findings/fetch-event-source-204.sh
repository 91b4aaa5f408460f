#!/usr/bin/env bash
# @microsoft/fetch-event-source 2.0.1 (npm): 204 No Content, with which a server tells a client to stop
# reconnecting, is an error to it, as it has no content type. With the default settings it therefore asks
# again each second, without an end.
#
# HTML § 9.2.3: a client stops reconnecting when it is answered with 204.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts --save-exact @microsoft/fetch-event-source@2.0.1

cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const http = require("node:http");
// Of a page, the client needs its timers and its visibility.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = require("@microsoft/fetch-event-source");

// All requests are answered with 204.
let requests = 0;
const server = http.createServer((request, response) => {
  requests += 1;
  response.writeHead(204);
  response.end();
});
server.listen(0, "127.0.0.1", () => {
  let state = "running";
  fetchEventSource(`http://127.0.0.1:${server.address().port}/`, { openWhenHidden: true }).then(
    () => { state = "resolved"; },
    () => { state = "rejected"; },
  );
  setTimeout(() => {
    console.log({ requests, state });
    assert.ok(requests >= 3);
    assert.strictEqual(state, "running");
    process.exit();
  }, 5000);
});
JAVASCRIPT
node run.cjs
