#!/usr/bin/env bash
# vite 8.4.0 (npm): when the upstream of `server.proxy` is cut in the middle of a response, the client
# of the proxy is not told: its connection stays open without a byte, so an EventSource that listens
# through it stays OPEN and does not reconnect. An orderly end is passed on at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --save-exact vite@8.4.0
echo '<!doctype html>' >index.html

cat >run.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import http from "node:http";
import { createServer } from "vite";

const upstream = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write("data: first\n\n");
  setTimeout(() => (request.url === "/events/end" ? response.end() : response.destroy()), 500);
});
await new Promise((resolve) => upstream.listen(0, "127.0.0.1", resolve));
const target = `http://127.0.0.1:${upstream.address().port}`;
const vite = await createServer({
  configFile: false,
  logLevel: "silent",
  server: { host: "127.0.0.1", port: 0, proxy: { "/events": target } },
});
await vite.listen();

// What a client has seen of a response within so many seconds.
function watch(port, path, seconds) {
  return new Promise((resolve) => {
    const request = http.get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve("ended"));
      response.on("error", () => resolve("cut"));
    });
    request.on("error", () => resolve("failed"));
    setTimeout(() => {
      resolve(`open after ${seconds} s`);
      request.destroy();
    }, seconds * 1000);
  });
}

const proxied = vite.httpServer.address().port;
const seen = {
  "directly, cut": await watch(upstream.address().port, "/events/cut", 10),
  "through vite, ended": await watch(proxied, "/events/end", 10),
  "through vite, cut": await watch(proxied, "/events/cut", 10),
};
console.log(`node ${process.version}`, seen);
await vite.close();
upstream.close();
assert.deepStrictEqual(seen, {
  "directly, cut": "cut",
  "through vite, ended": "ended",
  "through vite, cut": "open after 10 s",
});
process.exit(0);
JAVASCRIPT
node run.mjs
