//! The command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: sse-bench-codec [NAME…] [--quick] [--output FOLDER]

  NAME     decode, encode, a corpus, a case or a package: only what is named
  --quick  check that everything runs and agrees; measure nothing
  --output write the parts of the report there, if they are complete
";

/// The names on the command line, and the options.
#[derive(Default)]
pub(crate) struct Selection {
    names: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) out: Option<PathBuf>,
}

impl Selection {
    /// Parses the arguments. Only names that `is_known` are accepted.
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

    /// Returns whether `name` is selected. If no name of its `kind` was given, all of them are.
    pub(crate) fn selects<'a>(&self, name: &str, mut kind: impl Iterator<Item = &'a str>) -> bool {
        self.names(name) || !kind.any(|other| self.names(other))
    }

    /// Returns whether all names of a kind are selected.
    pub(crate) fn is_whole<'a>(&self, mut kind: impl Iterator<Item = &'a str>) -> bool {
        !kind.any(|name| self.names(name))
    }

    /// Returns whether `part`, one of `parts`, is selected; `own` accepts the names that belong to it.
    pub(crate) fn runs_part(&self, part: &str, parts: &[&str], own: impl Fn(&str) -> bool) -> bool {
        if parts.iter().any(|part| self.names(part)) {
            return self.names(part);
        }
        self.names.is_empty() || self.names.iter().any(|name| own(name))
    }
}
