// A reverse proxy for Bun, Deno and workerd, as their documentation writes it. `hostname`, `idleTimeout`
// and `decompress` are options of Bun; the others take no such options here, or have none.
export default {
  hostname: "127.0.0.1",
  idleTimeout: Number(process.env.IDLE_TIMEOUT ?? 10),
  fetch(request) {
    const { pathname, search } = new URL(request.url);
    return fetch(`${process.env.UPSTREAM}${pathname}${search}`, {
      headers: request.headers,
      decompress: process.env.DECOMPRESS !== "false",
    });
  },
};
