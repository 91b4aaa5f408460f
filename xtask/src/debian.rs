//! Programs that the tests and benchmarks need besides the Rust toolchain, from Debian's packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{find, output, run};
use crate::result::Result;
use crate::workspace::target_directory;

/// A program, the package that contains it, and what it is needed for.
#[derive(Clone, Copy)]
struct Needed {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const REDIS: Needed = Needed {
    program: "redis-server",
    package: "redis-server",
    purpose: "the hub on several nodes, with Redis",
};

const NATS: Needed = Needed {
    program: "nats-server",
    package: "nats-server",
    purpose: "the hub on several nodes, with NATS",
};

const NGINX: Needed = Needed {
    program: "nginx",
    package: "nginx",
    purpose: "the reverse proxy between servers and clients",
};

const CHROMIUM: Needed = Needed {
    program: "chromium",
    package: "chromium",
    purpose: "the browser that decodes streams and opens the demo",
};

const CHROMEDRIVER: Needed = Needed {
    program: "chromedriver",
    package: "chromium-driver",
    purpose: "driving the browser",
};

const CURL: Needed = Needed {
    program: "curl",
    package: "curl",
    purpose: "reading streams as curl does",
};

const PIP: Needed = Needed {
    program: "pip3",
    package: "python3-pip",
    purpose: "installing packages from PyPI",
};

const FOR_TESTS: &[Needed] = &[
    CHROMIUM,
    CHROMEDRIVER,
    NGINX,
    PIP,
    Needed {
        program: "c++",
        package: "g++",
        purpose: "building the fuzzer's runtime",
    },
    Needed {
        program: "pkg-config",
        package: "pkg-config",
        purpose: "finding OpenSSL, for TLS by the platform",
    },
    Needed {
        program: OPENSSL,
        package: "libssl-dev",
        purpose: "TLS by the platform to Redis",
    },
    REDIS,
    NATS,
];

const FOR_INTEROP: &[Needed] = &[CHROMIUM, CHROMEDRIVER, CURL, PIP];

const FOR_ENGINES: &[Needed] = &[REDIS, NATS, PIP];

const FOR_BENCHES: &[Needed] = &[
    REDIS,
    NATS,
    Needed {
        program: "valgrind",
        package: "valgrind",
        purpose: "counting instructions and allocations",
    },
    Needed {
        program: "strace",
        package: "strace",
        purpose: "counting system calls",
    },
    NGINX,
    Needed {
        program: NCHAN,
        package: "libnginx-mod-nchan",
        purpose: "comparing the fan-out with nchan's",
    },
];

/// By the path of a header, as it is not a program.
const OPENSSL: &str = "/usr/include/openssl/ssl.h";

/// A module of nginx, given by its path.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// Installs what the steps of `cargo xtask test` need, with these proxies: at once, as steps that run
/// side by side cannot install at the same time.
pub(crate) fn install_for_steps(proxies: &[&str]) -> Result {
    let needed = [FOR_TESTS, FOR_INTEROP, FOR_BENCHES].concat();
    install(&[needed, for_proxies(proxies)].concat())
}

/// Installs what the tests with real clients need.
pub(crate) fn install_for_interop() -> Result {
    install(FOR_INTEROP)
}

/// Installs what the tests with several versions of engines need.
pub(crate) fn install_for_engines() -> Result {
    install(FOR_ENGINES)
}

/// Installs what the benchmarks need.
pub(crate) fn install_for_benches() -> Result {
    install(FOR_BENCHES)
}

/// The proxies that Debian has, each with the programs that its tests need.
const PROXIES: &[(&str, &[Needed])] = &[
    ("nginx", &[NGINX]),
    ("haproxy", &[proxy("haproxy", "haproxy")]),
    ("varnish", &[proxy("varnishd", "varnish")]),
    // Without the package `apache2`, which has only the service.
    ("apache", &[proxy("apache2", "apache2-bin")]),
    (
        "lighttpd",
        &[
            proxy("lighttpd", "lighttpd"),
            proxy("/usr/lib/lighttpd/mod_openssl.so", "lighttpd-mod-openssl"),
        ],
    ),
    ("h2o", &[proxy("h2o", "h2o")]),
    ("nghttpx", &[proxy("nghttpx", "nghttp2-proxy")]),
];

const fn proxy(program: &'static str, package: &'static str) -> Needed {
    Needed {
        program,
        package,
        purpose: "a reverse proxy between servers and clients",
    }
}

/// Returns the names of the proxies that Debian has.
pub(crate) fn proxies() -> impl Iterator<Item = &'static str> {
    PROXIES.iter().map(|(name, _)| *name)
}

/// Installs the proxies with these names, those that Debian has, and what the others need.
pub(crate) fn install_proxies(names: &[&str]) -> Result {
    install(&for_proxies(names))
}

fn for_proxies(names: &[&str]) -> Vec<Needed> {
    let named = PROXIES.iter().filter(|(name, _)| names.contains(name));
    let needed = named.flat_map(|(_, needed)| *needed);
    // The others are in packages of PyPI.
    needed.chain([&PIP]).copied().collect()
}

/// Installs the packages of missing programs.
///
/// # Errors
///
/// When they cannot be installed; the error lists the packages.
fn install(needed: &[Needed]) -> Result {
    let mut missing: Vec<&Needed> = Vec::new();
    for needed in needed {
        let is_named = missing.iter().any(|other| other.program == needed.program);
        if !is_named && find(needed.program).is_none() {
            missing.push(needed);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    for needed in &missing {
        let Needed {
            program,
            package,
            purpose,
        } = needed;
        eprintln!("{program} is not installed (package {package}), needed for {purpose}");
    }
    let packages: Vec<_> = missing.iter().map(|needed| needed.package).collect();
    let by_hand = format!("install these packages: {}", packages.join(" "));

    if find("apt-get").is_none() {
        return Err(format!("apt-get was not found; {by_hand}").into());
    }
    let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root && find("sudo").is_none() {
        return Err(format!("not root, and sudo was not found; {by_hand}").into());
    }
    let as_root = |program: &str| {
        if is_root {
            return Command::new(program);
        }
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", program]);
        sudo
    };
    let apt_get = |words: &[&str], packages: &[&str]| {
        let mut command = as_root("apt-get");
        let command = command.env("DEBIAN_FRONTEND", "noninteractive");
        run(command.args(words).args(packages)).map_err(|error| format!("{error}; {by_hand}"))
    };
    apt_get(&["update", "--quiet"], &[])?;
    without_services(&as_root, || {
        let words = ["install", "--yes", "--quiet", "--no-install-recommends"];
        Ok(apt_get(&words, &packages)?)
    })
}

/// Calls `install` in a way that no service is started, unless the system has a policy of its own.
/// The tests start what they need.
fn without_services(as_root: &dyn Fn(&str) -> Command, install: impl Fn() -> Result) -> Result {
    // Debian's scripts that start services ask this program.
    const POLICY: &str = "/usr/sbin/policy-rc.d";
    const NEVER: &str =
        "#!/bin/sh\n# Written by `cargo xtask` while it installs packages.\nexit 101\n";
    // One of ours was left by a run that was interrupted.
    let is_ours = fs::read_to_string(POLICY).is_ok_and(|policy| policy == NEVER);
    if Path::new(POLICY).exists() && !is_ours {
        return install();
    }
    let never = target_directory()?.join("policy-rc.d");
    fs::write(&never, NEVER)?;
    run(as_root("install")
        .args(["--mode", "755"])
        .arg(never)
        .arg(POLICY))?;
    let installed = install();
    run(as_root("rm").arg(POLICY))?;
    installed
}
