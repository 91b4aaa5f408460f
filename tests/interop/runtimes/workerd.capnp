# workerd with one of the modules of this folder, which may reach servers on this machine.
using Workerd = import "/workerd/workerd.capnp";

const proxy :Workerd.Config = (
  services = [(name = "main", worker = .proxyWorker), .network],
  sockets = [.socket],
);

const listen :Workerd.Config = (
  services = [(name = "main", worker = .listenWorker), .network],
  sockets = [.socket],
);

const proxyWorker :Workerd.Worker = (
  modules = [(name = "proxy.mjs", esModule = embed "proxy.mjs")],
  bindings = .bindings,
  compatibilityDate = .date,
  globalOutbound = "network",
);

const listenWorker :Workerd.Worker = (
  modules = [(name = "listen.mjs", esModule = embed "listen.mjs")],
  bindings = .bindings,
  compatibilityDate = .date,
  globalOutbound = "network",
);

const bindings :List(Workerd.Worker.Binding) = [(name = "UPSTREAM", fromEnvironment = "UPSTREAM")];
const date :Text = "2026-11-01";
const network :Workerd.Service = (name = "network", network = (allow = ["local"]));
const socket :Workerd.Socket = (name = "http", address = "127.0.0.1:0", http = (), service = "main");
