//! Why the marks that are missed are missed.

pub(crate) const LIMITS: &str = "\
### What stands in the way of more
";
