#!/usr/bin/env bash
# @microsoft/fetch-event-source 2.0.1 (npm): an event whose connection is cut before its blank line is
# lost for good when its id line has arrived, for the client reconnects with that id although it has
# not delivered the event. With the id after the data, the same cut loses nothing.
#
# HTML § 9.2.6: the id of an event becomes the last event ID when the event is dispatched, at the
# blank line; an unfinished event is discarded.
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

// What the first connection sends before it is cut; a second one goes on after the last event ID.
async function run(unfinished) {
  let askedWith;
  const server = http.createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (request.url === "/cut" && askedWith === undefined) {
      askedWith = null;
      response.write(`retry: 10\nid: 1\ndata: one\n\n${unfinished}`);
      setTimeout(() => response.destroy(), 100);
      return;
    }
    askedWith = request.headers["last-event-id"];
    const events = ["one", "two", "three"].slice(Number(askedWith));
    response.end(events.map((data) => `data: ${data}\n\n`).join(""));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const received = [];
  await fetchEventSource(`http://127.0.0.1:${server.address().port}/cut`, {
    openWhenHidden: true,
    onmessage: ({ data }) => received.push(data),
  });
  server.close();
  return { askedWith, received };
}

(async () => {
  const seen = {
    "id before data": await run("id: 2\ndata: two\n"),
    "id after data": await run("data: two\n"),
  };
  console.log(seen);
  assert.deepStrictEqual(seen, {
    "id before data": { askedWith: "2", received: ["one", "three"] },
    "id after data": { askedWith: "1", received: ["one", "two", "three"] },
  });
})();
JAVASCRIPT
node run.cjs
