#!/usr/bin/env bash
# bun 1.4.5 (npm): a server that answers with what its `fetch` returns, the usual proxy of one line,
# decodes a gzip body but keeps `Content-Encoding: gzip`, so that no client can read it.
#
# RFC 9110, section 8.4: the header lists the codings that are applied to the representation, and a
# body without them must not have it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --save-exact bun@1.4.5

cat >proxy.ts <<'TYPESCRIPT'
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => fetch(process.env.UPSTREAM!, { headers: request.headers }),
});
console.log(server.port);
TYPESCRIPT
cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const http = require("node:http");
const zlib = require("node:zlib");
const BODY = "data: hello\n\n";

const upstream = http.createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
  response.end(zlib.gzipSync(BODY));
});
upstream.listen(0, "127.0.0.1", () => {
  const env = { ...process.env, UPSTREAM: `http://127.0.0.1:${upstream.address().port}/` };
  const proxy = spawn("node_modules/.bin/bun", ["proxy.ts"], { env });
  proxy.stdout.once("data", (port) => {
    const headers = { "accept-encoding": "gzip" };
    http.get({ host: "127.0.0.1", port: Number(port), headers }, async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      const seen = { "content-encoding": response.headers["content-encoding"], body };
      console.log(seen);
      proxy.kill();
      upstream.close();
      assert.deepStrictEqual(seen, { "content-encoding": "gzip", body: BODY });
    });
  });
});
JAVASCRIPT
node run.cjs
