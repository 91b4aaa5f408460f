//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Prints each event of an event stream when it arrives, and reconnects when the stream is cut.
///
/// Standard output has the events, standard error everything else. The exit status is 0 when the
/// stream has ended as it should, 1 when it failed or ended too early, and 2 when the command line
/// is wrong.
#[derive(Debug, Parser)]
#[command(
    name = "sse",
    version,
    max_term_width = 100,
    after_help = "\
Environment:
  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY
                  The proxies, as curl reads them, in upper or lower case
  NO_COLOR        No colours in a terminal

Example:
  sse -H \"Authorization: Bearer $KEY\" -d @question.json \\
      --select /choices/0/delta/content --until '[DONE]' https://llm.example/v1/chat/completions"
)]
pub(crate) struct Arguments {
    /// The stream; without a scheme, http is assumed
    #[arg(required_unless_present = "generate")]
    pub(crate) url: Option<String>,

    /// HTTP method; the default is GET, or POST with --data
    #[arg(short = 'X', long, value_name = "METHOD", help_heading = "Request")]
    pub(crate) request: Option<String>,
    /// Add a header; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header, help_heading = "Request")]
    pub(crate) header: Vec<(String, String)>,
    /// Send this body, as JSON unless a header says otherwise; @FILE reads it from a file, @- from
    /// standard input
    #[arg(short, long, help_heading = "Request")]
    pub(crate) data: Option<String>,
    /// Resume after this event
    #[arg(long, value_name = "ID", help_heading = "Request")]
    pub(crate) last_event_id: Option<String>,
    /// Ask for compression
    #[arg(long, help_heading = "Request")]
    pub(crate) compressed: bool,
    /// Accept a response that does not say that it is an event stream
    #[arg(long, help_heading = "Request")]
    pub(crate) any_content_type: bool,

    /// Print one JSON object per event and line; data that is JSON is part of it as it is
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// As --json, with the data as text in any case
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub(crate) json_text: bool,
    /// Print only this part of the JSON data, for example /choices/0/delta/content; an event named
    /// error, or with an error in its JSON, is a failure
    #[arg(long, value_name = "POINTER", value_parser = pointer, conflicts_with_all = ["json", "json_text"], help_heading = "Output")]
    pub(crate) select: Option<String>,
    /// Print comments, retries and connections to standard error; failed connections are always
    /// printed
    #[arg(long, help_heading = "Output")]
    pub(crate) all: bool,

    /// Stop after this many events
    #[arg(long, value_name = "N", help_heading = "End")]
    pub(crate) count: Option<u64>,
    /// Stop at the event with this data, for example `[DONE]`; it is a failure if the stream ends
    /// before it and is not resumed
    #[arg(long, value_name = "DATA", help_heading = "End")]
    pub(crate) until: Option<String>,
    /// Make only one attempt; with --data, an open stream is not reconnected in any case
    #[arg(long, help_heading = "End")]
    pub(crate) no_reconnect: bool,
    /// Stop after this many failures in a row; with --data the default is 5, without it there is no
    /// limit
    #[arg(long, value_name = "N", help_heading = "End")]
    pub(crate) max_attempts: Option<u32>,

    /// How long a connection may take; 20 by default
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    pub(crate) connect_timeout: Option<Duration>,
    /// How long the head of the response may take; 60 by default, 600 with another method than GET
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    pub(crate) response_timeout: Option<Duration>,
    /// Reconnect after this time without data
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    pub(crate) idle_timeout: Option<Duration>,
    /// Reconnect after this time without an event
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    pub(crate) event_timeout: Option<Duration>,

    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub(crate) cacert: Option<PathBuf>,
    /// Trust any certificate: the connection can then be read and changed on its way
    #[arg(
        short = 'k',
        long,
        conflicts_with = "cacert",
        help_heading = "Connection"
    )]
    pub(crate) insecure: bool,
    /// Use HTTP/2 without TLS too
    #[arg(long, help_heading = "Connection")]
    pub(crate) http2_prior_knowledge: bool,
    /// Connect to this socket
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", help_heading = "Connection")]
    pub(crate) unix_socket: Option<PathBuf>,

    /// Print the man page or the completions of a shell, for packages
    #[arg(long, value_name = "FORM", exclusive = true, hide = true)]
    pub(crate) generate: Option<Form>,
}

/// What can be generated.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Form {
    Man,
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header must contain a colon")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// RFC 6901 § 3.
fn pointer(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("a JSON pointer begins with a slash")
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
