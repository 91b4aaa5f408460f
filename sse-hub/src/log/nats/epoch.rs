//! The epoch of a stream, which tells streams of the same name apart: the time when it was created,
//! as a number.

/// Returns the number for a time of the server, such as `2026-11-24T22:03:03.141318543Z`: the
/// milliseconds since 2020 if every month had 31 days. A later time has a greater number, and the
/// numbers are small enough for short ids. `None` if it is not such a time.
pub(super) fn of(created: &str) -> Option<u64> {
    let (date, time) = created.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date.split('-'))?;
    let [hour, minute, second] = numbers(time.split(':'))?;
    // The server leaves out trailing zeros.
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;

    let days = (year.checked_sub(2020)? * 12 + month.checked_sub(1)?) * 31 + day.checked_sub(1)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + millis)
}

/// Parses three small numbers.
fn numbers<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<[u64; 3]> {
    let mut next = || parts.next()?.parse::<u16>().ok().map(u64::from);
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_times_are_greater() {
        let times = [
            "2020-01-01T00:00:00Z",
            "2020-01-01T00:00:00.001Z",
            "2022-12-31T23:59:59.999999999Z",
            "2023-01-01T00:00:00Z",
            "2026-11-24T22:03:03.14Z",
            "2026-11-24T22:03:03.141318543Z",
            "2026-11-24T22:03:04Z",
            "2026-12-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ];
        let numbers: Vec<_> = times.map(|time| of(time).expect(time)).to_vec();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert_eq!(numbers[0], 0);
        assert_eq!(
            of("2026-11-24T22:03:03.14Z"),
            of("2026-11-24T22:03:03.140999Z")
        );
    }

    #[test]
    fn an_invalid_time_is_none() {
        for text in [
            "",
            "Z",
            "T",
            "2026-11-24",
            "2026-11-24T22:03:03",
            "2026-11-24T22:03Z",
            "2026-11T22:03:03Z",
            "2026-11-24T22:03:03.øZ",
            "2026-00-24T22:03:03Z",
            "-1-11-24T22:03:03Z",
            "99999999999999999999-11-24T22:03:03Z",
            "1999-11-24T22:03:03Z",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
