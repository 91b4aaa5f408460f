// webpack's development server as a proxy.
import webpack from "webpack";
import WebpackDevServer from "webpack-dev-server";

const options = {
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  proxy: [{ context: ["/plain"], target: process.env.UPSTREAM }],
};
const compiler = webpack({ mode: "development", entry: {}, infrastructureLogging: { level: "none" } });
await new WebpackDevServer(options, compiler).start();
