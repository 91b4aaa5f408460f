//! The formats of the output.

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _, stdout};

use serde_json::value::RawValue;
use sse_eventsource::ReceivedEvent;

use crate::arguments::Arguments;

pub(crate) struct Output<'a> {
    arguments: &'a Arguments,
    is_terminal: bool,
    colour: bool,
    has_printed: bool,
    /// The last line is not ended.
    is_in_line: bool,
}

/// One line of `--json`.
#[derive(serde::Serialize)]
struct Shown<'a, D> {
    event: &'a str,
    data: D,
    id: &'a str,
}

impl<'a> Output<'a> {
    pub(crate) fn new(arguments: &'a Arguments) -> Self {
        let is_terminal = stdout().is_terminal();
        Self {
            arguments,
            is_terminal,
            colour: is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            has_printed: false,
            is_in_line: false,
        }
    }

    /// Whether anything was printed.
    pub(crate) fn has_printed(&self) -> bool {
        self.has_printed
    }

    pub(crate) fn event(&mut self, event: &ReceivedEvent) -> Result<(), Box<dyn Error>> {
        let text = if let Some(pointer) = &self.arguments.select {
            match selected(event, pointer) {
                Some(serde_json::Value::String(text)) => self.shown(&text),
                Some(other) => self.shown(&format!("{other}\n")),
                None => return Ok(()),
            }
        } else if self.arguments.json || self.arguments.json_text {
            self.shown(&self.json(event)?) + "\n"
        } else {
            self.line(event) + "\n"
        };
        let mut stdout = stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        self.has_printed |= !text.is_empty();
        self.is_in_line = if text.is_empty() {
            self.is_in_line
        } else {
            !text.ends_with('\n')
        };
        Ok(())
    }

    /// Ends the last line, if it is not ended.
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_in_line) {
            writeln!(stdout())?;
        }
        Ok(())
    }

    fn json(&self, event: &ReceivedEvent) -> serde_json::Result<String> {
        let (name, id) = (event.event(), event.last_event_id());
        if self.arguments.json
            && let Ok(data) = event.json::<&RawValue>()
        {
            // As it is, so that no number loses digits. Its line ends are not in strings.
            let line = data.get().replace(['\n', '\r'], " ");
            let data = serde_json::from_str::<&RawValue>(&line)?;
            return serde_json::to_string(&Shown {
                event: name,
                data,
                id,
            });
        }
        let data = event.data();
        serde_json::to_string(&Shown {
            event: name,
            data,
            id,
        })
    }

    fn line(&self, event: &ReceivedEvent) -> String {
        let (name, data) = (self.shown(event.event()), self.shown(event.data()));
        let id = event.id();
        let id = id.map_or(String::new(), |id| format!(" {}", self.shown(id)));
        if self.colour {
            format!("\x1b[1;36m{name}\x1b[0m\x1b[2m{id}\x1b[0m {data}")
        } else {
            format!("{name}{id} {data}")
        }
    }

    /// Returns the text as it is printed. A terminal must not obey a server.
    fn shown(&self, text: &str) -> String {
        if self.is_terminal {
            without_controls(text)
        } else {
            text.to_owned()
        }
    }
}

/// Returns the part of the JSON data that the pointer names, if there is one. Data that is not JSON
/// has none.
fn selected(event: &ReceivedEvent, pointer: &str) -> Option<serde_json::Value> {
    let mut json: serde_json::Value = event.json().ok()?;
    let found = json.pointer_mut(pointer)?.take();
    (!found.is_null()).then_some(found)
}

/// Replaces the control characters.
pub(crate) fn without_controls(text: &str) -> String {
    let is_control = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
    text.replace(is_control, "\u{fffd}")
}

/// Prints a line to standard error, whether or not anything reads it.
pub(crate) fn report(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
