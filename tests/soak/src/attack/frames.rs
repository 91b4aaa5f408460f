//! Frames of HTTP/2 (RFC 9113 § 4.1), as attackers write them and as servers answer.

/// What a connection begins with, before its settings (RFC 9113 § 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The setting that the server's heads use no table but the fixed one, so that each can be read by itself.
pub(crate) const NO_TABLE: [u8; 6] = [0, 1, 0, 0, 0, 0];

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The length of a frame's head.
pub(crate) const HEAD: usize = 9;

/// Appends a frame.
pub(crate) fn push(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
}

/// Returns the headers of a `GET` of a path (RFC 7541 § 6).
pub(crate) fn get(path: &str) -> Vec<u8> {
    // Of the static table: the method GET and the scheme http, then a path and an authority as literals.
    let mut headers = vec![0x82, 0x86];
    push_literal(&mut headers, &[0x04], path);
    push_literal(&mut headers, &[0x01], "localhost");
    headers
}

/// Appends a header as a literal that begins so.
pub(crate) fn push_literal(headers: &mut Vec<u8>, beginning: &[u8], value: &str) {
    headers.extend_from_slice(beginning);
    // A length of 127 and more is continued, seven bits a byte.
    match value.len() {
        len @ ..127 => headers.push(len as u8),
        len => {
            headers.push(127);
            let mut rest = len - 127;
            while rest >= 128 {
                headers.push((rest % 128) as u8 | 0x80);
                rest /= 128;
            }
            headers.push(rest as u8);
        }
    }
    headers.extend_from_slice(value.as_bytes());
}

/// Returns the name of an error code (RFC 9113 § 7).
pub(crate) fn code(code: u32) -> &'static str {
    match code {
        0 => "NO_ERROR",
        1 => "PROTOCOL_ERROR",
        2 => "INTERNAL_ERROR",
        3 => "FLOW_CONTROL_ERROR",
        5 => "STREAM_CLOSED",
        6 => "FRAME_SIZE_ERROR",
        7 => "REFUSED_STREAM",
        8 => "CANCEL",
        9 => "COMPRESSION_ERROR",
        11 => "ENHANCE_YOUR_CALM",
        _ => "another code",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_a_head_of_nine_bytes() {
        let mut bytes = Vec::new();
        push(&mut bytes, RST_STREAM, 0, 3, &8_u32.to_be_bytes());
        assert_eq!(bytes, [0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 8]);
        assert_eq!(PREFACE.len(), 24);
    }

    #[test]
    fn long_literals_have_a_length_of_several_bytes() {
        let mut headers = Vec::new();
        push_literal(&mut headers, &[0x04], &"a".repeat(127 + 300));
        assert_eq!(headers[..4], [0x04, 127, 172, 2]);
        assert_eq!(get("/")[..5], [0x82, 0x86, 0x04, 1, b'/']);
    }
}
