// vite's development server as a proxy: below /plain as it is, below /cured with the lines that show
// the client that the upstream was cut.
import { createServer } from "vite";

const target = process.env.UPSTREAM;
const configure = proxy => proxy.on("proxyRes", (from, _, to) => {
  from.on("close", () => from.complete || to.destroy());
});

const server = await createServer({
  configFile: false,
  logLevel: "silent",
  server: {
    host: "127.0.0.1",
    port: Number(process.env.PORT),
    strictPort: true,
    proxy: { "/plain": target, "/cured": { target, configure } },
  },
});
await server.listen();
