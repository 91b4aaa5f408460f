//! `sse URL` tails an event stream in a terminal, as it comes and for as long as it goes on.

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

Prints the events of an event stream as they come, and connects again when it is cut.

  -X METHOD               the method; by default GET, or POST with -d
  -H 'NAME: VALUE'        a header, several times if need be
  -d DATA                 the body, which is JSON unless a header says otherwise;
                          @FILE for what is in a file, @- for standard input
  --last-event-id ID      resume after this event
  --json                  one JSON object per event and line
  --select POINTER        only this of the data's JSON, as /choices/0/delta/content
  --all                   comments, retries and connections too, on standard error;
                          connections that fail are told in any case
  --count N               end after so many events
  --until DATA            end at the event with this data, as [DONE]
  --no-reconnect          end with the stream; with -d that is so in any case
  --max-attempts N        end after so many failures in a row
  --idle-timeout SECONDS  connect again when nothing comes for so long
  --compressed            ask for compression
  --http2-prior-knowledge speak HTTP/2 without TLS too
  --unix-socket PATH      connect to this socket

Proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
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
        // Whoever reads the output has enough of it, as `head` has.
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

/// What the command line says, or `None` if it asks for help.
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
                let (name, value) = header.split_once(':').ok_or("a header needs a colon")?;
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

    let mut url = url.ok_or("no URL; see sse --help")?;
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

/// The body that `-d` asks for.
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
            Update::Comment(text) => format!("comment: {}", harmless(&text)),
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

/// How events are printed.
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
            // What is no JSON, or has nothing there, is passed over.
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

    /// What a terminal is given, which must not obey a server.
    fn text(&self, text: &str) -> String {
        if self.is_terminal {
            harmless(text)
        } else {
            text.to_owned()
        }
    }
}

/// The text without what controls a terminal.
fn harmless(text: &str) -> String {
    let is_control = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
    text.replace(is_control, "\u{fffd}")
}

/// An error with those below it, and the start of what the server has to say.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut error = self.0;
        while let Some(source) = error.source() {
            write!(f, ": {source}")?;
            error = source;
        }
        let rejected = self
            .0
            .downcast_ref()
            .and_then(sse_eventsource::Error::rejected);
        if let Some(rejected) = rejected
            && !rejected.body().is_empty()
        {
            let body = String::from_utf8_lossy(rejected.body());
            write!(f, "\n{}", harmless(body.trim_end()))?;
        }
        Ok(())
    }
}
