#!/usr/bin/env bash
# launchdarkly-eventsource 2.2.0 (npm): without the option `readTimeoutMillis`, which its README
# offers for dropping quiet connections, a connection that is quiet for five seconds is dropped all
# the same; the error says "received no data in undefinedms". A comment every two seconds keeps it.
#
# Since Node.js 19 the global HTTP agent has a timeout of five seconds; its `timeout` event reaches
# the listener that the client adds in any case.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts --save-exact launchdarkly-eventsource@2.2.0

cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const http = require("node:http");
const { EventSource } = require("launchdarkly-eventsource");

const server = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("data: first\n\n");
  if (request.url === "/comments") {
    const timer = setInterval(() => response.write(":\n"), 2000);
    response.on("close", () => clearInterval(timer));
  }
});

// The first error of eight seconds, with the time that it came after.
function firstError(path) {
  return new Promise((resolve) => {
    const begun = Date.now();
    const source = new EventSource(`http://127.0.0.1:${server.address().port}${path}`);
    const end = (result) => {
      source.close();
      resolve(result);
    };
    const timer = setTimeout(() => end("none"), 8000);
    source.onerror = ({ message }) => {
      clearTimeout(timer);
      end(`${message} after ${Math.floor((Date.now() - begun) / 1000)} s`);
    };
  });
}

server.listen(0, "127.0.0.1", async () => {
  const [quiet, comments] = await Promise.all([firstError("/quiet"), firstError("/comments")]);
  console.log(`node ${process.version}`, { quiet, comments });
  server.closeAllConnections();
  server.close();
  assert.match(quiet, /received no data in undefinedms.* after [56] s/);
  assert.strictEqual(comments, "none");
});
JAVASCRIPT
node run.cjs
