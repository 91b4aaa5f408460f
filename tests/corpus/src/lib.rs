//! Event streams that decoders read incorrectly, each as the pieces in which it is sent.
//!
//! The corpus does not state the expected events. The comparison with a browser determines them, and
//! the fuzz targets start from the corpus.

mod generated;
mod handmade;

/// One stream.
#[derive(Clone, Debug)]
pub struct Case {
    /// What the stream is about, unique within the corpus.
    pub name: String,
    /// The body, in the pieces in which it is sent.
    pub pieces: Vec<Vec<u8>>,
}

/// Returns all streams, the same ones each time.
#[must_use]
pub fn corpus() -> Vec<Case> {
    let mut cases = handmade::cases();
    cases.extend(generated::cases());
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let cases = corpus();
        let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases.len());
    }
}
