//! The import cycles that are allowed.
//!
//! There is no exception for a `mod.rs` and its children. Declaring modules and re-exporting their
//! items is no use of them, so a `mod.rs` that does only that is in no cycle. It is in one only if
//! its own code uses a child that uses its own code: then neither can be read without the other,
//! and what both need belongs into a third file.

/// Files that may import each other.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) package: &'static str,
    /// Below the folder of the crate's root.
    pub(super) files: &'static [&'static str],
    #[expect(dead_code, reason = "it is for readers of the table")]
    pub(super) reason: &'static str,
}

pub(super) const ALLOWED: &[Allowed] = &[Allowed {
    package: "sse-hub",
    files: &["builder.rs", "hub.rs"],
    reason: "`Hub::builder()` returns the builder, and `HubBuilder::build()` returns the hub",
}];
