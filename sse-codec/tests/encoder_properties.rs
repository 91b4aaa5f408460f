//! Properties of every event: a receiver gets exactly what was sent.

use std::borrow::Cow;
use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use sse_codec::{Display, Encode, EncodeError, Encoder};
use sse_reference::{Sent, as_received, receive};

/// Text in which sequences are frequent that could break a stream.
fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just(Cow::from("\n")),
            Just(Cow::from("\r")),
            Just(Cow::from("\r\n")),
            Just(Cow::from("data: x")),
            Just(Cow::from("event:x")),
            Just(Cow::from("id: 1\n\n")),
            Just(Cow::from(":")),
            Just(Cow::from(" ")),
            Just(Cow::from("\u{feff}")),
            Just(Cow::from("\u{2028}\u{85}\u{0b}")),
            "\\PC{0,12}".prop_map(Cow::from),
            any::<String>().prop_map(Cow::from),
        ],
        0..6,
    )
    .prop_map(|parts| parts.concat())
}

prop_compose! {
    fn sent()(
        comment in option::of(hostile()),
        retry in option::of(any::<Duration>()),
        event in option::of(hostile()),
        id in option::of(hostile()),
        data in option::of(hostile()),
    ) -> Sent {
        Sent { comment, retry, event, id, data }
    }
}

fn encode(event: impl Encode) -> (Vec<u8>, Result<usize, EncodeError>) {
    let mut out = b"before".to_vec();
    let result = Encoder::new().encode(&event, &mut out);
    assert_eq!(&out[..6], b"before");
    (out.split_off(6), result)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_receiver_gets_what_was_sent_and_nothing_else(sent in sent()) {
        let as_text = match &sent.data {
            Some(data) => encode(sent.event().data(data)),
            None => encode(sent.event()),
        };
        let as_display = match &sent.data {
            Some(data) => encode(sent.event().display(data)),
            None => encode(sent.event()),
        };
        for (bytes, result) in [as_text, as_display] {
            if sent.is_valid() {
                prop_assert_eq!(result.expect("a valid event"), bytes.len());
                prop_assert_eq!(receive(&bytes), sent.received());
            } else {
                prop_assert!(result.is_err());
                prop_assert_eq!(bytes, b"");
            }
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_is_received_unchanged(text in hostile(), number in any::<i64>()) {
        let value = serde_json::json!({ "text": text, "number": number });
        let (bytes, result) = encode(&value);
        prop_assert!(result.is_ok());
        let data = receive(&bytes).data.expect("data");
        let has_line_end = data.contains(['\u{85}', '\u{2028}', '\u{2029}']);
        prop_assert!(!has_line_end);
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&data).expect("JSON"), value);
    }

    #[test]
    fn any_bytes_are_sent_whole_or_refused(bytes in any::<Vec<u8>>()) {
        let (encoded, result) = encode(&bytes);
        match std::str::from_utf8(&bytes) {
            Ok(text) => prop_assert_eq!(receive(&encoded).data, Some(as_received(text))),
            Err(_) => {
                prop_assert!(result.is_err());
                prop_assert_eq!(encoded, b"");
            }
        }
    }

    #[test]
    fn a_vec_and_a_bytes_mut_get_the_same(text in hostile()) {
        let mut vec = Vec::new();
        let mut bytes = bytes::BytesMut::new();
        Encoder::new().encode(&Display(&text), &mut vec).expect("text");
        Encoder::new().encode(&text, &mut bytes).expect("text");
        prop_assert_eq!(vec, bytes);
    }
}
