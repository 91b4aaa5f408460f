//! A receiver that takes only what our encoder may write, for the property tests and the fuzz
//! target: the plainest reading of HTML § 9.2.6, which refuses what a client would skip, so that
//! nothing can hide there.

/// The fields of one event as they arrived.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Received {
    pub(crate) comment: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) event: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) data: Option<String>,
}

/// Reads one encoded event, or none if there are no bytes.
pub(crate) fn receive(bytes: &[u8]) -> Received {
    let text = std::str::from_utf8(bytes).expect("a stream is UTF-8");
    assert!(!text.contains('\r'), "only LF ends a line");
    let mut received = Received::default();
    let Some(lines) = text.strip_suffix("\n\n") else {
        assert_eq!(text, "", "an event ends with a blank line");
        return received;
    };
    let mut order = Vec::new();
    for line in lines.split('\n') {
        let (name, value) = line
            .split_once(':')
            .expect("every line has a field, none is blank");
        let value = value.strip_prefix(' ').expect("a space follows the colon");
        let append = |field: &mut Option<String>| match field {
            Some(text) => {
                text.push('\n');
                text.push_str(value);
            }
            None => *field = Some(value.to_owned()),
        };
        match name {
            "" => append(&mut received.comment),
            "data" => append(&mut received.data),
            "retry" => assert!(
                received
                    .retry
                    .replace(value.parse().expect("digits"))
                    .is_none()
            ),
            "event" => assert!(received.event.replace(value.to_owned()).is_none()),
            "id" => assert!(received.id.replace(value.to_owned()).is_none()),
            other => panic!("a field that nobody asked for: {other:?}"),
        }
        order.push(
            ["", "retry", "event", "id", "data"]
                .iter()
                .position(|field| *field == name),
        );
    }
    assert!(order.is_sorted(), "the fields are in wire order");
    received
}

/// Line breaks arrive as LF.
pub(crate) fn as_received(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
