//! Any sequence of pieces decodes to the plain text, each piece as soon as it is there.

use bytes::Bytes;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use proptest::collection::vec;
use proptest::prelude::*;

use super::member::Member;
use super::{EMPTY_BLOCK, HISTORY, History, Level, OPENING, SharedPiece, deflate, store, trailer};

/// A receiver that is given a member bit by bit.
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
        let mut room = [0; 4096];
        loop {
            let (read, written) = (self.decoder.total_in(), self.decoder.total_out());
            let flush = FlushDecompress::Sync;
            let status = self
                .decoder
                .decompress(bytes, &mut room, flush)
                .expect("gzip");
            bytes = &bytes[(self.decoder.total_in() - read) as usize..];
            let written = (self.decoder.total_out() - written) as usize;
            self.text.extend_from_slice(&room[..written]);
            self.has_ended = status == Status::StreamEnd;
            if self.has_ended || (bytes.is_empty() && written < room.len()) {
                assert!(bytes.is_empty(), "something after the trailer");
                return;
            }
        }
    }
}

/// A stretch of a stream.
#[derive(Clone, Debug)]
enum Part {
    Event(Vec<u8>),
    Secret(Vec<u8>),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "(data: \\{\"id\":\"[a-c]{2}\",\"delta\":\"[a-z ]{0,40}\"\\}\n\n){0,20}".prop_map(String::into_bytes),
        4 => vec(any::<u8>(), 0..300),
        2 => vec(prop::sample::select(&b"ab\n"[..]), 0..5000),
        1 => (1_usize..140_000, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => vec(any::<u8>(), 60_000..70_000),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => text().prop_map(Part::Event),
        1 => text().prop_map(Part::Secret),
    ]
}

/// What one of several streams of a text does.
#[derive(Clone, Debug)]
enum Step {
    /// It takes the pieces of the text up to so many more, each as one.
    Take(usize),
    /// It takes so many pieces of the text as one.
    Join(usize),
    /// It misses some pieces.
    Skip(usize),
    /// It has something of its own.
    Own(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1_usize..12).prop_map(Step::Take),
        2 => (2_usize..5).prop_map(Step::Join),
        1 => (1_usize..4).prop_map(Step::Skip),
        2 => text().prop_map(Step::Own),
    ]
}

/// The pieces of a text, which streams share.
struct Text {
    events: Vec<Vec<u8>>,
    singles: Vec<SharedPiece>,
}

impl Text {
    fn new(events: Vec<Vec<u8>>) -> Self {
        let mut text = Self {
            events,
            singles: Vec::new(),
        };
        for at in 0..text.events.len() {
            let piece = text.piece(at, at + 1);
            text.singles.push(piece);
        }
        text
    }

    fn piece(&self, from: usize, to: usize) -> SharedPiece {
        let before = self.events[..from].concat();
        // As much as a window may have kept, or more than is used.
        let kept = before.len().min(HISTORY + 100);
        let before = Bytes::from(before).split_off(self.events[..from].concat().len() - kept);
        let plain = self.events[from..to].concat();
        SharedPiece::new(7, from as u128, to as u128, before, plain.into())
    }
}

/// What a topic's stream for many consists of.
#[derive(Clone, Debug)]
enum Piece {
    Lone(Vec<u8>),
    Primed(Vec<u8>),
    Stored(Vec<u8>),
    Empty,
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        text().prop_map(Piece::Lone),
        text().prop_map(Piece::Primed),
        text().prop_map(Piece::Stored),
        Just(Piece::Empty),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_piece_of_a_member_decodes_when_it_is_there(
        pieces in vec(vec(part(), 1..4), 0..12),
    ) {
        let mut member = Member::default();
        let (mut plain, mut all) = (Vec::new(), Vec::new());
        let (mut whole, mut bytewise) = (Receiver::new(), Receiver::new());
        for parts in pieces {
            let (mut text, mut secrets) = (Vec::new(), Vec::new());
            for part in parts {
                match part {
                    Part::Event(event) => text.extend(event),
                    Part::Secret(secret) => {
                        let start = text.len();
                        text.extend(&secret);
                        secrets.push(start..text.len());
                    }
                }
            }
            let mut piece = Vec::new();
            member.write(&text, &secrets, &mut piece);
            for secret in secrets {
                let secret = &text[secret];
                let is_as_it_is = piece.windows(secret.len().max(1)).any(|it| it == secret);
                prop_assert!(is_as_it_is || secret.is_empty() || secret.len() > 65_535);
            }
            plain.extend(text);
            whole.receive(&piece);
            prop_assert_eq!(&whole.text, &plain);
            for byte in &piece {
                bytewise.receive(&[*byte]);
            }
            prop_assert_eq!(&bytewise.text, &plain);
            all.extend(piece);
        }
        let mut end = Vec::new();
        member.end(&mut end);
        whole.receive(&end);
        prop_assert!(whole.has_ended && whole.text == plain);
        all.extend(end);
        let mut at_once = Receiver::new();
        at_once.receive(&all);
        prop_assert!(at_once.has_ended && at_once.text == plain);
    }

    #[test]
    fn pieces_of_all_kinds_can_be_joined(pieces in vec((piece(), any::<bool>()), 0..16)) {
        let (mut history, mut crc) = (History::default(), Crc::new());
        let (mut receiver, mut plain) = (Receiver::new(), Vec::new());
        receiver.receive(&OPENING);
        for (piece, is_small) in pieces {
            let level = if is_small { Level::Small } else { Level::Fast };
            let mut bytes = Vec::new();
            let text = match piece {
                Piece::Lone(text) => {
                    deflate(b"", &text, level, &mut bytes);
                    text
                }
                Piece::Primed(text) => {
                    deflate(history.text(), &text, level, &mut bytes);
                    text
                }
                Piece::Stored(text) => {
                    store(&text, &mut bytes);
                    text
                }
                Piece::Empty => {
                    bytes.extend_from_slice(&EMPTY_BLOCK);
                    Vec::new()
                }
            };
            // No piece is longer than if it were stored.
            let blocks = text.len().div_ceil(65_535).max(1);
            prop_assert!(bytes.len() <= text.len() + 5 * blocks);
            history.push(&text);
            crc.update(&text);
            plain.extend(text);
            receiver.receive(&bytes);
            prop_assert_eq!(&receiver.text, &plain);
        }
        receiver.receive(&trailer(crc.sum(), plain.len() as u32));
        prop_assert!(receiver.has_ended);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn streams_that_share_pieces_decode_whatever_each_has_besides(
        events in vec(text(), 1..30),
        streams in vec(vec(step(), 1..10), 1..5),
    ) {
        let text = Text::new(events);
        for steps in streams {
            let mut stream = Stream::new();
            let mut at = 0;
            for step in steps {
                let left = text.events.len() - at;
                match step {
                    Step::Take(pieces) => {
                        for _ in 0..pieces.min(left) {
                            stream.take(&text.singles[at]);
                            at += 1;
                        }
                    }
                    Step::Join(pieces) => {
                        let to = at + pieces.min(left);
                        stream.take(&text.piece(at, to));
                        at = to;
                    }
                    Step::Skip(pieces) => at += pieces.min(left),
                    Step::Own(own) => stream.write(&own),
                }
            }
            stream.end();
        }
    }
}

/// A member and its receiver.
struct Stream {
    member: Member,
    receiver: Receiver,
    plain: Vec<u8>,
}

impl Stream {
    fn new() -> Self {
        let mut stream = Self {
            member: Member::default(),
            receiver: Receiver::new(),
            plain: Vec::new(),
        };
        let mut opening = Vec::new();
        stream.member.open(&mut opening);
        stream.receiver.receive(&opening);
        stream
    }

    fn take(&mut self, piece: &SharedPiece) {
        let compressed = self.member.write_shared(piece);
        let blocks = piece.plain().len().div_ceil(65_535).max(1);
        assert!(compressed.len() <= piece.plain().len() + 5 * blocks);
        self.receive(&compressed, piece.plain());
    }

    fn write(&mut self, plain: &[u8]) {
        let mut piece = Vec::new();
        self.member.write(plain, &[], &mut piece);
        self.receive(&piece, plain);
    }

    fn receive(&mut self, piece: &[u8], plain: &[u8]) {
        self.receiver.receive(piece);
        self.plain.extend_from_slice(plain);
        assert!(self.receiver.text == self.plain);
    }

    fn end(mut self) {
        let mut trailer = Vec::new();
        self.member.end(&mut trailer);
        self.receiver.receive(&trailer);
        assert!(self.receiver.has_ended);
    }
}

#[test]
fn a_stream_without_a_break_takes_what_is_primed_and_others_what_is_alone() {
    let event = |number: usize| {
        let text = format!(
            "data: {{\"id\":\"cmpl-{number}\",\"delta\":\"the same words each time, more or less\"}}\n\n"
        );
        text.into_bytes()
    };
    let text = Text::new((0..60).map(event).collect());
    let (mut member, mut late) = (Member::default(), Member::default());
    let len = |bytes: Bytes| bytes.len();
    let mut lens = Vec::new();
    for piece in &text.singles {
        lens.push(len(member.write_shared(piece)));
    }
    // The first one has nothing before it.
    assert!(lens[0] > 60 && lens[1] < 30 && lens[59] < 30, "{lens:?}");
    // One that begins later has the others' form only when it has had as much as they refer to.
    let late: Vec<_> = text.singles[30..]
        .iter()
        .map(|piece| len(late.write_shared(piece)))
        .collect();
    let alone = HISTORY.div_ceil(text.events[30].len());
    assert!(late[..alone].iter().all(|len| *len > 60), "{late:?}");
    assert!(late[alone..].iter().all(|len| *len < 30), "{late:?}");
    // So is one after something of its own.
    let mut own = Vec::new();
    member.write(b": a comment\n", &[], &mut own);
    let next = text.piece(59, 60);
    assert!(len(member.write_shared(&next)) > 60);
}

#[test]
fn a_member_without_text_is_an_opening_and_a_trailer() {
    let mut member = Member::default();
    let mut bytes = Vec::new();
    member.end(&mut bytes);
    assert_eq!(
        bytes,
        [&OPENING[..], &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat()
    );
}

#[test]
fn nothing_after_a_secret_refers_to_it_or_to_what_was_before() {
    let event =
        b"data: the quick brown fox jumps over the lazy dog, and then it sleeps for an hour\n\n";
    let secret = b"event: token\ndata: 7f3a0c55d1b94be2a6e0f1c28d9b7a64-7f3a0c55d1b94be2a6e0f1c28d9b7a64\n\n";
    let alone = |text: &[u8]| {
        let mut piece = Vec::new();
        deflate(b"", text, Level::Fast, &mut piece);
        piece
    };
    let mut member = Member::default();
    let (mut piece, mut expected) = (Vec::new(), OPENING.to_vec());
    // In one piece with others, and then in a piece of its own.
    let all = [&event[..], secret, secret, event].concat();
    let (start, end) = (event.len(), event.len() + 2 * secret.len());
    let places = [start..start + secret.len(), start + secret.len()..end];
    member.write(&all, &places, &mut piece);
    expected.extend(alone(event));
    store(secret, &mut expected);
    store(secret, &mut expected);
    expected.extend(alone(event));
    let whole = 0..secret.len();
    member.write(secret, std::slice::from_ref(&whole), &mut piece);
    store(secret, &mut expected);
    member.write(event, &[], &mut piece);
    expected.extend(alone(event));
    assert_eq!(piece, expected);

    // What follows without a secret is short again.
    let mut again = Vec::new();
    member.write(event, &[], &mut again);
    assert!(again.len() < 20);
}
