#!/usr/bin/env bash
# bun 1.4.5 (npm): with an `idleTimeout` of 1 to 4 seconds, `Bun.serve` cuts a response that is not idle
# after 4 seconds, here one that sends a piece each half second. With 5 seconds it goes on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --save-exact bun@1.4.5

cat >server.ts <<'TYPESCRIPT'
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: Number(process.env.IDLE_TIMEOUT),
  fetch() {
    let timer: Timer;
    const body = new ReadableStream({
      start(controller) {
        timer = setInterval(() => controller.enqueue("data: tick\n\n"), 500);
      },
      cancel() {
        clearInterval(timer);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});
console.log(server.port);
TYPESCRIPT
cat >run.cjs <<'JAVASCRIPT'
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const http = require("node:http");

// How a response of 10 seconds ends.
function watch(idleTimeout) {
  return new Promise((resolve) => {
    const env = { ...process.env, IDLE_TIMEOUT: idleTimeout };
    const server = spawn("node_modules/.bin/bun", ["server.ts"], { env });
    server.stdout.once("data", (port) => {
      const done = (how) => {
        server.kill();
        resolve(`${how} after ${pieces} pieces`);
      };
      let pieces = 0;
      http.get({ host: "127.0.0.1", port: Number(port) }, (response) => {
        response.on("data", () => (pieces += 1));
        response.on("error", () => done("cut"));
        setTimeout(() => done("open"), 10_000);
      });
    });
  });
}

(async () => {
  for (const [idleTimeout, how] of [["1", "cut"], ["4", "cut"], ["5", "open"]]) {
    const seen = await watch(idleTimeout);
    console.log(`idleTimeout: ${idleTimeout}`, seen);
    assert.ok(seen.startsWith(how));
  }
})();
JAVASCRIPT
node run.cjs
