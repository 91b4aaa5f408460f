//! Event streams that decoders get wrong, each as the pieces in which it is sent.
//!
//! What they mean is not said here: the comparison with a browser finds that out, and the fuzz
//! targets begin from them.

mod generated;
mod handmade;

/// One stream.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about, unique within the corpus.
    pub name: String,
    /// The body, cut as it is sent.
    pub pieces: Vec<Vec<u8>>,
}

/// All streams, the same ones each time.
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
