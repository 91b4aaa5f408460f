//! Reads the stream and prints it.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream as _;
use sse_eventsource::{ErrorKind, EventSource, Update};

use crate::arguments::Arguments;
use crate::output::{Output, report, without_controls};

/// Prints the stream until it ends.
pub(crate) async fn tail(source: EventSource, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut output = Output::new(arguments);
    let read = read(source, arguments, &mut output).await;
    // What was printed stays whole, whatever comes after it.
    let ended = output.end_line();
    read?;
    ended?;
    match &arguments.select {
        Some(pointer) if !output.has_printed() => {
            Err(format!("no event had anything at {pointer:?}").into())
        }
        _ => Ok(()),
    }
}

async fn read(
    source: EventSource,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<(), Box<dyn Error>> {
    let mut updates = source.into_updates();
    let mut count = arguments.count.unwrap_or(u64::MAX);
    while count > 0
        && let Some(update) = poll_fn(|cx| Pin::new(&mut updates).poll_next(cx)).await
    {
        let update = update.map_err(|error| match (error.kind(), &arguments.until) {
            (ErrorKind::Incomplete, Some(until)) => {
                format!("{error}, {:?}", without_controls(until)).into()
            }
            _ => Box::<dyn Error>::from(error),
        })?;
        let is_failure = matches!(
            &update,
            Update::Disconnected { error: Some(_), .. } | Update::NotResumed { .. }
        );
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
            Update::NotResumed {
                last_event_id,
                error,
            } => {
                let id = without_controls(&last_event_id);
                match error {
                    Some(error) => format!("not resumed after {id:?}: {error}"),
                    None => format!("not resumed after {id:?}: no header can contain it"),
                }
            }
            Update::Disconnected { error, delay } => {
                let why = error.map_or("the stream ended".to_owned(), |error| error.to_string());
                let seconds = delay.as_secs_f64();
                format!("disconnected, {why}; next attempt in {seconds:.1} s")
            }
            _ => continue,
        };
        if arguments.all || is_failure {
            output.end_line()?;
            report(&note);
        }
    }
    Ok(())
}
