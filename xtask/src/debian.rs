//! Programs that the tests and benchmarks need beside the Rust toolchain, from Debian's packages.

use std::process::Command;

use crate::process::{find, output, run};
use crate::result::Result;

/// A program that must be there, the package that brings it, and what it is needed for.
struct Needed {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const REDIS: Needed = Needed {
    program: "redis-server",
    package: "redis-server",
    purpose: "several nodes behind one engine",
};

const NATS: Needed = Needed {
    program: "nats-server",
    package: "nats-server",
    purpose: "the same behind another engine",
};

const NGINX: Needed = Needed {
    program: "nginx",
    package: "nginx",
    purpose: "the proxy between servers and clients",
};

const FOR_TESTS: &[Needed] = &[
    Needed {
        program: "chromium",
        package: "chromium",
        purpose: "the browser that listens to the demo",
    },
    Needed {
        program: "chromedriver",
        package: "chromium-driver",
        purpose: "driving the browser",
    },
    NGINX,
    Needed {
        program: "c++",
        package: "g++",
        purpose: "building the fuzzer's runtime",
    },
    REDIS,
    NATS,
];

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

/// By its path, for it is no program.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// Installs what the tests need.
pub(crate) fn install_for_tests() -> Result {
    install(FOR_TESTS)
}

/// Installs what the benchmarks need.
pub(crate) fn install_for_benches() -> Result {
    install(FOR_BENCHES)
}

/// Installs what is missing, or says what is and why it could not be installed.
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
        eprintln!("{program} is not installed ({purpose}): Debian package {package}");
    }
    let packages: Vec<_> = missing.iter().map(|needed| needed.package).collect();
    let by_hand = format!("install by hand: {}", packages.join(" "));

    if find("apt-get").is_none() {
        return Err(format!("there is no apt-get here to install them with; {by_hand}").into());
    }
    let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root && find("sudo").is_none() {
        return Err(format!("only root can install packages here; {by_hand}").into());
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
