//! The streams that are decoded: generated from a seed, with the events that they hold.

use bytes::Bytes;
use fastrand::Rng;

use crate::outcome::{Digest, Sink as _};

/// A kind of stream.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    write: fn(&mut Writer),
}

/// All kinds, as the tables list them.
pub(crate) const KINDS: [Kind; 8] = [
    Kind {
        name: "openai",
        description: "deltas of about 200 bytes: one `data` line of JSON",
        write: openai,
    },
    Kind {
        name: "anthropic",
        description: "`event` and a `data` line of JSON",
        write: anthropic,
    },
    Kind {
        name: "tiny",
        description: "`data: x`",
        write: tiny,
    },
    Kind {
        name: "fields",
        description: "`event`, `id` and 60 bytes of JSON",
        write: |out| fields(out, "\n"),
    },
    Kind {
        name: "lines",
        description: "20 `data` lines of 80 bytes",
        write: lines,
    },
    Kind {
        name: "large",
        description: "single `data` lines of 1 MiB",
        write: large,
    },
    Kind {
        name: "comments",
        description: "keep-alive comments, an event after every 16",
        write: comments,
    },
    Kind {
        name: "crlf",
        description: "as `fields`, with CRLF at the line ends",
        write: |out| fields(out, "\r\n"),
    },
];

/// A stream, and the digest of its events.
pub(crate) struct Corpus {
    pub(crate) bytes: Bytes,
    pub(crate) expected: Digest,
}

impl Kind {
    /// Generates a stream of at least `len` bytes. The same length gives the same stream.
    pub(crate) fn generate(&self, len: usize) -> Corpus {
        let mut writer = Writer {
            rng: Rng::with_seed(0x5353_4521),
            bytes: Vec::with_capacity(len + (2 << 20)),
            expected: Digest::default(),
            serial: 0,
        };
        while writer.bytes.len() < len {
            (self.write)(&mut writer);
            writer.serial += 1;
        }
        Corpus {
            bytes: writer.bytes.into(),
            expected: writer.expected,
        }
    }
}

/// Writes a stream, and computes the digest of its events at the same time.
struct Writer {
    rng: Rng,
    bytes: Vec<u8>,
    expected: Digest,
    serial: u32,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn event(&mut self, event: &str, id: &str, data: &str, line_end: &str) {
        if !event.is_empty() {
            self.put(&format!("event: {event}{line_end}"));
        }
        if !id.is_empty() {
            self.put(&format!("id: {id}{line_end}"));
        }
        for line in data.split('\n') {
            self.put(&format!("data: {line}{line_end}"));
        }
        self.put(line_end);
        self.expected.event(event, id, data.as_bytes());
    }

    /// Returns text as a language model writes it, a token or two, sometimes not ASCII.
    fn words(&mut self, len: usize) -> String {
        const WORDS: [&str; 16] = [
            "the",
            "of",
            "stream",
            "and",
            "to",
            "event",
            "a",
            "is",
            "server",
            "that",
            "for",
            "it",
            "with",
            "as",
            "was",
            "naïve café — 東京",
        ];
        let mut text = String::new();
        while text.len() < len {
            text.push(' ');
            text.push_str(WORDS[self.rng.usize(..WORDS.len())]);
        }
        text
    }

    fn ascii(&mut self, len: usize) -> String {
        (0..len).map(|_| self.rng.alphanumeric()).collect()
    }
}

fn openai(out: &mut Writer) {
    let len = out.rng.usize(2..24);
    let text = out.words(len);
    let data = format!(
        "{{\"id\":\"chatcmpl-9qXkTzR4\",\"object\":\"chat.completion.chunk\",\
         \"created\":1720000000,\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\
         \"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}"
    );
    out.event("", "", &data, "\n");
}

fn anthropic(out: &mut Writer) {
    let len = out.rng.usize(2..24);
    let text = out.words(len);
    let data = format!(
        "{{\"type\":\"content_block_delta\",\"index\":0,\
         \"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}"
    );
    out.event("content_block_delta", "", &data, "\n");
}

fn tiny(out: &mut Writer) {
    out.event("", "", "x", "\n");
}

fn fields(out: &mut Writer, line_end: &str) {
    let id = out.serial.to_string();
    let symbol = out.ascii(4);
    let (bid, ask) = (out.rng.u32(10_000..99_999), out.rng.u32(10_000..99_999));
    let data =
        format!("{{\"symbol\":\"{symbol}\",\"bid\":{bid},\"ask\":{ask},\"venue\":\"XETR\"}}");
    out.event("quote", &id, &data, line_end);
}

fn lines(out: &mut Writer) {
    let lines: Vec<_> = (0..20).map(|_| out.ascii(80)).collect();
    out.event("", "", &lines.join("\n"), "\n");
}

fn large(out: &mut Writer) {
    let mut data = String::with_capacity(1 << 20);
    while data.len() < 1 << 20 {
        data.push_str(&out.words(256));
    }
    out.event("", "", &data, "\n");
}

fn comments(out: &mut Writer) {
    if out.serial % 17 == 16 {
        out.event("", "", "still here", "\n");
    } else {
        out.put(": keep-alive\n\n");
    }
}
