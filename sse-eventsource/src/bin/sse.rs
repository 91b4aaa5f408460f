//! `sse URL` prints an event stream in a terminal until the stream ends.

use std::error::Error;
use std::io::{self, IsTerminal as _, Read as _, Write as _, stderr, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fmt, future::poll_fn, pin::Pin};

use futures_core::Stream as _;
use lexopt::ValueExt as _;
use lexopt::prelude::{Long, Short, Value};
use sse_eventsource::{EventSource, HttpClient, ReceivedEvent, Reconnect, Update};

const HELP: &str = "\
usage: sse [OPTION…] URL

Prints each event of an event stream when it arrives, and reconnects when the
stream is cut.

  -X METHOD               HTTP method; the default is GET, or POST with -d
  -H 'NAME: VALUE'        add a header; may be repeated
  -d DATA                 send this body, as JSON unless a header says otherwise;
                          @FILE reads it from a file, @- from standard input
  --last-event-id ID      resume after this event
  --json                  print one JSON object per event and line
  --select POINTER        print only this part of the JSON data, for example
                          /choices/0/delta/content
  --all                   print comments, retries and connections to standard
                          error; failed connections are always printed
  --count N               stop after N events
  --until DATA            stop at the event with this data, for example [DONE]
  --no-reconnect          make only one attempt; with -d, an open stream is not
                          reconnected in any case
  --max-attempts N        stop after N failures in a row
  --idle-timeout SECONDS  reconnect after this time without data
  --compressed            request compression
  --http2-prior-knowledge use HTTP/2 without TLS too
  --unix-socket PATH      connect to this socket
  -h, --help              print this help

The environment variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY set
proxies.
";

struct Arguments {
    source: EventSource,
    output: Output,
    all: bool,
    count: u64,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("sse: {}", Chain(&*error));
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(tail(arguments)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has closed it, as `head` does.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sse: {}", Chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Parses the command line. Returns `None` if it asks for help.
fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    let (mut url, mut method, mut data, mut id) = (None, None, None, None);
    let mut headers = Vec::new();
    let (mut all, mut reconnect, mut compressed) = (false, true, false);
    let (mut count, mut until) = (u64::MAX, None);
    let (mut idle_timeout, mut max_attempts) = (None, None);
    let mut client = HttpClient::new().proxies_from_env();
    let mut output = Output {
        json: false,
        select: None,
        is_terminal: stdout().is_terminal(),
        colour: stdout().is_terminal() && env::var_os("NO_COLOR").is_none(),
    };

    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Short('X') | Long("request") => method = Some(parser.value()?.string()?),
            Short('H') | Long("header") => {
                let header = parser.value()?.string()?;
                let (name, value) = header
                    .split_once(':')
                    .ok_or("a header must contain a colon")?;
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            Short('d') | Long("data") => data = Some(body(parser.value()?.string()?)?),
            Long("last-event-id") => id = Some(parser.value()?.string()?),
            Long("json") => output.json = true,
            Long("select") => output.select = Some(parser.value()?.string()?),
            Long("all") => all = true,
            Long("count") => count = parser.value()?.parse()?,
            Long("until") => until = Some(parser.value()?.string()?),
            Long("no-reconnect") => reconnect = false,
            Long("max-attempts") => max_attempts = Some(parser.value()?.parse()?),
            Long("idle-timeout") => idle_timeout = Some(parser.value()?.parse()?),
            Long("compressed") => compressed = true,
            Long("http2-prior-knowledge") => client = client.http2_prior_knowledge(),
            #[cfg(unix)]
            Long("unix-socket") => client = client.unix_socket(parser.value()?),
            Value(value) if url.is_none() => url = Some(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }

    let mut url = url.ok_or("missing URL; see sse --help")?;
    if !url.contains("://") {
        url.insert_str(0, "http://");
    }
    let method = method.unwrap_or_else(|| if data.is_some() { "POST" } else { "GET" }.to_owned());
    let mut builder = EventSource::builder(method.parse()?, url)
        .header("user-agent", concat!("sse/", env!("CARGO_PKG_VERSION")))
        .compression(compressed)
        .idle_timeout(idle_timeout.map(Duration::from_secs));
    if data.is_some() {
        builder = builder
            .header("content-type", "application/json")
            .reconnect(Reconnect::UntilOpen);
    }
    if !reconnect {
        builder = builder.reconnect(Reconnect::Never);
    }
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    if let Some(data) = data {
        builder = builder.body(data);
    }
    if let Some(id) = id {
        builder = builder.last_event_id(id);
    }
    if let Some(attempts) = max_attempts {
        builder = builder.max_attempts(attempts);
    }
    if let Some(until) = until {
        builder = builder.end_if(move |event| event.data() == until);
    }
    Ok(Some(Arguments {
        source: builder.build_with(client)?,
        output,
        all,
        count,
    }))
}

/// Reads the body that the value of `-d` stands for.
fn body(data: String) -> io::Result<Vec<u8>> {
    match data.strip_prefix('@') {
        None => Ok(data.into_bytes()),
        Some("-") => {
            let mut body = Vec::new();
            stdin().read_to_end(&mut body)?;
            Ok(body)
        }
        Some(path) => std::fs::read(path)
            .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}"))),
    }
}

async fn tail(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments {
        source,
        output,
        all,
        mut count,
    } = arguments;
    let mut updates = source.into_updates();
    while count > 0
        && let Some(update) = poll_fn(|cx| Pin::new(&mut updates).poll_next(cx)).await
    {
        let update = update?;
        let is_failure = matches!(&update, Update::Disconnected { error: Some(_), .. });
        let note = match update {
            Update::Event(event) => {
                output.event(&event)?;
                count -= 1;
                continue;
            }
            Update::Connecting { attempt } => format!("connecting, attempt {attempt}"),
            Update::Open(head) => format!("open, {}", head.status),
            Update::Comment(text) => format!("comment: {}", without_controls(&text)),
            Update::Retry(time) => format!("retry: {} ms", time.as_millis()),
            Update::Disconnected { error, delay } => {
                let why = error.map_or("the stream ended".to_owned(), |error| {
                    Chain(&error).to_string()
                });
                let seconds = delay.as_secs_f64();
                format!("disconnected, {why}; next attempt in {seconds:.1} s")
            }
            _ => continue,
        };
        if all || is_failure {
            writeln!(stderr(), "{note}")?;
        }
    }
    output.end()
}

/// The format of the output.
struct Output {
    json: bool,
    select: Option<String>,
    is_terminal: bool,
    colour: bool,
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    event: &'a str,
    data: &'a str,
    id: &'a str,
}

impl Output {
    fn event(&self, event: &ReceivedEvent) -> Result<(), Box<dyn Error>> {
        let mut stdout = stdout().lock();
        if let Some(pointer) = &self.select {
            // Data that is not JSON, or has no such part, is skipped.
            let Ok(json) = event.json::<serde_json::Value>() else {
                return Ok(());
            };
            match json.pointer(pointer) {
                Some(serde_json::Value::String(text)) => {
                    write!(stdout, "{}", self.text(text))?;
                }
                Some(serde_json::Value::Null) | None => {}
                Some(other) => writeln!(stdout, "{other}")?,
            }
        } else if self.json {
            let shown = Shown {
                event: event.event(),
                data: event.data(),
                id: event.last_event_id(),
            };
            writeln!(stdout, "{}", serde_json::to_string(&shown)?)?;
        } else {
            let (name, data) = (self.text(event.event()), self.text(event.data()));
            let id = event
                .id()
                .map_or(String::new(), |id| format!(" {}", self.text(id)));
            if self.colour {
                writeln!(stdout, "\x1b[1;36m{name}\x1b[0m\x1b[2m{id}\x1b[0m {data}")?;
            } else {
                writeln!(stdout, "{name}{id} {data}")?;
            }
        }
        stdout.flush()?;
        Ok(())
    }

    fn end(&self) -> Result<(), Box<dyn Error>> {
        if self.select.is_some() && self.is_terminal {
            writeln!(stdout())?;
        }
        Ok(())
    }

    /// Returns the text as it is printed. A terminal must not obey a server.
    fn text(&self, text: &str) -> String {
        if self.is_terminal {
            without_controls(text)
        } else {
            text.to_owned()
        }
    }
}

/// Replaces the control characters.
fn without_controls(text: &str) -> String {
    let is_control = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
    text.replace(is_control, "\u{fffd}")
}

/// Prints an error with its sources, and the start of the body of a rejected response.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut error = self.0;
        while let Some(source) = error.source() {
            let cause = source.to_string();
            // Some errors include the message of their source.
            if !text.ends_with(&cause) {
                text = format!("{text}: {cause}");
            }
            error = source;
        }
        f.write_str(&text)?;
        let rejected = self
            .0
            .downcast_ref()
            .and_then(sse_eventsource::Error::rejected);
        if let Some(rejected) = rejected
            && !rejected.body().is_empty()
        {
            let body = String::from_utf8_lossy(rejected.body());
            write!(f, "\n{}", without_controls(body.trim_end()))?;
        }
        Ok(())
    }
}
