//! How streams are compressed, and for which requests.

/// How streams are compressed, see [`SseOptions::compression`](crate::SseOptions::compression). With the feature `gzip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    Off,
    /// With gzip, for clients that accept it.
    Gzip,
}

/// A weight in thousandths (RFC 9110 § 12.4.2).
type Weight = u16;

/// Whether a request with these values of `Accept-Encoding` accepts gzip, and does not prefer what is not
/// compressed (RFC 9110 § 12.5.3).
pub(crate) fn accepts_gzip<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let lists = values.into_iter();
    for coding in lists.flat_map(|list| list.split(|byte| *byte == b',')) {
        let (name, weight) = parse(coding);
        let place = match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => &mut gzip,
            b"identity" => &mut identity,
            b"*" => &mut any,
            _ => continue,
        };
        // Of a coding that is named twice, the lower weight counts.
        *place = Some(place.map_or(weight, |before: Weight| before.min(weight)));
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// Returns the name and the weight of a coding.
fn parse(coding: &[u8]) -> (&[u8], Weight) {
    let mut parts = coding.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    let value = parts.find_map(|part| match part {
        [b'q' | b'Q', b'=', value @ ..] => Some(value),
        _ => None,
    });
    // What cannot be understood is not accepted.
    (name, value.map_or(1000, |value| weight(value).unwrap_or(0)))
}

fn weight(value: &[u8]) -> Option<Weight> {
    let (one, digits) = match value {
        [b'1', rest @ ..] => (1000, rest),
        [b'0', rest @ ..] => (0, rest),
        _ => return None,
    };
    let digits = match digits {
        [] => &[],
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        _ => return None,
    };
    let mut unit = 1000;
    let mut weight = one;
    for digit in digits {
        unit /= 10;
        weight += unit * Weight::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_accepted_and_identity_is_not_preferred() {
        for (lines, expected) in [
            (&["gzip"][..], true),
            (&["GZip"], true),
            (&["x-gzip"], true),
            (&["*"], true),
            (&["gzip, deflate, br, zstd"], true),
            (&["deflate , gzip;q=1.0, *;q=0.5"], true),
            (&["br", "gzip ; Q=0.001"], true),
            (&["br", "", "deflate", "gzip"], true),
            (&["gzip;q=0.5, identity;q=0.5"], true),
            (&["gzip;q=1.000"], true),
            (&["gzip;level=1;q=0.3"], true),
            (&["*;q=0, gzip"], true),
            (&[", ,gzip,"], true),
            (&[], false),
            (&[""], false),
            (&["br, deflate, zstd"], false),
            (&["gzip;q=0"], false),
            (&["gzip;q=0.000"], false),
            (&["x-gzip;q=0"], false),
            (&["*;q=0"], false),
            (&["gzip;q=0, *"], false),
            (&["gzip", "gzip;q=0"], false),
            (&["identity;q=1, *;q=0"], false),
            (&["identity, gzip;q=0.9"], false),
            (&["*;q=0.5, identity;q=0.6"], false),
            (&["gzipped, gzip2, agzip"], false),
            (&["gzip;q=1.5"], false),
            (&["gzip;q=0.1234"], false),
            (&["gzip;q=yes"], false),
            (&["gzip;q="], false),
            (&["gzip;q=0.5x"], false),
            (&["gzip;q=1.001"], false),
            (&["gzip;q=-1"], false),
        ] {
            let values = lines.iter().map(|line| line.as_bytes());
            assert_eq!(accepts_gzip(values), expected, "{lines:?}");
        }
    }
}
