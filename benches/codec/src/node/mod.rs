//! eventsource-parser under Node, for orientation: it is another language, in another process.
//!
//! The process runs for the whole benchmark, and takes turns with the other contenders.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bytes::Bytes;

use crate::outcome::Digest;

pub(crate) const NAME: &str = "eventsource-parser (Node)";

/// The npm package, and its version.
const PACKAGE: &str = "eventsource-parser@4.1.3";

const SCRIPT: &str = include_str!("decode.mjs");

/// A running Node with the decoder loaded.
pub(crate) struct Node {
    folder: PathBuf,
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Starts Node, or returns why it cannot be started.
    pub(crate) fn start() -> Result<Self, String> {
        Self::install_and_start().map_err(|error| format!("left out: {error}"))
    }

    fn install_and_start() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let folder = program.with_file_name("bench-node");
        fs::create_dir_all(&folder)?;
        if !folder.join("node_modules/eventsource-parser").is_dir() {
            let installed = Command::new("npm")
                .args([
                    "install",
                    "--no-save",
                    "--no-audit",
                    "--no-fund",
                    PACKAGE,
                    "--prefix",
                ])
                .arg(&folder)
                .stdout(Stdio::null())
                .status()
                .map_err(|error| io::Error::other(format!("cannot run npm: {error}")))?;
            if !installed.success() {
                return Err(io::Error::other(format!("npm cannot install {PACKAGE}")));
            }
        }
        let script = folder.join("decode.mjs");
        fs::write(&script, SCRIPT)?;
        let mut child = Command::new("node")
            .arg(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("cannot run node: {error}")))?;
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("node has no standard input and output"));
        };
        Ok(Self {
            folder,
            child,
            commands,
            answers: BufReader::new(answers),
        })
    }

    /// Loads a stream, to be decoded in chunks of `chunk_len`.
    pub(crate) fn load(&mut self, stream: &Bytes, chunk_len: usize) -> io::Result<()> {
        let file = self.folder.join("corpus");
        fs::write(&file, stream)?;
        let chunk_len = chunk_len.min(stream.len());
        self.ask(&format!("load {} {chunk_len}", file.display()))?;
        Ok(())
    }

    /// Decodes the stream and returns the CPU time that it took, in seconds.
    pub(crate) fn decode(&mut self) -> io::Result<f64> {
        let answer = self.ask("decode")?;
        let microseconds = answer
            .split(' ')
            .next()
            .and_then(|it| it.parse::<f64>().ok());
        let microseconds =
            microseconds.ok_or_else(|| io::Error::other(format!("node says {answer}")))?;
        Ok(microseconds * 1e-6)
    }

    /// Decodes the stream and returns the digest of its events.
    pub(crate) fn digest(&mut self) -> io::Result<Digest> {
        let answer = self.ask("digest")?;
        let numbers: Vec<u64> = answer.split(' ').filter_map(|it| it.parse().ok()).collect();
        let &[events, data_len, hash] = numbers.as_slice() else {
            return Err(io::Error::other(format!("node says {answer}")));
        };
        let hash = u32::try_from(hash).map_err(io::Error::other)?;
        Ok(Digest {
            events,
            data_len,
            hash,
        })
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        writeln!(self.commands, "{command}")?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(io::Error::other("node has ended"));
        }
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Node has no state that must be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
