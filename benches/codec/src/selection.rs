//! What was asked for on the command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: sse-bench-codec [NAME…] [--quick] [--output FOLDER]

  NAME     decode, encode, a corpus, a case or a package: only what is named
  --quick  check that everything runs and agrees, measure nothing
  --output write the report's parts there, if nothing of them is left out
";

/// The names that were given, and how to run.
#[derive(Default)]
pub(crate) struct Selection {
    names: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) out: Option<PathBuf>,
}

impl Selection {
    /// Reads the arguments. Only names that `is_known` are accepted.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = String>,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let mut selection = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => selection.quick = true,
                "--output" => {
                    let folder = arguments.next().ok_or("--output takes a folder")?;
                    selection.out = Some(folder.into());
                }
                name if is_known(name) => selection.names.push(argument),
                unknown => return Err(format!("there is no {unknown}\n\n{USAGE}")),
            }
        }
        Ok(selection)
    }

    fn names(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }

    /// Whether `name` is among what was asked for, which is all of a kind if none of it was named.
    pub(crate) fn selects<'a>(&self, name: &str, mut kind: impl Iterator<Item = &'a str>) -> bool {
        self.names(name) || !kind.any(|other| self.names(other))
    }

    /// Whether everything of a kind was asked for.
    pub(crate) fn is_whole<'a>(&self, mut kind: impl Iterator<Item = &'a str>) -> bool {
        !kind.any(|name| self.names(name))
    }

    /// Whether one of the two parts, of which `own` and `other` are the names, is to be run.
    pub(crate) fn runs_part(&self, part: &str, parts: &[&str], own: impl Fn(&str) -> bool) -> bool {
        if parts.iter().any(|part| self.names(part)) {
            return self.names(part);
        }
        self.names.is_empty() || self.names.iter().any(|name| own(name))
    }
}
