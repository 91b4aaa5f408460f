//! How figures are written.

use std::time::Duration;

/// Returns a number with its digits in groups, such as `15,900,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns bytes in MiB, with one digit after the point.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1024.0 * 1024.0))
}

/// Returns a time as `m:ss`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_groups_of_three() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (15_900_000, "15,900,000"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn bytes_are_in_mib_and_times_in_minutes() {
        assert_eq!(mib(3 * 1024 * 1024 / 2), "1.5");
        assert_eq!(time(Duration::from_secs(181)), "3:01");
    }
}
