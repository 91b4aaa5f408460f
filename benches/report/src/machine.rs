//! The machine that the figures were measured on.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread;

/// The vector extensions that matter to a parser, as `/proc/cpuinfo` names them.
const EXTENSIONS: [&str; 8] = [
    "sse2", "ssse3", "sse4_2", "avx", "avx2", "avx512bw", "asimd", "sve",
];

/// The machine, the compiler and the commit. Where one cannot be determined, it is "unknown".
#[derive(Clone, Debug)]
pub struct Machine {
    cpu: String,
    cores: usize,
    extensions: String,
    compiled_for: String,
    kernel: String,
    rustc: String,
    commit: String,
}

impl Machine {
    /// Describes this machine.
    #[must_use]
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let entry = |name: &str| {
            let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
            let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
            Some(value.trim().to_owned())
        };
        let flags = entry("flags").or_else(|| entry("Features"));
        let flags = flags.unwrap_or_default();
        let has = |extension: &&str| flags.split_whitespace().any(|flag| flag == *extension);
        let extensions: Vec<_> = EXTENSIONS.into_iter().filter(has).collect();
        let changed = !output("git", &["status", "--porcelain"]).is_none_or(|it| it.is_empty());
        let commit = output("git", &["rev-parse", "--short", "HEAD"]);
        Self {
            cpu: entry("model name").unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(0, usize::from),
            extensions: extensions.join(", "),
            compiled_for: compiled_for(),
            kernel: output("uname", &["-srm"]).unwrap_or_else(unknown),
            rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
            commit: commit.unwrap_or_else(unknown) + if changed { ", with changes" } else { "" },
        }
    }
}

impl fmt::Display for Machine {
    /// Writes it as a list in Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "- CPU: {}, {} cores", self.cpu, self.cores)?;
        writeln!(f, "- vector extensions: {}", self.extensions)?;
        writeln!(f, "- compiled for: {}", self.compiled_for)?;
        writeln!(f, "- kernel: {}", self.kernel)?;
        writeln!(f, "- compiler: {}", self.rustc)?;
        writeln!(f, "- commit: {}", self.commit)
    }
}

/// Returns the target and the extensions that the compiler assumed.
fn compiled_for() -> String {
    let mut assumed = Vec::new();
    for (is_assumed, name) in [
        (cfg!(target_feature = "sse2"), "sse2"),
        (cfg!(target_feature = "avx2"), "avx2"),
        (cfg!(target_feature = "avx512bw"), "avx512bw"),
        (cfg!(target_feature = "neon"), "neon"),
    ] {
        if is_assumed {
            assumed.push(name);
        }
    }
    format!("{} with {}", std::env::consts::ARCH, assumed.join(", "))
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
