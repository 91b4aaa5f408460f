//! `sse URL` prints an event stream in a terminal until the stream ends.

mod arguments;
mod generate;
mod output;
mod source;
mod tail;
mod tls;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;
use crate::output::report;

/// The exit status for arguments that cannot be used, as clap has it for those that it refuses.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(form) = arguments.generate {
        return finish(generate::write(form, &mut io::stdout()).map_err(Into::into));
    }
    let source = match source::build(&arguments) {
        Ok(source) => source,
        Err(error) => {
            report(&format!("sse: {}", chain(&*error)));
            return ExitCode::from(USAGE);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    finish(match runtime {
        Ok(runtime) => runtime.block_on(tail::tail(source, &arguments)),
        Err(error) => Err(error.into()),
    })
}

fn finish(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has closed it, as `head` does.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("sse: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Returns the text of an error with its causes. Errors of the client include them.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
