//! A proxy and its configurations.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::expected::{Compressed, Expected};

/// A proxy, and what is expected of it.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) program: Program,
    /// Whether it has HTTP/2 without TLS, and no TLS.
    pub(crate) is_cleartext: bool,
    pub(crate) launch: fn(&Place<'_>) -> Launch,
    /// As installed, with the shortest configuration that forwards everything.
    pub(crate) installed: Expected,
    /// With the lines of the guide.
    pub(crate) advised: Expected,
    /// As installed, with compression. `None` where event streams cannot be compressed.
    pub(crate) compressed: Option<Compressed>,
}

impl Proxy {
    pub(crate) fn setups(&self) -> [(Lines, Expected); 2] {
        [
            (Lines::Installed, self.installed),
            (Lines::Advised, self.advised),
        ]
    }
}

/// Where a program comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    /// A package of Debian.
    Debian(&'static str),
    /// A package of `PyPI` with the program: its name, and its path in the virtual environment,
    /// where `python` stands for the folder of the modules.
    PyPi(&'static str, &'static str),
}

/// The lines of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    Installed,
    Advised,
}

/// What is changed in a configuration for a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// The limit on silence is [`LIMIT`].
    Silence,
    /// The limit on a whole response is [`LIMIT`].
    Whole,
    /// Event streams are compressed by gzip.
    Compression,
}

/// A shortened limit, in seconds.
pub(crate) const LIMIT: u32 = 2;

/// Where a proxy runs, and in front of what.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) http1: SocketAddr,
    /// With TLS, or without where the proxy has no TLS.
    pub(crate) http2: SocketAddr,
    pub(crate) upstream: SocketAddr,
    pub(crate) lines: Lines,
    pub(crate) change: Change,
}

impl Place<'_> {
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(crate) fn certificate(&self) -> String {
        self.file("certificate.pem")
    }

    pub(crate) fn key(&self) -> String {
        self.file("key.pem")
    }

    /// The file with the certificate and the key.
    pub(crate) fn both(&self) -> String {
        self.file("both.pem")
    }

    /// Returns the lines of the guide for this place. They name an example of an upstream.
    pub(crate) fn adapt(&self, lines: &str) -> String {
        lines.replace("127.0.0.1:3000", &self.upstream.to_string())
    }

    /// Returns `advised` adapted, or `installed`.
    pub(crate) fn choose(&self, installed: &str, advised: &str) -> String {
        match self.lines {
            Lines::Installed => installed.to_owned(),
            Lines::Advised => self.adapt(advised),
        }
    }

    /// Returns `text` for this change, else nothing.
    pub(crate) fn with<'t>(&self, change: Change, text: &'t str) -> &'t str {
        if self.change == change { text } else { "" }
    }
}

/// How a proxy is started.
#[derive(Debug, Default)]
pub(crate) struct Launch {
    pub(crate) arguments: Vec<String>,
    /// Files in its folder.
    pub(crate) files: Vec<(&'static str, String)>,
}

impl Launch {
    /// Returns the arguments, separated by spaces.
    pub(crate) fn new(arguments: &str) -> Self {
        Self {
            arguments: arguments.split_whitespace().map(str::to_owned).collect(),
            files: Vec::new(),
        }
    }

    pub(crate) fn file(mut self, name: &'static str, content: impl Into<String>) -> Self {
        self.files.push((name, content.into()));
        self
    }
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debian(name) | Self::PyPi(name, _) => name,
        }
    }

    /// Returns its path, if it is installed.
    pub(crate) fn path(self) -> Option<PathBuf> {
        match self {
            Self::Debian(name) => sse_proxies::find(name),
            Self::PyPi(name, path) => {
                // The program of this test is in `target/debug/deps`.
                let this = std::env::current_exe().expect("the path of this program");
                let target = this.ancestors().nth(3).expect("the folder of the build");
                let environment = target.join("pypi").join(name);
                let program = match path.strip_prefix("python/") {
                    // The folder has the version of Python in its name.
                    Some(path) => fs::read_dir(environment.join("lib"))
                        .ok()?
                        .flatten()
                        .map(|version| version.path().join("site-packages").join(path))
                        .find(|path| path.is_file())?,
                    None => environment.join(path),
                };
                Some(program).filter(|path| path.is_file())
            }
        }
    }
}

/// Replaces text that must be there.
pub(crate) fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in {text}");
    text.replace(from, to)
}
