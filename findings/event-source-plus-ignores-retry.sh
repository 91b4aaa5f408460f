#!/usr/bin/env bash
# event-source-plus 0.1.15 (npm): after a response that ended in order, the client asks again within a
# fraction of a second, again and again, although the stream sets a reconnection time with `retry`.
#
# HTML § 9.2.3: after the end of a response the user agent waits for the reconnection time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts --save-exact event-source-plus@0.1.15

cat >run.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import http from "node:http";
import { EventSourcePlus } from "event-source-plus";

let requests = 0;
const server = http.createServer((request, response) => {
  requests += 1;
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end("retry: 60000\ndata: text\n\n");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const source = new EventSourcePlus(`http://127.0.0.1:${server.address().port}/`);
const controller = source.listen({ onMessage() {} });
setTimeout(() => {
  controller.abort();
  server.closeAllConnections();
  server.close();
  console.log(`retry: 60000; ${requests} requests within 5 s`);
  assert(requests > 5);
  process.exit(0);
}, 5000);
JAVASCRIPT
node run.mjs
