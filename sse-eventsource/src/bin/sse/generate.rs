//! The files for packages: a man page, and completions for shells.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::arguments::{Arguments, Form};

/// Writes the file.
pub(crate) fn write(form: Form, to: &mut impl Write) -> io::Result<()> {
    let mut command = Arguments::command();
    let shell = match form {
        Form::Man => return clap_mangen::Man::new(command).render(to),
        Form::Bash => Shell::Bash,
        Form::Elvish => Shell::Elvish,
        Form::Fish => Shell::Fish,
        Form::PowerShell => Shell::PowerShell,
        Form::Zsh => Shell::Zsh,
    };
    // It panics where it cannot write.
    let mut file = Vec::new();
    clap_complete::generate(shell, &mut command, "sse", &mut file);
    to.write_all(&file)
}
