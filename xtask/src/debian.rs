//! Programs that the tests and benchmarks need besides the Rust toolchain, from Debian's packages.

use std::process::Command;

use crate::process::{find, output, run};
use crate::result::Result;

/// A program, the package that contains it, and what it is needed for.
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

const PIP: Needed = Needed {
    program: "pip3",
    package: "python3-pip",
    purpose: "installing clients and Node.js",
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

const FOR_INTEROP: &[Needed] = &[CHROMIUM, CHROMEDRIVER, PIP];

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

/// Installs what the tests need.
pub(crate) fn install_for_tests() -> Result {
    install(FOR_TESTS)
}

/// Installs what the tests with real clients need.
pub(crate) fn install_for_interop() -> Result {
    install(FOR_INTEROP)
}

/// Installs what the benchmarks need.
pub(crate) fn install_for_benches() -> Result {
    install(FOR_BENCHES)
}

/// Installs the packages of missing programs.
///
/// # Errors
///
/// When they cannot be installed; the error lists the packages.
fn install(needed: &[Needed]) -> Result {
    let missing: Vec<_> = needed
        .iter()
        .filter(|needed| find(needed.program).is_none())
        .collect();
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
    let apt_get = |words: &[&str]| {
        let mut command = if is_root {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
            sudo
        };
        run(command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(words)
            .args(packages.iter().filter(|_| words.contains(&"install"))))
        .map_err(|error| format!("{error}; {by_hand}"))
    };
    apt_get(&["update", "--quiet"])?;
    apt_get(&["install", "--yes", "--quiet", "--no-install-recommends"])?;
    Ok(())
}
