//! Any sequence of pieces decodes to the text, each piece as soon as it is there.
#![no_main]

use flate2::{Crc, Decompress, FlushDecompress, Status};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sse_session::gzip::{EMPTY_BLOCK, History, Level, OPENING, deflate, store, trailer};

#[derive(Arbitrary, Debug)]
struct Piece {
    form: Form,
    text: Vec<u8>,
    /// How often the text is repeated, to be longer than an input, or than a block.
    repeated: u16,
    /// What is added to the bytes of each repetition, so that they differ.
    added: u8,
    is_small: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Form {
    Alone,
    Primed,
    Stored,
    Empty,
}

/// Text that is longer takes long, and no other path.
const MAX_TEXT: usize = 140_000;

impl Piece {
    fn plain(&self) -> Vec<u8> {
        if matches!(self.form, Form::Empty) {
            return Vec::new();
        }
        let mut plain = Vec::new();
        for number in 0..=self.repeated {
            if plain.len() + self.text.len() > MAX_TEXT {
                break;
            }
            let change = self.added.wrapping_mul(number.to_le_bytes()[0]);
            plain.extend(self.text.iter().map(|byte| byte.wrapping_add(change)));
        }
        plain
    }
}

/// A receiver that decodes what it has.
struct Receiver {
    decoder: Decompress,
    text: Vec<u8>,
    has_ended: bool,
}

impl Receiver {
    fn new() -> Self {
        Self {
            decoder: Decompress::new_gzip(15),
            text: Vec::new(),
            has_ended: false,
        }
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            assert!(!self.has_ended, "something after the trailer");
            self.text.reserve(64 * 1024);
            let before = self.decoder.total_in();
            let flush = FlushDecompress::Sync;
            let status = self.decoder.decompress_vec(bytes, &mut self.text, flush);
            self.has_ended = status.expect("gzip") == Status::StreamEnd;
            let read = self.decoder.total_in() - before;
            bytes = &bytes[usize::try_from(read).expect("a length")..];
        }
    }
}

fuzz_target!(|input: (Vec<Piece>, usize)| {
    let (pieces, cut) = input;
    let (mut history, mut crc) = (History::default(), Crc::new());
    let (mut plain, mut whole) = (Vec::new(), OPENING.to_vec());
    let mut receiver = Receiver::new();
    receiver.receive(&OPENING);
    for piece in pieces {
        let text = piece.plain();
        let level = match piece.is_small {
            true => Level::Small,
            false => Level::Fast,
        };
        let mut bytes = Vec::new();
        match piece.form {
            Form::Alone => deflate(b"", &text, level, &mut bytes),
            Form::Primed => deflate(history.text(), &text, level, &mut bytes),
            Form::Stored => store(&text, &mut bytes),
            Form::Empty => bytes.extend_from_slice(&EMPTY_BLOCK),
        }
        let blocks = text.len().div_ceil(65_535).max(1);
        assert!(bytes.len() <= text.len() + blocks * EMPTY_BLOCK.len());
        history.push(&text);
        crc.update(&text);
        plain.extend_from_slice(&text);
        receiver.receive(&bytes);
        assert!(receiver.text == plain, "a piece is not decoded at once");
        whole.extend_from_slice(&bytes);
    }
    // The length of any text here fits.
    let end = trailer(crc.sum(), plain.len() as u32);
    receiver.receive(&end);
    assert!(receiver.has_ended && receiver.text == plain);

    // However it is cut.
    whole.extend_from_slice(&end);
    let (first, second) = whole.split_at(cut % (whole.len() + 1));
    let mut receiver = Receiver::new();
    receiver.receive(first);
    assert!(plain.starts_with(&receiver.text));
    receiver.receive(second);
    assert!(receiver.has_ended && receiver.text == plain);
});
