//! The project's own commands, as `cargo xtask …`.
//!
//! All checks of a change are here, so that the same command runs on a developer's machine and in
//! CI. It needs a Rust toolchain, and installs the rest.

mod agreement;
mod bench;
mod debian;
mod deny;
mod dependencies;
mod docs;
mod engines;
mod external_types;
mod features;
mod frameworks;
mod fuzz;
mod interop;
mod lanes;
mod layers;
mod model;
mod msrv;
mod npm;
mod packages;
mod process;
mod proxies;
mod pypi;
mod readme;
mod result;
mod security;
mod soak;
mod test;
mod version;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <command>

  test [STEP…]                      run all checks and tests, or only the named steps: several of them
                                    side by side, two at a time
  bench [NAME…] [--quick]           measure against the peers and write benches/REPORT.md:
                                    everything, a part (decode, encode, serving, fanout, client, hub, engines)
                                    or single cases; --quick only checks that everything runs and
                                    that all peers agree
  deny                              check the licences, sources and versions of all dependencies, and
                                    the advisories about them, which needs access to GitHub
  engines [NAME…]                   test the hub on all versions of Redis, Valkey and NATS, or those whose
                                    names begin with a NAME, such as redis-6.2, and write the table
                                    of the documentation
  fuzz [--seconds N] [--address] [TARGET…]
                                    run fuzz targets, two at a time, by default all of them for 60
                                    seconds each; --address also finds invalid accesses of memory
  frameworks                        test the responses in all web frameworks of the documentation
  interop [NAME…]                   install real clients in pinned versions and let them read our
                                    streams: all of them, or those whose names contain a NAME
  model [--minutes N]               run the models of what threads share with more preemptions than the
                                    tests allow, by default for 60 minutes
  proxies [NAME…]                   test the adapters behind reverse proxies: all of them, or
                                    nginx, haproxy, varnish, apache, lighttpd, h2o, nghttpx, caddy,
                                    envoy, traefik
  soak [NAME…] [--minutes N] [--clients N] [--jemalloc]
                                    let clients come, go, stall, reset and resume, and write the tables of
                                    tests/soak/REPORT.md: on hyper, hyper-http2, actix, tcp, and
                                    on the engines redis and nats; by default 10000 clients for 3 minutes each
  soak attacks [NAME…]              attack the servers while honest clients read, likewise
  layers                            count the files of each crate and the imports between them,
                                    and show every import cycle
  surface                           count the public items of each published package

steps of `test`, in the order in which they begin:
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let arguments: Vec<_> = arguments.collect();
    let done = match command.as_deref() {
        Some("test") => test::command(&arguments),
        Some("bench") => bench::command(&arguments),
        Some("deny") => deny::command(&arguments),
        Some("engines") => engines::command(&arguments),
        Some("fuzz") => fuzz::command(&arguments),
        Some("frameworks") => frameworks::command(&arguments),
        Some("model") => model::command(&arguments),
        Some("interop") => interop::command(&arguments),
        Some("proxies") => proxies::command(&arguments),
        Some("soak") => soak::command(&arguments),
        Some("layers") => layers::check(),
        Some("surface") => external_types::surface(),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}{}", test::steps());
            Ok(())
        }
        _ => Err(format!("{HELP}{}", test::steps()).into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
