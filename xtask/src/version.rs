//! Versions of packages and compilers.

use std::fmt;

/// A version such as 1.89.0, without what may follow the numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u64; 3]);

impl Version {
    pub(crate) const ONE: Self = Self([1, 0, 0]);

    /// Returns whether cargo takes one for the other: they have the same first number that is not
    /// zero.
    pub(crate) fn is_compatible_with(&self, other: &Self) -> bool {
        let significant = |version: &Self| match version.0 {
            [0, 0, patch] => [0, 0, patch],
            [0, minor, _] => [0, minor, 0],
            [major, ..] => [major, 0, 0],
        };
        significant(self) == significant(other)
    }

    /// Parses a version with one, two or three numbers.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let release = text.split(['-', '+']).next()?;
        let mut version = [0; 3];
        for (index, number) in release.split('.').enumerate() {
            *version.get_mut(index)? = number.parse().ok()?;
        }
        Some(Self(version))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("1.9") < version("1.10"));
        assert_eq!(version("1.89"), version("1.89.0"));
        assert_eq!(version("2.0.1+spec-1.1.0"), version("2.0.1"));
        assert!(version("0.99.0-rc.1") < Version::ONE);
        assert_eq!(Version::parse("latest"), None);
    }

    #[test]
    fn versions_are_compatible_by_their_first_number_that_is_not_zero() {
        let compatible = |one, other| {
            let [one, other] = [one, other].map(|text| Version::parse(text).unwrap());
            one.is_compatible_with(&other)
        };
        assert!(compatible("1.2.3", "1.9.0"));
        assert!(!compatible("1.2.3", "2.2.3"));
        assert!(compatible("0.3.1", "0.3.9"));
        assert!(!compatible("0.3.1", "0.4.1"));
        assert!(!compatible("0.0.1", "0.0.2"));
    }
}
